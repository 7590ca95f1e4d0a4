"""Activation functions that bend or break at 0: lines, and exponentials below."""

from __future__ import annotations

from typing import Any

from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.core import is_grad_enabled, renamed
from lineal.core.calling import public
from lineal.ops import where
from lineal.ops.elementwise.masks import keep, masked
from lineal.ops.front import assign, binary, nary, require_tensor, row, unary

# Kept as numbers with the digits that PyTorch has, since float32 results should agree to the last place.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


_leaky_relu = binary(
    "leaky_relu",
    lambda m, x, slope: m.where(x > 0, x, x * slope),
    lambda g, x, slope: _leaky_slope(g, x, slope),
    None,
    domain="only float",
    numbers="second",
    widens=True,
)
_prelu = binary(
    "prelu_kernel",
    lambda m, x, w: m.where(x > 0, x, x * w),
    lambda g, x, w: _leaky_slope(g, x, w),
    lambda g, x, w: keep(g * x, x <= 0),
    domain="only float",
    numbers="none",
)
_leaky_slope = row(
    "leaky_relu_backward",
    lambda m, g, x, slope: m.where(x > 0, g, g * slope),
    lambda h, x, slope: _leaky_slope(h, x, slope),
    None,
    lambda h, g, x, slope: keep(h * g, x <= 0),
)
# The exponential of min(x, 0): in the branch that `where` drops it must not overflow, or derivatives there are nan.
_elu = nary(
    "elu",
    lambda m, x, alpha, scale, rate: m.where(x > 0, x, m.expm1(m.minimum(0, x) * rate) * alpha) * scale,
    lambda g, x, alpha, scale, rate: _elu_slope(g, x, alpha, scale, rate),
    None,
    None,
    None,
    domain="only float",
)
_elu_slope = row(
    "elu_backward",
    lambda m, g, x, alpha, scale, rate: g * scale * m.where(x > 0, 1, m.exp(m.minimum(0, x) * rate) * (alpha * rate)),
    lambda h, x, alpha, scale, rate: _elu_slope(h, x, alpha, scale, rate),
    lambda h, g, x, alpha, scale, rate: where(x < 0, _elu_slope(h * g, x, alpha, scale, rate) * rate, 0.0),
    None,
    None,
    None,
)
_hardtanh = nary(
    "hardtanh",
    lambda m, x, low, high: m.minimum(high, m.maximum(low, x)),
    lambda g, x, low, high: _hardtanh_slope(g, x, low, high),
    None,
    None,
    domain="only ordered",
)
_hardtanh_slope = row(
    "hardtanh_backward",
    lambda m, g, x, low, high: m.where((x > low) & (x < high), g, 0),
    lambda h, x, low, high: _hardtanh_slope(h, x, low, high),
    None,
    None,
    None,
    numeric=lambda m, g, x, low, high: masked(m, g, (x > low) & (x < high)),
)
_hardsigmoid = unary(
    "hardsigmoid",
    lambda m, x: m.minimum(m.maximum(x + 3, 0), 6) / 6,
    lambda g, x: where((x > -3) & (x < 3), g / 6, 0.0),
    domain="only float",
)
_hardswish = unary(
    "hardswish",
    lambda m, x: x * m.minimum(m.maximum(x + 3, 0), 6) / 6,
    lambda g, x: _hardswish_slope(g, x),
    domain="only float",
)
_hardswish_slope = row(
    "hardswish_backward",
    lambda m, g, x: m.where(x <= -3, 0, m.where(x < 3, g * (x / 3 + 0.5), g)),
    lambda h, x: _hardswish_slope(h, x),
    lambda h, g, x: keep(h * g / 3, (x > -3) & (x < 3)),
)


def kept(input: Any, inplace: bool) -> Any:
    """Return what a derivative may read once `input` is overwritten: a copy if there is to be one, else `input` itself."""
    read_later = inplace and getattr(input, "requires_grad", False) and is_grad_enabled()
    return input.clone() if read_later else input


def delivered(y: Any, input: Any, inplace: bool, name: str) -> Any:
    """Return the result `y`, written into `input` if it is to be in place."""
    if not inplace:
        return y
    require_tensor(f"{name}_", input)
    return assign(input, y, f"{name}_")


@public
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else negative_slope x."""
    return delivered(_leaky_relu(kept(input, inplace), float(negative_slope)), input, inplace, "leaky_relu")


@public
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Return x where it is positive, else w x; `weight` is one number, or one for each of the channels in dimension 1."""
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: expected weight to be a number or a vector, got shape {list(weight.shape)}")
    if weight.dtype is not input.dtype:
        raise RuntimeError(f"prelu: expected a weight of the dtype of input, {input.dtype}, got {weight.dtype}")
    count = weight.numel()
    if count != 1 and (input.ndim == 0 or count != input.shape[min(1, input.ndim - 1)]):
        raise RuntimeError(f"prelu: expected one weight, or one per channel, got {count} for shape {list(input.shape)}")
    if count != 1 and input.ndim > 2:
        weight = weight.reshape(-1, *[1] * (input.ndim - 2))
    return renamed(_prelu(input, weight if count != 1 else weight.reshape(())), "PreluKernelBackward0")


@public
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else alpha (eˣ - 1)."""
    return delivered(_elu(kept(input, inplace), alpha, 1.0, 1.0), input, inplace, "elu")


@public
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return the scaled ELU that keeps mean 0 and variance 1.  Klambauer et al. (2017), arXiv:1706.02515."""
    return delivered(_elu(kept(input, inplace), SELU_ALPHA, SELU_SCALE, 1.0), input, inplace, "selu")


@public
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else alpha (exp(x/alpha) - 1), whose slope is continuous."""
    if alpha == 0:
        raise ZeroDivisionError("celu: expected alpha other than 0")
    return renamed(delivered(_elu(kept(input, inplace), alpha, 1.0, 1.0 / alpha), input, inplace, "celu"), "CeluBackward0")


@public
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x moved into [min_val, max_val]; unlike `clamp`, no gradient passes at the bounds.

    Whole numbers stay whole, and so do their bounds.
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: expected min_val of at most max_val, got {min_val} and {max_val}")
    if require_tensor("hardtanh", input).dtype.kind in "iu":
        min_val, max_val = int(min_val), int(max_val)
        if min_val < 0 and input.dtype is dtypes.uint8:
            raise RuntimeError(f"hardtanh: expected bounds of at least 0 for an unsigned dtype, got {min_val}")
    return delivered(_hardtanh(kept(input, inplace), min_val, max_val), input, inplace, "hardtanh")


@public
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Return min(max(x, 0), 6)."""
    return delivered(_hardtanh(kept(input, inplace), 0, 6), input, inplace, "relu6")


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x/6 + 1/2 moved into [0, 1]."""
    return delivered(_hardsigmoid(kept(input, inplace)), input, inplace, "hardsigmoid")


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x hardsigmoid(x)."""
    return delivered(_hardswish(kept(input, inplace)), input, inplace, "hardswish")


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Write leaky_relu of `input` into it."""
    return leaky_relu(input, negative_slope, inplace=True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Write elu of `input` into it."""
    return elu(input, alpha, inplace=True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Write hardtanh of `input` into it."""
    return hardtanh(input, min_val, max_val, inplace=True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Write celu of `input` into it."""
    return celu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """Write selu of `input` into it."""
    return selu(input, inplace=True)
