"""New shapes for the same numbers in the same order, and copies of tensors."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, ClassVar, overload

import numpy as np

from lineal.base import dtypes, formats
from lineal.base.formats import order_of
from lineal.base.layouts import dense_steps, is_last, last_steps, row, steps, steps_in
from lineal.base.platforms import array_module
from lineal.base.signatures import DType, Format, Tensor
from lineal.base.spec import Shape, axis, infer_shape
from lineal.core import AbstractTensor, Op, apply
from lineal.core.calling import no_tensor, public
from lineal.core.inplace import Copy
from lineal.ops.layout import filled_in, shape_of

__all__ = ["clone", "flatten", "ravel", "reshape", "unflatten"]


class View(Op):
    """y = x with another shape over the same memory; x̄ = ȳ with x's shape."""

    shape: Shape
    aliasing = "view"

    def eager(self, xp, x):
        return x.reshape(self.shape)

    def vjp(self, needs, g, y, x):
        return (reshape(g, x.shape),)


class ViewDtype(Op):
    """y = the bytes of x read as another dtype."""

    target: dtypes.dtype
    aliasing = "memory"
    differentiable: ClassVar[bool] = False
    no_vjp = "the bytes of numbers, read as others"
    no_batch = "looped: bytes may change the number of axes"
    no_lowering = "host step: memory of one dtype is read as another"

    def eager(self, xp, x):
        return x.view(self.target.numpy)

    def vjp(self, needs, g, y, x):
        return (None,)


_view = functools.lru_cache(4096)(View)
_compact, _alike = Copy("C"), Copy("K")


