"""Structure: joining, embedding, padding, writing through a view, turning, repeating.

What is joined is made right where it belongs: a copy (which fuses with what computes it) inside of the block's memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.nodes.buffers import BufferView, Place, dense
from lineal.ops.layout import overlapping
from lineal.ops.structural.embedding import Embed
from lineal.ops.structural.flipping import Flip, Roll
from lineal.ops.structural.grids import BlockDiag
from lineal.ops.structural.joining import Cat
from lineal.ops.structural.padding import ConstantPad
from lineal.ops.structural.repeating import Repeat, interleaved
from lineal.ops.structural.stacking import Stack
from lineal.ops.structural.striding import AsStridedAdjoint
from lineal.ops.structural.triangles import Tril, Triu
from lineal.ops.structural.windows import Fold


def part(block: BufferView, starts: Sequence[int], shape: Sequence[int]) -> BufferView:
    """Return the view of a shape that begins at an index of the block."""
    offset = block.offset + sum(start * step for start, step in zip(starts, block.strides))
    return BufferView(block.buffer, tuple(shape), block.strides, offset)


def beside(
    low: Any, shape: Sequence[int], dtype: Any, places: Sequence[BufferView], block: BufferView, xs: Sequence[BufferView]
) -> BufferView:
    """Return the block whose parts, at `places`, are the xs; they do not overlap and fill it."""
    return low.join(block, [low.copy(x, inside=place).buffer for place, x in zip(places, xs)])


@lowers(Cat, narrow=True)
def cat(low: Any, op: Any, y: Any, *xs: BufferView) -> BufferView:
    """y = the xs one after another."""
    block = low.block(y.shape, y.storage)
    starts = [0, *accumulate(x.shape[op.dim] for x in xs)]
    places = [part(block, index_along(op.dim, start, len(y.shape)), x.shape) for start, x in zip(starts, xs)]
    return beside(low, y.shape, y.storage, places, block, xs)


def index_along(axis: int, start: int, ndim: int) -> list[int]:
    """Return the index of `start` along one axis."""
    return [start if n == axis else 0 for n in range(ndim)]


@lowers(Stack, narrow=True)
def stack(low: Any, op: Any, y: Any, *xs: BufferView) -> BufferView:
    """y = the xs one behind another."""
    block = low.block(y.shape, y.storage)
    strides = (*block.strides[: op.dim], *block.strides[op.dim + 1 :])
    places = [BufferView(block.buffer, x.shape, strides, n * block.strides[op.dim]) for n, x in enumerate(xs)]
    return beside(low, y.shape, y.storage, places, block, xs)


def over(low: Any, block: BufferView, under: BufferView, place: BufferView | None, x: BufferView) -> BufferView | None:
    """Return the block with `under` everywhere but at `place`, where x is."""
    if place is None or place.buffer is not block.buffer or overlapping(place.shape, tuple(map(abs, place.strides))):
        return None
    first = low.copy(under, inside=block).buffer
    second = low.copy(x.stretched(place.shape) if x.shape != place.shape else x, inside=place, after=(first,)).buffer
    return low.join(block, [first, second])


@lowers(Embed, where="a part that does not overlap with itself", narrow=True)
def embed(low: Any, op: Any, y: Any, x: BufferView) -> BufferView | None:
    """y = zeros with x where a view looks."""
    block = low.block(y.shape, y.storage)
    return over(low, block, zeros(low, y), low.view(op.view, block), x)


def zeros(low: Any, y: Any) -> BufferView:
    """Return zeros of a spec."""
    return low.literal(np.zeros((), y.storage).item(), y.storage, y.shape)


@lowers(ConstantPad, where="a part that does not overlap with itself", narrow=True)
def constant_pad(low: Any, op: Any, y: Any, x: BufferView) -> BufferView | None:
    """y = x with a number around it."""
    block = low.block(y.shape, y.storage)
    fill = low.literal(np.array(op.fill).astype(y.storage).item(), y.storage, y.shape)
    return over(low, block, fill, part(block, [before for before, _ in op.widths], x.shape), x)


@lowers(BlockDiag, narrow=True)
def block_diag(low: Any, op: Any, y: Any, *xs: BufferView) -> BufferView:
    """y = zeros with the xs along the diagonal."""
    block = low.block(y.shape, y.storage)
    first = low.copy(zeros(low, y), inside=block).buffer
    parts, row, column = [first], 0, 0
    for x in xs:
        parts.append(low.copy(x, inside=part(block, (row, column), x.shape), after=(first,)).buffer)
        row, column = row + x.shape[0], column + x.shape[1]
    return low.join(block, parts)


@lowers(Flip, narrow=True)
def flip(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = x read backwards."""
    return x.reversed(op.axes)


@lowers(Roll, narrow=True)
def roll(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = x moved around, one axis after the other."""
    for shift, axis in zip(op.shifts, op.axes):
        size, ndim = x.shape[axis], len(x.shape)
        cut = size - shift % size if size else 0
        if cut in (0, size):
            continue
        block = low.block(x.shape, x.buffer.dtype)
        shapes = [tuple(length if n == axis else each for n, each in enumerate(x.shape)) for length in (size - cut, cut)]
        sources = [part(x, index_along(axis, start, ndim), shape) for start, shape in zip((cut, 0), shapes)]
        places = [part(block, index_along(axis, start, ndim), shape) for start, shape in zip((0, size - cut), shapes)]
        x = beside(low, x.shape, x.buffer.dtype, places, block, sources)
    return x


@lowers(Repeat, narrow=True)
def repeat(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = x some times over along each axis."""
    lead = len(op.repeats) - len(x.shape)
    shape, strides = (1,) * lead + x.shape, (0,) * lead + x.strides
    spread = BufferView(x.buffer, interleaved(op.repeats, shape), interleaved((0,) * len(shape), strides), x.offset)
    made = low.copy(spread)
    return BufferView(made.buffer, tuple(y.shape), dense(tuple(y.shape)))


@lowers(Fold, where="not empty")
def fold(low: Any, op: Any, y: Any, x: BufferView) -> BufferView | None:
    """y = views added up where they lie."""
    return gathered(low, op.view, y, x)


@lowers(AsStridedAdjoint, where="not empty, of an input that was dense")
def as_strided_adjoint(low: Any, op: Any, y: Any, x: BufferView) -> BufferView | None:
    """y = the xs added up where a layout has them."""
    return gathered(low, op.view, y, x) if op.view.frame is None else None


def gathered(low: Any, view: Any, y: Any, x: BufferView) -> BufferView | None:
    """Return zeros with x added, element after element, where a view looks."""
    block = low.block(y.shape, y.storage)
    place = low.view(view, block)
    if place is None or place.buffer is not block.buffer or not math.prod(y.shape):
        return None
    first = low.copy(zeros(low, y), inside=block).buffer
    return low.scatter(block, first, x, place, (), True)


@lowers(Tril, Triu, narrow=True)
def triangle(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = x on one side of a diagonal, else 0."""
    rows, columns = Place(len(x.shape) - 2), Place(len(x.shape) - 1)
    diagonal = op.diagonal
    if isinstance(op, Tril):
        formula = lambda m, x, i, j: m.where(j - i <= diagonal, x, 0)
    else:
        formula = lambda m, x, i, j: m.where(j - i >= diagonal, x, 0)
    return low.map(y.shape, y.storage, formula, x, rows, columns, label=type(op).__name__.lower())
