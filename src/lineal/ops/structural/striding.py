"""as_strided: any layout of elements over a tensor's memory, and its adjoint, which adds up what lies on one place."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base.layouts import steps
from lineal.base.platforms import FOREIGN
from lineal.base.signatures import Tensor
from lineal.base.spec import Shape
from lineal.core import AbstractTensor, Op, apply, write
from lineal.core.calling import public
from lineal.ops.conversion import constant, converted, dtype_of
from lineal.ops.layout import elements, extent, index_of, overlapping, restride
from lineal.ops.structural.diagonals import diagonal
from lineal.ops.structural.embedding import scatter_view

__all__ = ["as_strided", "as_strided_scatter"]

Ints = tuple[int, ...]


def lay(buffer: np.ndarray, shape: Ints, strides: Ints, offset: int) -> np.ndarray:
    """Return a layout, counted in elements, over the contiguous array `buffer`."""
    width = buffer.itemsize
    steps = tuple([step * width for step in strides])
    if FOREIGN and buffer.__class__ in FOREIGN:
        return restride(buffer.reshape(-1)[offset:], shape, steps)
    return np.ndarray(shape, buffer.dtype, buffer, offset * width, steps)


class AsStrided(Op):
    """y[i] = memory of x at offset + i · stride; x̄ = at each place of x, the sum of the ȳs that lie there.

    `frame` is x's own layout (strides, offset), None if it is C-contiguous from the start of its memory. Where an array of
    another layout comes in x's place (a cotangent, say), its elements are first put where x's lie.
    """

    size: Ints
    stride: Ints
    offset: int
    frame: tuple[Ints, int] | None
    aliasing = "view"
    no_batch = "looped: strides and offset are those of the memory of one example"

    def eager(self, xp, x):
        reach = self.offset + extent(self.size, self.stride)
        if self.frame is None and x.flags.c_contiguous and reach <= x.size:
            return lay(x, self.size, self.stride, self.offset)
        strides, start = self.framed(x.shape)
        root, skip = elements(x)
        if reach <= root.size and skip == start * x.itemsize and steps(x) == strides and root.flags.c_contiguous:
            return lay(root, self.size, self.stride, self.offset)
        buffer = xp.zeros(max(reach, start + extent(x.shape, strides)), x.dtype)
        lay(buffer, x.shape, strides, start)[...] = x
        y = lay(buffer, self.size, self.stride, self.offset)
        # not x's memory: a write into y would be lost, so it must fail
        y.flags.writeable = False
        return y

    def framed(self, shape: Ints) -> tuple[Ints, int]:
        """Return the layout of an input of this shape."""
        return (steps(np.empty(shape, bool)), 0) if self.frame is None else self.frame

    def vjp(self, needs, g, y, x):
        return (apply(_gathered(self, x.shape), g),)


class AsStridedAdjoint(Op):
    """y = at each place of a tensor of `shape`, the sum of the xs that `view` takes from there; x̄ = that view of ȳ."""

    view: AsStrided
    shape: Shape
    grad_name = "AsStridedBackwardBackward0"
    no_batch = "looped: strides and offset are those of the memory of one example"

    def eager(self, xp, x):
        size, stride, offset = self.view.size, self.view.stride, self.view.offset
        strides, start = self.view.framed(self.shape)
        buffer = xp.zeros(max(offset + extent(size, stride), start + extent(self.shape, strides)), x.dtype)
        if overlapping(size, stride):
            xp.add.at(buffer, xp.asarray(index_of(size, stride, offset, buffer.size)), x)
        else:
            lay(buffer, size, stride, offset)[...] = x
        if not overlapping(self.shape, strides):
            return lay(buffer, self.shape, strides, start).copy()
        # several of x's own elements are one place: each gets its share
        counts = np.bincount(index_of(self.shape, strides, start, buffer.size).reshape(-1), minlength=buffer.size)
        return lay((buffer / xp.asarray(np.maximum(counts, 1))).astype(x.dtype), self.shape, strides, start).copy()

    def vjp(self, needs, g, y, x):
        return (apply(self.view, g),)


_as_strided = functools.lru_cache(1024)(AsStrided)
_gathered = functools.lru_cache(1024)(AsStridedAdjoint)


def as_strided_op(name: str, input: AbstractTensor, size: Any, stride: Any, storage_offset_: int | None) -> Op:
    """Return the view op of a layout over the memory of `input`; RuntimeError if it reaches outside."""
    value = input.value
    shape, strides = tuple(map(operator.index, size)), tuple(map(operator.index, stride))
    root, skip = elements(value)
    start = skip // value.itemsize
    offset = start if storage_offset_ is None else storage_offset_
    if len(shape) != len(strides):
        raise RuntimeError(
            f"{name}: mismatch in length of strides and shape, got size {list(shape)} and stride {list(strides)}"
        )
    if any(step < 0 for step in strides):
        raise RuntimeError(f"{name}: Negative strides are not supported at the moment, got strides: {list(strides)}")
    if any(each < 0 for each in shape):
        raise RuntimeError(f"{name}: expected sizes of at least 0, got {list(shape)}")
    if offset < 0 or offset + extent(shape, strides) > root.size:
        raise RuntimeError(
            f"{name}: sizes {list(shape)}, strides {list(strides)}, storage offset {offset} are out of bounds for a storage of "
            f"{root.size} elements"
        )
    frame = None if value.flags.c_contiguous and not start else (steps(value), start)
    return _as_strided(shape, strides, offset, frame)


@public
def as_strided(
    input: Tensor, size: int | Sequence[int], stride: int | Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """Return the view of input's memory with this size, strides and offset (by default input's), counted in elements."""
    return apply(as_strided_op("as_strided", input, size, stride, storage_offset), input)


@public
def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: int | Sequence[int],
    stride: int | Sequence[int],
    storage_offset: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Return a copy of input with `src` where `as_strided` of these arguments looks."""
    view = as_strided_op("as_strided_scatter", input, size, stride, storage_offset)
    return scatter_view("as_strided_scatter", input, src, view, out)


@public
def fill_diagonal_(input: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Write `fill_value` on the main diagonal, in place; of more than two dimensions, which must be equal, on the longest.

    With `wrap`, the diagonal of a tall matrix starts again below, after a row left out.
    """
    shape = input.value.shape
    if len(shape) < 2:
        raise RuntimeError(f"fill_diagonal_: dimensions must larger than 1, got shape {list(shape)}")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError(f"fill_diagonal_: all dimensions of input must be of equal length, got shape {list(shape)}")
    target = dtype_of(input)
    given = isinstance(fill_value, AbstractTensor)
    number: Any = fill_value if given else constant(converted("fill_diagonal_", fill_value, target), target)
    for line in lines(input, wrap):
        write(line, number.to(target).expand(line.value.shape), "fill_diagonal_")
    return input


def lines(x: Any, wrap: bool) -> list[Any]:
    """Return the views that `fill_diagonal_` writes: one diagonal, or, with `wrap`, those of the squares below each other."""
    shape, strides = x.value.shape, steps(x.value)
    if len(shape) > 2:
        return [as_strided(x, (shape[0],), (sum(strides),))]
    (m, n), (down, across) = shape, strides
    if not wrap or m <= n or not n:
        return [diagonal(x)]
    # of a matrix that lies in another, the square below does not begin where the diagonal's step leads
    whole = (m + 1) // (n + 1)
    squares = as_strided(x, (whole, n), (down * (n + 1), down + across))
    return [squares, diagonal(x[whole * (n + 1) :])] if m > whole * (n + 1) else [squares]
