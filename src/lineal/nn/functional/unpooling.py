"""The inverse of pooling: each element where it was the largest, zeros elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lineal.base import dtypes
from lineal.base.signatures import Dims, Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.ops.front import require_tensor
from lineal.ops.spatial.windows import several

NODES = ("SqueezeBackward1", "MaxUnpool2DBackward0", "MaxUnpool3DBackward0")


def max_unpool(n: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any) -> Any:
    """Return zeros with the elements at `indices` of the last `n` dimensions, flattened."""
    name, shape = f"max_unpool{n}d", require_tensor(f"max_unpool{n}d", input).shape
    if indices.dtype is not dtypes.int64:
        raise RuntimeError(f"{name}: elements in indices should be type int64 but got: {indices.dtype}")
    if len(shape) not in (n + 1, n + 2):
        raise RuntimeError(f"{name}: Input to max_unpooling{n}d should be a {n + 1}d or {n + 2}d Tensor, got {list(shape)}")
    if tuple(indices.shape) != shape:
        raise RuntimeError(f"{name}: Expected shape of indices to be: {list(shape)} but got: {list(indices.shape)}")
    if 0 in shape[len(shape) - n - 1 :]:
        raise RuntimeError(f"{name}: Expected input to have non-zero size for non-batch dimensions, but got {list(shape)}")
    kernels = several(name, "kernel_size", kernel_size, n)
    strides = kernels if stride is None else several(name, "stride", stride, n)
    paddings = several(name, "padding", padding, n)
    sizes = unpooled_sizes(name, shape[len(shape) - n :], kernels, strides, paddings, output_size)
    lead = shape[: len(shape) - n]
    zeros = input.new_zeros(*lead, math.prod(sizes))
    try:
        y = zeros.scatter(-1, indices.flatten(-n), input.flatten(-n))
    except (IndexError, RuntimeError) as error:
        raise RuntimeError(f"{name}: Found an invalid max index (output volumes are of size {list(sizes)}): {error}") from None
    return renamed(y.reshape(*lead, *sizes), NODES[n - 1])


def unpooled_sizes(name: str, sizes: tuple, kernels: tuple, strides: tuple, paddings: tuple, output_size: Any) -> tuple:
    """Return the sizes that are asked for, which the windows could have come from, or else the least of these."""
    n = len(sizes)
    least = [(size - 1) * stride + kernel - 2 * pad for size, kernel, stride, pad in zip(sizes, kernels, strides, paddings)]
    if output_size is None:
        return tuple(least)
    given = list(output_size)[2:] if len(output_size) == n + 2 else list(output_size)
    if len(given) != n:
        raise ValueError(f"{name}: output_size should be a sequence containing {n} or {n + 2} elements, got {output_size}")
    for place, (size, low, stride) in enumerate(zip(given, least, strides)):
        if not low - stride < size < low + stride:
            raise ValueError(
                f'{name}: invalid output_size "{given}" (dim {place} must be between {low - stride} and {low + stride})'
            )
    return tuple(given)


@public
def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Return zeros with each element of (N, C, L) or (C, L) at the place in `indices`, which `max_pool1d` has given.

    `output_size` says which of the sizes it is to be that pool to the input's.
    """
    return max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


@public
def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Return zeros with each element of (N, C, H, W) or (C, H, W) at its place in `indices`, as `max_unpool1d` does."""
    return max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


@public
def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Return zeros with each element of (N, C, D, H, W) or (C, D, H, W) at its place in `indices`, as `max_unpool1d` does."""
    return max_unpool(3, input, indices, kernel_size, stride, padding, output_size)