def viewable(value: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Return whether `value` can take `shape` without being copied."""
    if value.flags.c_contiguous:
        return True
    try:
        array_module(value).reshape(value, shape, copy=False)
    except ValueError:
        return False
    return True


@public
def reshape(input: Tensor, *sizes_: int | Sequence[int], shape: int | Sequence[int] | None = None) -> Tensor:
    """Return input with another shape: a view where the memory allows it, otherwise a copy. One size may be -1."""
    try:
        count = input.value.size
    except AttributeError:
        raise no_tensor("reshape", input) from None
    target = filled_in("reshape", shape_of("reshape", sizes_ if shape is None else (shape,)), count)
    if not viewable(input.value, target):
        input = apply(_compact, input)
    return apply(_view(target), input)


@overload
def view(input: Tensor, *shape: int | Sequence[int], size: int | Sequence[int] | None = None) -> Tensor: ...
@overload
def view(input: Tensor, dtype: DType) -> Tensor: ...
@public
def view(input: Tensor, *shape: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """Return a view with another shape; RuntimeError if only a copy could have it. One size may be -1.

    Given a dtype, return a view of the same bytes as that dtype; it has no derivative.
    """
    if dtype is None and len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
        dtype = shape[0]
    if dtype is not None:
        return view_dtype(input, dtypes.as_dtype(dtype))
    target = filled_in("view", shape_of("view", shape if size is None else (size,)), input.value.size)
    if not viewable(input.value, target):
        raise RuntimeError(
            f"view: view size {list(target)} is not compatible with the size {list(input.value.shape)} and strides of the "
            "input (at least one dimension spans across two contiguous subspaces); use reshape(...) instead"
        )
    return apply(_view(target), input)


def view_dtype(input: AbstractTensor, target: dtypes.dtype) -> Any:
    """Return the bytes of `input` as another dtype; the last size changes by the ratio of the two widths."""
    value, width = input.value, target.numpy.itemsize
    if width != value.itemsize:
        if value.ndim == 0:
            raise RuntimeError(
                f"view: self.dim() cannot be 0 to view {dtypes.of(value.dtype)} as {target} (different element sizes)"
            )
        if value.shape[-1] > 1 and value.strides[-1] != value.itemsize:
            raise RuntimeError(f"view: self.stride(-1) must be 1 to view {dtypes.of(value.dtype)} as {target}")
        if value.shape[-1] * value.itemsize % width or (value.size and any(step % width for step in value.strides[:-1])):
            raise RuntimeError(
                f"view: expected sizes, strides and offset divisible by {width // value.itemsize} to view "
                f"{dtypes.of(value.dtype)} as {target}, got shape {list(value.shape)}"
            )
    return apply(ViewDtype(target), input)


@public
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Return a view with the shape of `other`."""
    return view(input, other.value.shape)


@public
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """Return input with the shape of `other`, a view where the memory allows it."""
    return reshape(input, other.value.shape)


@public
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return input with the dimensions from `start_dim` to `end_dim` made one; input itself if there is nothing to do."""
    try:
        shape = input.value.shape
    except AttributeError:
        raise no_tensor("flatten", input) from None
    first, last = axis("flatten", start_dim, len(shape)), axis("flatten", end_dim, len(shape))
    if first > last:
        raise RuntimeError(f"flatten: start_dim cannot come after end_dim, got {start_dim} and {end_dim}")
    if not shape:
        return reshape(input, (1,))
    if first == last:
        return input
    count = 1
    for size in shape[first : last + 1]:
        count *= size
    return reshape(input, (*shape[:first], count, *shape[last + 1 :]))


@public
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Return input with dimension `dim` split into `sizes`, of which one may be -1."""
    shape = input.value.shape
    if not shape:
        raise IndexError("unflatten: Dimension specified as 0 but tensor has no dimensions")
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    place = axis("unflatten", dim, len(shape))
    return view(input, (*shape[:place], *infer_shape("unflatten", tuple(sizes), shape[place]), *shape[place + 1 :]))


@public
def ravel(input: Tensor) -> Tensor:
    """Return input as one dimension, a view where the memory allows it."""
    return reshape(input, (input.value.size,))


def clone(input: Tensor, *, memory_format: Format | None = None) -> Tensor:
    """Return a copy, laid out in memory as `input` is if that has no gaps, or as the format says."""
    if memory_format is not None and memory_format is not formats.preserve_format:
        return arranged("clone", input, memory_format)
    if not isinstance(input, AbstractTensor):
        raise no_tensor("clone", input)
    return apply(_alike, input)


def laid_like(y: Any, x: AbstractTensor) -> Any:
    """Return y channels last if x is, lines counting as images of one row, else in C order; a copy if it lies otherwise."""
    last = is_last(*row(x.value)) and y.value.ndim > 2
    return laid(y, last_steps(y.value.shape) if last else dense_steps(y.value.shape))


def laid(y: Any, strides: tuple[int, ...]) -> Any:
    """Return y, or a copy of it that has these strides in elements, which leave no gaps."""
    return y if steps(y.value) == strides else apply(Copy(strides), y)


def contiguous(input: Tensor, memory_format: Format | None = None) -> Tensor:
    """Return input itself if its elements lie in memory in their order, or as the format says; otherwise a copy that does."""
    if memory_format is not None and memory_format is not formats.contiguous_format:
        if memory_format is formats.preserve_format and not input.value.flags.c_contiguous:
            raise RuntimeError("contiguous: preserve memory format is unsupported by the contiguous operator")
        if memory_format is formats.preserve_format or is_arranged(input, memory_format):
            return input
        return arranged("contiguous", input, memory_format)
    return input if input.value.flags.c_contiguous else apply(_compact, input)


def is_arranged(input: AbstractTensor, memory_format: Any) -> bool:
    """Return whether the elements lie in memory without gaps in the order of the format."""
    order = order_of("is_contiguous", memory_format, input.value.ndim)
    return (input.value if order is None else input.value.transpose(order)).flags.c_contiguous


def arranged(name: str, input: AbstractTensor, memory_format: Any) -> Any:
    """Return a copy of input that lies in memory as the format says."""
    order = order_of(name, memory_format, input.value.ndim)
    return apply(_compact if order is None else Copy(steps_in(input.value.shape, order)), input)
