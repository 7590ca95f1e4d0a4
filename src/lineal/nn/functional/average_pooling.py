"""Averages over windows, and their norms."""

from __future__ import annotations

import math
from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.base.signatures import Dims, Tensor
from lineal.core import lift, renamed
from lineal.core.calling import public
from lineal.nn.functional.adaptive import output_sizes
from lineal.ops.conversion import dtype_of
from lineal.ops.front import require_tensor
from lineal.ops.promotion import unsupported
from lineal.ops.spatial.resampling import resample
from lineal.ops.spatial.taps import averages, outer_numbers
from lineal.ops.spatial.windows import check_spatial, evenly, pooled, several
from lineal.ops.structural.reshape import laid_like

NODES = ("SqueezeBackward1", "AvgPool2DBackward0", "AvgPool3DBackward0")
ADAPTIVE_NODES = ("SqueezeBackward1", "AdaptiveAvgPool2DBackward0", "AdaptiveAvgPool3DBackward0")


def avg_pool(
    n: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None = None,
) -> Any:
    """Return the averages of windows over the last `n` dimensions."""
    name, value = f"avg_pool{n}d", require_tensor(f"avg_pool{n}d", input)
    if divisor_override == 0:
        raise RuntimeError(f"{name}: divisor must be not zero")
    check_spatial(name, value.shape, n)
    windows = pooled(name, value.shape, kernel_size, stride, padding, 1, ceil_mode, n)
    dtype = dtype_of(input)
    if not (dtype.is_floating_point or dtype is dtypes.int64):
        raise unsupported(name, dtype)
    counted = [each.padding if count_include_pad else 0 for each in windows]
    if dtype is dtypes.int64:
        total = resample(input, *[averages(each, 0, 1) for each in windows])
        by = divisor_override or lift(outer_numbers(windows, counted))
        return ops.div(total, by, rounding_mode="trunc")
    divisors = (None,) * n if divisor_override is None else (divisor_override, *(1,) * (n - 1))
    y = resample(input, *[averages(*each) for each in zip(windows, counted, divisors)])
    return renamed(y, NODES[n - 1])


@public
def avg_pool1d(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Return the means of every `kernel_size` elements, in windows `stride` (by default as long) apart.

    `input` is (N, C, L) or (C, L), with zeros as `padding` on both sides, which `count_include_pad` counts. `ceil_mode` admits
    a last window that reaches beyond the end, which is divided by what of it is inside.
    """
    return avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


@public
def avg_pool2d(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the means of windows of (N, C, H, W) or (C, H, W), as `avg_pool1d` does; sums by `divisor_override` if given."""
    return avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@public
def avg_pool3d(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the means of windows of (N, C, D, H, W) or (C, D, H, W), as `avg_pool2d` does."""
    return avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def adaptive_avg_pool(n: int, input: Any, output_size: Any) -> Any:
    """Return the means of `output_size` windows that cover the last `n` dimensions."""
    name, value = f"adaptive_avg_pool{n}d", require_tensor(f"adaptive_avg_pool{n}d", input)
    counts = output_sizes(name, value.shape, output_size, n)
    if value.dtype.kind not in "fV":
        raise unsupported(name, dtype_of(input))
    if all(count == 1 for count in counts):
        y = laid_like(input.mean(tuple(range(-n, 0)), keepdim=True), input)
        return renamed(y, "SqueezeBackward1") if n == 1 else y
    taps = [averages(evenly(size, count)) for size, count in zip(value.shape[value.ndim - n :], counts)]
    return renamed(resample(input, *taps), ADAPTIVE_NODES[n - 1])


@public
def adaptive_avg_pool1d(input: Tensor, output_size: Dims) -> Tensor:
    """Return the means of `output_size` windows that cover (N, C, L) or (C, L)."""
    return adaptive_avg_pool(1, input, output_size)


@public
def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Return the means of windows that cover (N, C, H, W) or (C, H, W); None keeps a dimension's size."""
    return adaptive_avg_pool(2, input, output_size)


@public
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Return the means of windows that cover (N, C, D, H, W) or (C, D, H, W); None keeps a dimension's size."""
    return adaptive_avg_pool(3, input, output_size)


def lp_pool(n: int, input: Any, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Any:
    """Return (Σ xᵖ)^(1/p) over windows of the last `n` dimensions; a sum that is negative keeps its sign."""
    count = math.prod(several(f"lp_pool{n}d", "kernel_size", kernel_size, n))
    mean = avg_pool(n, input.pow(norm_type), kernel_size, stride, 0, ceil_mode, True)
    return (ops.sign(mean) * ops.relu(ops.abs(mean))).mul(count).pow(1.0 / norm_type)


@public
def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Dims, stride: Dims | None = None, ceil_mode: bool = False
) -> Tensor:
    """Return (Σ xᵖ)^(1/p), p = `norm_type`, over windows of (N, C, L) or (C, L)."""
    return lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


@public
def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Dims, stride: Dims | None = None, ceil_mode: bool = False
) -> Tensor:
    """Return (Σ xᵖ)^(1/p), p = `norm_type`, over windows of (N, C, H, W) or (C, H, W)."""
    return lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


@public
def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Dims, stride: Dims | None = None, ceil_mode: bool = False
) -> Tensor:
    """Return (Σ xᵖ)^(1/p), p = `norm_type`, over windows of (N, C, D, H, W) or (C, D, H, W)."""
    return lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)
