"""The largest element of each window of an array, and where it is: windows in vectors, over all threads.

Along rows that fill vectors elements lie side by side, or a stride apart. Where rows are short, vectors take windows of several
rows, and of several arrays, whose elements are looked up in a table of places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lineal.codegen.contract.excerpts import Line
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import FLOATS, Kind, int32, int64, kind_of, uint32
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import WORTH_THREADS, shared
from lineal.codegen.target import host
from lineal.codegen.values import Value

__all__ = ["fills", "largest", "largest_of"]

KNOWN = FLOATS | {"float16", "bfloat16"}
AXES = 3
"""Along how many axes there are windows at most."""
LEAST = 1 << 12
"""From how many comparisons on the routine is faster than NumPy's (measured, 2026-11-30)."""
FILLED = 0.9
"""Which part of the vectors along a row has to be there, so that a table is slower (measured, 2026-11-30)."""
TOGETHER, MOST_PLACES = 256, 1 << 16
"""About how many windows of several arrays share a table, and about how many places it has then at most."""
Ints = tuple[int, ...]


class WindowAxis(NamedTuple):
    """The numbers of the windows along one axis."""

    size: Value
    kernel: Value
    stride: Value
    padding: Value
    dilation: Value
    count: Value

    def first(self, number: Value) -> Value:
        """Return where a window begins."""
        return number * self.stride - self.padding


class Writer:
    """Writes maxima(x, y, index, table): the table has how many arrays there are, and then the numbers of each axis."""

    def __init__(self, e: Emitter, kind: Kind):
        self.e, self.kind, self.lanes = e, kind, e.lanes(kind.computed)

    def write(self) -> None:
        """Write the function."""
        e = self.e
        with entered(e, "maxima", 3) as (given, table):
            axes = self.axes(table)
            rows = e.load(table, int64)
            for axis in axes[:-1]:
                rows = rows * axis.count
            work = rows * axes[-1].count
            for axis in axes:
                work = work * axis.kernel
            shared(e, "maxima", rows, [*given, table], self.rows, grain=1, pieces=2, worth=work >= WORTH_THREADS)

    def axes(self, table: Value) -> list[WindowAxis]:
        """Return the axes."""
        numbers = [self.e.load(table, int64, 1 + n) for n in range(AXES * len(WindowAxis._fields))]
        return [WindowAxis(*numbers[n : n + len(WindowAxis._fields)]) for n in range(0, len(numbers), len(WindowAxis._fields))]

    def rows(self, start: Value, stop: Value, x: Value, y: Value, index: Value, table: Value) -> None:
        """Write the maxima of a range of rows of windows."""
        e, axes, divide = self.e, self.axes(table), self.e.math.floor_divide
        with e.loop(stop, start) as row:
            rest, firsts = row, []
            for axis in axes[-2::-1]:
                number = divide(rest, axis.count)
                firsts.insert(0, axis.first(rest - number * axis.count))
                rest = number
            size = axes[0].size * axes[1].size * axes[2].size
            with e.loop(axes[-1].count, 0, self.lanes) as i:
                top, place = self.window(axes, firsts, e.address(x, rest * size, self.kind), i)
                at, mask = row * axes[-1].count + i, e.first_lanes(axes[-1].count - i, self.lanes)
                e.store(top, y, at, kind=self.kind, mask=mask)
                e.store(place, index, at, mask=mask)

    def window(self, axes: Sequence[WindowAxis], firsts: Sequence[Value], x: Value, i: Value) -> tuple[Value, Value]:
        """Write the comparing of the elements of a vector of windows; return the largest ones and their places."""
        e, lanes, kind = self.e, self.lanes, self.kind.computed
        top = e.variable(e.const(-math.inf, kind, lanes))
        place = e.variable(e.const(-1, int64, lanes))
        carried, (deep, high, wide) = [top, place], axes
        with e.loop(deep.kernel, carried=carried) as a, e.loop(high.kernel, carried=carried) as b:
            z, y = firsts[0] + a * deep.dilation, firsts[1] + b * high.dilation
            there = (e.cast(z, uint32) < e.cast(deep.size, uint32)) & (e.cast(y, uint32) < e.cast(high.size, uint32))
            with e.when(there, carried=carried), e.loop(wide.kernel, carried=carried) as c:
                begin = (z * high.size + y) * wide.size
                size = e.splat(e.cast(wide.size, uint32), lanes)
                line = Line(e, e.address(x, begin, self.kind), self.kind, size, e.index(1))
                first = wide.first(i) + c * wide.dilation
                found = line.every(first, wide.stride)
                numbers = e.iota(int64, lanes) * e.splat(wide.stride, lanes)
                better = (found > top.value) | (found != found) | (place.value < 0)
                taken = line.inside(first, e.cast(numbers, uint32)) & better
                top.value = e.select(taken, found, top.value)
                place.value = e.select(taken, e.splat(begin + first, lanes) + numbers, place.value)
        return top.value, place.value


