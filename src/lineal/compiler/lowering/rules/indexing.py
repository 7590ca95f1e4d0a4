"""Indexing by tensors: elements chosen by an index that is read in the loop; their adjoints add them up in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal.compiler.lowering.rules.elementwise import same
from lineal.compiler.lowering.rules.structural import over, zeros
from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.nodes.buffers import BufferView, Chosen, Pick, Place, RunSum, merged
from lineal.ops.indexing import basic
from lineal.ops.indexing.advanced import Index, IndexPut, IndexSum
from lineal.ops.indexing.filling import Fill
from lineal.ops.indexing.gathering import Gather, GatherSum, Scatter, ScatterAdd
from lineal.ops.indexing.masks import MaskedFill


def still(low: Any, x: BufferView) -> BufferView:
    """Return x in memory: a copy of it if it is a literal."""
    return low.copy(x) if x.buffer.source == "literal" else x


def put(low: Any, y: Any, x: BufferView, source: BufferView, target: Callable[[BufferView], tuple], adds: bool) -> BufferView:
    """Return x with the source put or added where `target` says: in float64 where several are added to each on average."""
    wide = adds and y.storage.name == "float32" and math.prod(source.shape) >= SEVERAL * math.prod(y.shape)
    block = low.block(y.shape, np.dtype(np.float64) if wide else y.storage)
    first = low.filled(x.shape, block.buffer.dtype, same, x, label="copy", inside=block).buffer
    found = low.scatter(block, first, source, *target(block), adds)
    return low.map(found.shape, y.storage, same, found, label="cast") if wide else found


SEVERAL = 2

# sums at one index, of rows


LEAST, MOST = 8, 64
"""How long rows are at least that are added up run by run, and how many go to each place on average at most."""


def by_runs(low: Any, y: Any, source: BufferView, places: Sequence[int], indices: Sequence[BufferView]) -> BufferView | None:
    """Return zeros with the source added at an index along one axis, as a loop over what comes; None where a scatter is better.

    It shares loops with what reads the sums: a table of weights that few rows of are named has its gradient made, and used, in
    one pass over memory.
    """
    (axis, *others), (index, *_) = places, indices
    count, (*_, width) = math.prod(index.shape), (0, *y.shape)
    if others or axis == len(y.shape) - 1 or width < LEAST or y.storage.kind == "b":
        return None
    if not 0 < count <= MOST * y.shape[axis] or max(count, y.shape[axis]) >= 1 << 31 or source.buffer.dtype != y.storage:
        return None
    index, source = flat(low, index, 0, len(index.shape)), flat(low, still(low, source), axis, len(index.shape))
    order, starts = low.runs(Pick(index, y.shape[axis], 1))
    steps = tuple(0 if n == axis else step for n, step in enumerate(source.strides))
    lying = BufferView(source.buffer, tuple(y.shape), steps, source.offset)
    summed = RunSum(lying, source.strides[axis], axis, order, starts)
    return low.filled(y.shape, y.storage, same, summed, label="sums of runs")


def flat(low: Any, x: BufferView, start: int, count: int) -> BufferView:
    """Return x with `count` axes from `start` on as one; a copy of it if they do not lie so."""
    axes = merged(zip(x.shape[start : start + count], x.strides[start:]))
    if len(axes) > 1:
        return flat(low, low.copy(x), start, count)
    ((size, step),) = axes or ((1, 0),)
    shape, steps = ((*given[:start], one, *given[start + count :]) for given, one in ((x.shape, size), (x.strides, step)))
    return BufferView(x.buffer, shape, steps, x.offset)


# along one axis, the index as long as the result


def along(
    x: BufferView, axis: int, index: BufferView, shape: Sequence[int], wraps: bool
) -> tuple[BufferView, tuple[Pick, ...]]:
    """Return x as it lies along the loop over the index, and the pick of the index."""
    steps = tuple(0 if n == axis else step for n, step in enumerate(x.strides))
    return BufferView(x.buffer, tuple(shape), steps, x.offset), (Pick(index, x.shape[axis], x.strides[axis], wraps),)


@lowers(Gather, narrow=True)
def gather(low: Any, op: Any, y: Any, x: BufferView, index: BufferView) -> BufferView:
    """y = x at the index along an axis, elsewhere at its own place."""
    chosen = Chosen(*along(still(low, x), op.dim, index, y.shape, False))
    return low.filled(y.shape, y.storage, same, chosen, label="gather")


@lowers(GatherSum)
def gather_sum(low: Any, op: Any, y: Any, g: BufferView, index: BufferView) -> BufferView:
    """y = zeros, g added at the index along an axis."""
    return added(low, op.dim, y, g, index, False)


def added(low: Any, axis: int, y: Any, g: BufferView, index: BufferView, wraps: bool) -> BufferView:
    """Return zeros with g added at an index; where it is one index, g where the index is the place, else 0."""
    shape = tuple(y.shape)
    others = all(size == shape[n] for n, size in enumerate(index.shape) if n != axis)
    if index.shape[axis] == 1 and g.shape == index.shape and others:
        return low.map(shape, y.storage, placed, g, index, Place(axis), label="place")
    source = BufferView(g.buffer, index.shape, g.strides, g.offset)
    return put(low, y, zeros(low, y), source, lambda block: along(block, axis, index, index.shape, wraps), True)


def placed(m: Any, g: Any, index: Any, place: Any) -> Any:
    """Return 0 + g where the index is the place, else 0; of -0.0 that is 0.0."""
    return m.where(index == place, g + 0.0 if g.dtype.kind == "f" else g, 0)


@lowers(Scatter, ScatterAdd)
def scatter(low: Any, op: Any, y: Any, x: BufferView, index: BufferView, source: BufferView) -> BufferView:
    """y = x, the source put or added at the index along an axis."""
    source = BufferView(source.buffer, index.shape, source.strides, source.offset)
    target = lambda block: along(block, op.dim, index, index.shape, False)
    return put(low, y, x, source, target, isinstance(op, ScatterAdd))


# at some axes, the indices broadcast together


def named(
    x: BufferView, places: tuple[int, ...], indices: Sequence[BufferView], shape: Sequence[int]
) -> tuple[BufferView, tuple[Pick, ...]]:
    """Return x as it lies along the loop over x[…, i, …, j, …], and the picks of the indices."""
    count = max(len(each.shape) for each in indices)
    adjacent = places == tuple(range(places[0], places[0] + len(places)))
    front = places[0] if adjacent else 0
    kept = [step for n, step in enumerate(x.strides) if n not in places]
    steps = (*kept[:front], *(0,) * count, *kept[front:])
    behind = len(shape) - front - count
    middle = tuple(shape)[front : front + count]
    picks = []
    for axis, index in zip(places, indices):
        lying = index.stretched(middle)
        strides = (0,) * front + lying.strides + (0,) * behind
        picks.append(Pick(BufferView(index.buffer, tuple(shape), strides, index.offset), x.shape[axis], x.strides[axis]))
    return BufferView(x.buffer, tuple(shape), steps, x.offset), tuple(picks)


def whole(indices: Sequence[BufferView]) -> bool:
    """Return whether all indices are numbers, no masks."""
    return all(each.buffer.dtype.kind in "iu" for each in indices)


@lowers(Index, where="indices that are numbers", narrow=True)
def index(low: Any, op: Any, y: Any, x: BufferView, *indices: BufferView) -> BufferView | None:
    """y = x[…, i, …, j, …]."""
    if not whole(indices):
        return None
    chosen = Chosen(*named(still(low, x), op.places, indices, y.shape))
    return low.filled(y.shape, y.storage, same, chosen, label="index")


@lowers(IndexSum, where="indices that are numbers")
def index_sum(low: Any, op: Any, y: Any, x: BufferView, *indices: BufferView) -> BufferView | None:
    """y = zeros, x added at the indices."""
    if not whole(indices):
        return None
    found = by_runs(low, y, x, op.places, indices)
    return found or put(low, y, zeros(low, y), x, lambda block: named(block, op.places, indices, x.shape), True)


@lowers(IndexPut, where="indices that are numbers, or one mask and one value")
def index_put(low: Any, op: Any, y: Any, x: BufferView, v: BufferView, *indices: BufferView) -> BufferView | None:
    """y = x, v put or added at the indices."""
    if len(indices) == 1 and not whole(indices):
        return masked_put(low, op, y, x, v, *indices)
    if not whole(indices):
        return None
    middle = broadcast([each.shape for each in indices])
    places = op.places
    front = places[0] if places == tuple(range(places[0], places[0] + len(places))) else 0
    kept = [size for n, size in enumerate(x.shape) if n not in places]
    shape = (*kept[:front], *middle, *kept[front:])
    if len(v.shape) > len(shape):
        return None
    source = v if v.shape == shape else v.stretched(shape)
    found = by_runs(low, y, source, places, indices) if op.accumulate and x.number == 0 else None
    return found or put(low, y, x, source, lambda block: named(block, places, indices, shape), op.accumulate)


def masked_put(low: Any, op: Any, y: Any, x: BufferView, v: BufferView, mask: BufferView) -> BufferView | None:
    """Return x with v, the same at all places that the mask chooses, put or added there."""
    first, count = op.places[0], len(mask.shape)
    if len(v.shape) != len(x.shape) - count + 1 or v.strides[first]:
        return None
    steps = (*v.strides[:first], *(0,) * count, *v.strides[first + 1 :])
    value = BufferView(v.buffer, x.shape, steps, v.offset)
    chosen = BufferView(
        mask.buffer, x.shape, (*(0,) * first, *mask.strides, *(0,) * (len(x.shape) - first - count)), mask.offset
    )
    add = op.accumulate
    formula = lambda m, x, mask, v: m.where(mask, x + v if add else v, x)
    return low.map(y.shape, y.storage, formula, x, chosen, value, label="masked_put")


def broadcast(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape to which all of them broadcast."""
    count = max(map(len, shapes))
    padded = [(1,) * (count - len(shape)) + tuple(shape) for shape in shapes]
    return tuple(next((size for size in sizes if size != 1), 1) for sizes in zip(*padded))


@lowers(MaskedFill, narrow=True)
def masked_fill(low: Any, op: Any, y: Any, x: BufferView, mask: BufferView, value: BufferView) -> BufferView:
    """y = value where mask, else x."""
    return low.map(y.shape, y.storage, chosen, x, mask, value, label="masked_fill")


def chosen(m: Any, x: Any, mask: Any, value: Any) -> Any:
    """Return value where mask, else x."""
    return m.where(mask, value, x)


@lowers(Fill, narrow=True)
def fill(low: Any, op: Any, y: Any, x: BufferView, value: BufferView) -> BufferView:
    """y = value everywhere."""
    return value.stretched(tuple(y.shape))


@lowers(basic.Embed, where="a part that does not overlap with itself", narrow=True)
def embed_items(low: Any, op: Any, y: Any, x: BufferView) -> BufferView | None:
    """y = zeros with y[items] = x."""
    block = low.block(y.shape, y.storage)
    return over(low, block, zeros(low, y), low.view(basic.slice_op(op.items), block), x)
