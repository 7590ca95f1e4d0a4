"""Sorting of short rows, by counting: the place of an element is the number of those that come before it; counts of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.compiler.lowering.rules.elementwise import same
from lineal.compiler.lowering.rules.indexing import along, still
from lineal.compiler.lowering.rules.table import FLOATS, SIGNED, lowers
from lineal.compiler.nodes.buffers import BufferView, Chosen, Pick, Place
from lineal.ops.sorting.histograms import BinCount
from lineal.ops.sorting.order import ArgSort, KthValue, Sort, TopK

__all__: list[str] = []

LONGEST = 48
"""Up to how many elements counting all pairs takes less than a step of the host's (measured)."""


def counted(x: BufferView, axis: int) -> bool:
    """Return whether x is sorted by counting."""
    return x.buffer.dtype.kind in "fi" and 0 not in x.shape and len(x.shape) > 0 and x.shape[axis] <= LONGEST


def order(low: Any, x: BufferView, axis: int, descending: bool) -> BufferView:
    """Return the places that sort x along an axis, NaN taken for the largest, equals in their order."""
    x, count = still(low, x), len(x.shape)
    space = (*x.shape, x.shape[axis])
    here = BufferView(x.buffer, space, (*x.strides, 0), x.offset)
    there = BufferView(
        x.buffer, space, (*(0 if n == axis else step for n, step in enumerate(x.strides)), x.strides[axis]), x.offset
    )

    def before(m: Any, a: Any, b: Any, i: Any, j: Any) -> Any:
        less = (a > b) | ((a != a) & (b == b)) if descending else (a < b) | ((a == a) & (b != b))
        alike = (a == b) | ((a != a) & (b != b))
        return less | (alike & (j < i))

    found = low.map(space, np.bool_, before, there, here, Place(axis), Place(count), label="before")
    rank = low.reduce(found, (count,), "add", np.int64)
    places = low.map(x.shape, np.int64, same, Place(axis), label="places")
    block = low.block(x.shape, np.int64)
    first = low.copy(low.literal(0, np.int64, x.shape), inside=block).buffer
    return low.scatter(block, first, places, *along(block, axis, rank, x.shape, False), False)


@lowers(ArgSort, of=(*FLOATS, *SIGNED), where=f"at most {LONGEST} in a row")
def argsort(low: Any, op: Any, y: Any, x: BufferView) -> BufferView | None:
    """y = the places that sort x."""
    return order(low, x, op.axis, op.descending) if counted(x, op.axis) else None


@lowers(Sort, TopK, KthValue, of=(*FLOATS, *SIGNED), where=f"at most {LONGEST} in a row")
def selection(low: Any, op: Any, ys: Any, x: BufferView) -> tuple[BufferView, ...] | None:
    """(y, i) with y = x at the places i: all in order, the first few, or one."""
    if not counted(x, op.axis):
        return None
    descending = op.largest if isinstance(op, TopK) else getattr(op, "descending", False)
    places = order(low, x, op.axis, descending)
    first, count = (op.rank, 1) if isinstance(op, KthValue) else (0, getattr(op, "count", x.shape[op.axis]))
    shape = tuple(count if n == op.axis else size for n, size in enumerate(x.shape))
    places = BufferView(places.buffer, shape, places.strides, places.offset + first * places.strides[op.axis])
    chosen = Chosen(*along(still(low, x), op.axis, places, shape, False))
    values = low.filled(shape, ys[0].storage, same, chosen, label="sort")
    if op.keepdim:
        return values, places
    dropped = lambda each: tuple(part for n, part in enumerate(each) if n != op.axis)
    return tuple(BufferView(each.buffer, dropped(shape), dropped(each.strides), each.offset) for each in (values, places))


@lowers(BinCount, of=(*SIGNED, "uint8"), where="no weights, and no number beyond the least length")
def bin_count(low: Any, op: Any, y: Any, x: BufferView, *weights: BufferView) -> BufferView | None:
    """y = how long the run of each number is."""
    if weights or tuple(y.shape) != (op.least,) or not 0 < x.shape[0] < 1 << 31:
        return None
    _, starts = low.runs(Pick(still(low, x), op.least, 1, False))
    first, second = (BufferView(starts, tuple(y.shape), (1,), place) for place in range(2))
    return low.map(y.shape, y.storage, lambda m, first, second: second - first, first, second, label="counts")
