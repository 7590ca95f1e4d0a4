"""The largest element of each window: of one size, or as many windows as are asked for."""

from __future__ import annotations

from typing import Any, Literal, overload

from lineal.base.signatures import Dims, Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.nn.functional.adaptive import output_sizes
from lineal.ops.conversion import dtype_of
from lineal.ops.front import require_tensor
from lineal.ops.promotion import unsupported
from lineal.ops.spatial.maxima import window_max
from lineal.ops.spatial.windows import check_spatial, evenly, pooled
from lineal.ops.structural.reshape import laid_like

NODES = ("SqueezeBackward1", "MaxPool2DWithIndicesBackward0", "MaxPool3DWithIndicesBackward0")
ADAPTIVE_NODES = ("SqueezeBackward1", "AdaptiveMaxPool2DBackward0", "AdaptiveMaxPool3DBackward0")


def orderable(name: str, input: Any) -> tuple[int, ...]:
    """Return the shape of a tensor whose elements have a largest."""
    value = require_tensor(name, input)
    if value.dtype.kind in "bc":
        raise unsupported(name, dtype_of(input))
    return value.shape


def max_pool(n: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Any:
    """Return the largest elements of windows over the last `n` dimensions, and where they are."""
    name = f"max_pool{n}d"
    shape = orderable(name, input)
    check_spatial(name, shape, n)
    return window_max(input, pooled(name, shape, kernel_size, stride, padding, dilation, ceil_mode, n), NODES[n - 1])


@public
def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return `max_pool1d` and the places of what it takes."""
    return max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode)


@public
def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return `max_pool2d` and the places, in the flattened plane, of what it takes."""
    return max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode)


@public
def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return `max_pool3d` and the places, in the flattened volume, of what it takes."""
    return max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode)


@overload
def max_pool1d(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...
@overload
def max_pool1d(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...
@public
def max_pool1d(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest of every `kernel_size` elements `dilation` apart, in windows `stride` (by default as long) apart.

    `input` is (N, C, L) or (C, L), with `padding` on both sides that is never taken; of equal elements the first is, and NaN
    is the largest. `ceil_mode` admits a last window that reaches beyond the end. With `return_indices`, a pair of the values
    and their places.
    """
    found = max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode)
    return found if return_indices else found[0]


@overload
def max_pool2d(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...
@overload
def max_pool2d(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...
@public
def max_pool2d(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest elements of windows of (N, C, H, W) or (C, H, W), as `max_pool1d` does."""
    found = max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode)
    return found if return_indices else found[0]


@overload
def max_pool3d(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...
@overload
def max_pool3d(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...
@public
def max_pool3d(
    input: Tensor,
    kernel_size: Dims,
    stride: Dims | None = None,
    padding: Dims = 0,
    dilation: Dims = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest elements of windows of (N, C, D, H, W) or (C, D, H, W), as `max_pool1d` does."""
    found = max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode)
    return found if return_indices else found[0]


def adaptive_max_pool(n: int, input: Any, output_size: Any) -> Any:
    """Return the largest elements of `output_size` windows that cover the last `n` dimensions, and where they are."""
    name = f"adaptive_max_pool{n}d"
    shape = orderable(name, input)
    counts = output_sizes(name, shape, output_size, n)
    if 1 < n and all(count == 1 for count in counts):
        y, index = input.flatten(-n).max(-1)
        ones = (*shape[: len(shape) - n], *counts)
        y, index = y.reshape(ones), index.reshape(ones)
        if n == 2:
            y, index = laid_like(y, input), laid_like(index, input)
        return renamed(y, ADAPTIVE_NODES[n - 1]), index
    windows = tuple([evenly(size, count) for size, count in zip(shape[len(shape) - n :], counts)])
    return window_max(input, windows, ADAPTIVE_NODES[n - 1])


@public
def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Dims, return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """Return `adaptive_max_pool1d` and the places of what it takes."""
    return adaptive_max_pool(1, input, output_size)


@public
def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """Return `adaptive_max_pool2d` and the places, in the flattened plane, of what it takes."""
    return adaptive_max_pool(2, input, output_size)


@public
def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """Return `adaptive_max_pool3d` and the places, in the flattened volume, of what it takes."""
    return adaptive_max_pool(3, input, output_size)


@overload
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: Literal[False] = False) -> Tensor: ...
@overload
def adaptive_max_pool1d(input: Tensor, output_size: Any, *, return_indices: Literal[True]) -> tuple[Tensor, Tensor]: ...
@public
def adaptive_max_pool1d(input: Tensor, output_size: Dims, return_indices: bool = False) -> Any:
    """Return the largest elements of `output_size` windows that cover (N, C, L) or (C, L); with `return_indices` and where."""
    found = adaptive_max_pool(1, input, output_size)
    return found if return_indices else found[0]


@overload
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: Literal[False] = False) -> Tensor: ...
@overload
def adaptive_max_pool2d(input: Tensor, output_size: Any, *, return_indices: Literal[True]) -> tuple[Tensor, Tensor]: ...
@public
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the largest elements of windows that cover (N, C, H, W) or (C, H, W); None keeps a dimension's size."""
    found = adaptive_max_pool(2, input, output_size)
    return found if return_indices else found[0]


@overload
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: Literal[False] = False) -> Tensor: ...
@overload
def adaptive_max_pool3d(input: Tensor, output_size: Any, *, return_indices: Literal[True]) -> tuple[Tensor, Tensor]: ...
@public
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return the largest elements of windows that cover (N, C, D, H, W) or (C, D, H, W); None keeps a dimension's size."""
    found = adaptive_max_pool(3, input, output_size)
    return found if return_indices else found[0]
