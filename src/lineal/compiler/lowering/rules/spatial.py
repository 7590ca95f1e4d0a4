"""Pooling: the largest element of windows and where it is; sums of inputs that are evenly apart, and their backward pass."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal.compiler.lowering.rules.indexing import still
from lineal.compiler.lowering.rules.structural import over, part
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView, Place, dense
from lineal.ops.spatial.maxima import WindowMax
from lineal.ops.spatial.resampling import Resample
from lineal.ops.spatial.taps import Taps
from lineal.ops.spatial.windows import Windows

MOST = 36
"""Up to how many elements of a window are compared in one loop."""
PLAIN = "windows alike, of at most 36 elements, if padded not dilated"
EVEN = "each output reads as many inputs with one weight, evenly apart, or some in a row read the same one"


def padded(low: Any, x: BufferView, windows: Sequence[Windows], number: float) -> BufferView:
    """Return x with a number around it, as far as the windows reach."""
    lead = len(x.shape) - len(windows)
    shape = (*x.shape[:lead], *[each.reach for each in windows])
    if shape == x.shape:
        return still(low, x)
    block = low.block(shape, x.buffer.dtype)
    inner = part(block, [0] * lead + [each.padding for each in windows], x.shape)
    found = over(low, block, low.literal(number, x.buffer.dtype, shape), inner, x)
    assert found is not None, "a part of a dense block does not overlap with itself"
    return found


def element(x: BufferView, windows: Sequence[Windows], place: Sequence[int]) -> BufferView:
    """Return the window on one element of all windows over the last axes of x, which is padded."""
    lead, steps = len(x.shape) - len(windows), x.strides[len(x.shape) - len(windows) :]
    offset = x.offset + sum(n * each.dilation * step for n, each, step in zip(place, windows, steps))
    strides = (*x.strides[:lead], *[each.stride * step for each, step in zip(windows, steps)])
    return BufferView(x.buffer, (*x.shape[:lead], *[each.count for each in windows]), strides, offset)


def better(m: Any, top: Any, x: Any) -> Any:
    """Return whether an element is taken for the largest so far: if it is larger, or no number."""
    return (x > top) | (x != x)


def largest(m: Any, *xs: Any) -> Any:
    """Return the largest of the elements of a window."""
    return functools.reduce(lambda top, x: m.where(better(m, top, x), x, top), xs, -math.inf)


def position(windows: Sequence[Windows], elements: Sequence[Sequence[int]]) -> Callable[..., Any]:
    """Return the formula of where the largest element is, from the places of the window and its elements."""
    steps = dense(tuple([each.size for each in windows]))

    def formula(m: Any, *given: Any) -> Any:
        rows, xs = given[: len(windows)], given[len(windows) :]
        starts = [row * each.stride - each.padding for row, each in zip(rows, windows)]
        first = sum(m.maximum(start, 0) * step for start, step in zip(starts, steps))
        corner = sum(start * step for start, step in zip(starts, steps))
        top: Any = -math.inf
        for place, x in zip(elements, xs):
            taken = better(m, top, x)
            apart = sum(n * each.dilation * step for n, each, step in zip(place, windows, steps))
            first, top = m.where(taken, corner + apart, first), m.where(taken, x, top)
        return first

    return formula


@lowers(WindowMax, of=FLOATS, where=PLAIN)
def window_max(low: Any, op: Any, ys: Any, x: BufferView) -> tuple[BufferView, BufferView] | None:
    """y, index = the largest of the elements of each window, compared one after the other, and its place."""
    windows = op.windows
    if not all(isinstance(each, Windows) and (each.dilation == 1 or each.padding == 0) for each in windows):
        return None
    if math.prod(each.kernel for each in windows) > MOST or not math.prod(ys[0].shape):
        return None
    elements = list(itertools.product(*[range(each.kernel) for each in windows]))
    x = padded(low, x, windows, -math.inf)
    xs = [element(x, windows, place) for place in elements]
    rows = [Place(axis) for axis in range(len(x.shape) - len(windows), len(x.shape))]
    top = low.map(ys[0].shape, x.buffer.dtype, largest, *xs, label="max_pool")
    index = low.map(ys[1].shape, np.int64, position(windows, elements), *rows, *xs, label="place")
    low.bounds[index.buffer] = math.prod(each.size for each in windows)
    return top, index


def evenly_read(taps: Taps) -> tuple[int, int, int] | None:
    """Return the place of the first input of the first output, and how far outputs, and inputs of one, are apart; else None."""
    table = taps.places
    if not table.size or (taps.counts != table.shape[1]).any():
        return None
    first, apart, step = int(table[0, 0]), int(table[-1, 0] - table[0, 0]), int(table[0, -1] - table[0, 0])
    outputs, inputs = (max(size - 1, 1) for size in table.shape)
    apart, step = apart // outputs, step // inputs
    even = first + apart * np.arange(table.shape[0])[:, None] + step * np.arange(table.shape[1])
    return (first, apart, step) if (table == even).all() else None


def repeats(taps: Taps) -> int:
    """Return how many outputs in a row are the same input, and no other; 0 if that is not what they are."""
    times = taps.count // max(taps.size, 1)
    alone = taps.places.shape[1] == 1 and taps.count == times * taps.size and (taps.counts == 1).all()
    return times if alone and (taps.places[:, 0] == np.arange(taps.count) // times).all() else 0


@lowers(Resample, of=FLOATS, where=EVEN)
def resample(low: Any, op: Any, y: Any, x: BufferView) -> BufferView | None:
    """y = the sums of what is evenly apart, or each x some times over, times one number for all."""
    if not math.prod(y.shape) or not all(isinstance(each.share, float) for each in op.taps):
        return None
    share = math.prod(each.share for each in op.taps)
    times, even = [repeats(each) for each in op.taps], [evenly_read(each) for each in op.taps]
    if all(times):
        sums = repeated(low, x, times)
    elif None not in even:
        sums = added_up(low, still(low, x), op.taps, even)
    else:
        return None
    return low.map(y.shape, y.storage, lambda m, total: total * share, sums, label="average") if share != 1 else sums


def repeated(low: Any, x: BufferView, times: Sequence[int]) -> BufferView:
    """Return x with each element some times over along the last axes."""
    lead = len(x.shape) - len(times)
    shape, strides = [*x.shape[:lead]], [*x.strides[:lead]]
    for size, step, count in zip(x.shape[lead:], x.strides[lead:], times):
        shape += [size, count]
        strides += [step, 0]
    found = low.copy(BufferView(x.buffer, tuple(shape), tuple(strides), x.offset))
    whole = (*x.shape[:lead], *[size * count for size, count in zip(x.shape[lead:], times)])
    return BufferView(found.buffer, whole, dense(whole), found.offset)


def added_up(low: Any, x: BufferView, taps: Sequence[Taps], even: Sequence[Any]) -> BufferView:
    """Return the sums over the inputs of each output along the last axes, each of which are evenly apart."""
    lead = len(x.shape) - len(taps)
    offset, shape, strides = x.offset, [*x.shape[:lead]], [*x.strides[:lead]]
    for each, step, (first, apart, _) in zip(taps, x.strides[lead:], even):
        offset += first * step
        shape.append(each.count)
        strides.append(apart * step)
    for each, step, (_, _, near) in zip(taps, x.strides[lead:], even):
        shape.append(each.places.shape[1])
        strides.append(near * step)
    seen = BufferView(x.buffer, tuple(shape), tuple(strides), offset)
    return low.reduce(seen, range(len(x.shape), len(shape)), "add")