class TableWriter:
    """Writes chosen(x, y, index, places, table); `places` has a row for each element of a window, and where arrays begin.

    The table has how many blocks there are, of how many arrays, how many make a block, their size, windows and elements.
    """

    def __init__(self, e: Emitter, kind: Kind):
        self.e, self.kind, self.lanes = e, kind, e.lanes(kind.computed)

    def write(self) -> None:
        """Write the function."""
        e = self.e
        with entered(e, "chosen", 4) as (given, table):
            _, arrays, _, _, count, elements = (e.load(table, int64, n) for n in range(6))
            worth = arrays * count * elements >= WORTH_THREADS
            shared(e, "chosen", e.load(table, int64), [*given, table], self.blocks, grain=1, pieces=2, worth=worth)

    def blocks(self, start: Value, stop: Value, x: Value, y: Value, index: Value, places: Value, table: Value) -> None:
        """Write the maxima of a range of blocks."""
        e, lanes = self.e, self.lanes
        arrays, together, size, count, elements = (e.load(table, int64, n) for n in range(1, 6))
        with e.loop(stop, start) as block:
            first = block * together
            there = e.math.minimum(together, arrays - first) * count
            source = e.address(x, first * size, self.kind)
            with e.loop(there, 0, lanes) as i:
                mask = e.first_lanes(there - i, lanes)
                row = lambda n: e.load(places, int32, n * (together * count) + i, lanes, mask=mask)
                top, place = self.windows(source, row, elements, mask)
                e.store(top, y, first * count + i, kind=self.kind, mask=mask)
                e.store(e.cast(place - row(elements), int64), index, first * count + i, mask=mask)

    def windows(self, source: Value, row: Callable[[Any], Value], elements: Value, mask: Value) -> tuple[Value, Value]:
        """Write the comparing of the elements of a vector of windows; return the largest ones and their places."""
        e = self.e
        place = e.variable(row(0))
        top = e.variable(e.gathered(source, place.value, self.kind, mask))
        with e.loop(elements, 1, carried=[top, place]) as n:
            at = row(n)
            found = e.gathered(source, at, self.kind, mask)
            better = (found > top.value) | (found != found)
            top.value, place.value = e.select(better, found, top.value), e.select(better, at, place.value)
        return top.value, place.value


@lru_cache(16)
def native(name: str, writer: type[Writer] | type[TableWriter], function: str) -> Native:
    """Return the function for a kind."""
    e = Emitter(host())
    writer(e, kind_of(name)).write()
    return Native(e, function)


def largest(x: np.ndarray, windows: Sequence[Ints]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the largest elements of windows over the last axes of x, and where they are; None if NumPy is to do it.

    The first of equal elements is taken, the last one that is no number. `windows` has size, kernel, stride, padding, dilation
    and count of each axis.
    """
    shape = (*x.shape[: x.ndim - len(windows)], *(each[-1] for each in windows))
    work = math.prod(shape) * math.prod(each[1] for each in windows)
    if x.dtype.name not in KNOWN or len(windows) > AXES or work < LEAST or math.prod(x.shape[-AXES:]) >= 1 << 31:
        return None
    axes = [(1, 1, 1, 0, 1, 1)] * (AXES - len(windows)) + list(windows)
    numbers = [math.prod(x.shape[: x.ndim - len(windows)]), *(number for each in axes for number in each)]
    y, index = np.empty(shape, x.dtype), np.empty(shape, np.int64)
    maxima = native(x.dtype.name, Writer, "maxima")
    return (y, index) if maxima([np.ascontiguousarray(x), y, index], maxima.table(work, *numbers)) else None


def fills(count: int, storage: np.dtype) -> bool:
    """Return whether so many windows along a row fill vectors well enough."""
    lanes = host().lanes(kind_of(storage).computed) if storage.name in FLOATS else 1
    return count >= FILLED * lanes * -(-count // lanes)


@lru_cache(32)
def repeated(places: bytes, count: int, together: int, size: int) -> np.ndarray:
    """Return the places (elements, count), and where an array begins, of so many arrays of a size that lie side by side."""
    table = np.frombuffer(places, np.int32).reshape(-1, count)
    begins = np.arange(together, dtype=np.int32)[:, None] * np.int32(size)
    return np.ascontiguousarray(np.concatenate([table, np.zeros((1, count), np.int32)])[:, None] + begins)


def largest_of(x: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the largest elements of windows over the last axis of x, and where they are; None if NumPy is to do it.

    `places` (elements, windows) are those of each window, the last of which may stand again. Of equal elements `largest` says.
    """
    (elements, count), size, arrays = places.shape, x.shape[-1], math.prod(x.shape[:-1])
    work = arrays * count * elements
    if x.dtype.name not in FLOATS or work < LEAST or size >= 1 << 23:
        return None
    together = max(1, min(TOGETHER // count, MOST_PLACES // (count * elements), arrays))
    rows = repeated(places.tobytes(), count, together, size)
    y, index = (np.empty((*x.shape[:-1], count), each) for each in (x.dtype, np.int64))
    chosen = native(x.dtype.name, TableWriter, "chosen")
    table = chosen.table(work, -(-arrays // together), arrays, together, size, count, elements)
    return (y, index) if chosen([np.ascontiguousarray(x), y, index, rows], table) else None
