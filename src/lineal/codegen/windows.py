"""The largest element of each window of an array, and where it is: rows of windows in vectors, over all threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lineal.codegen.contract.excerpts import Line
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import FLOATS, Kind, int64, kind_of, uint32
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import WORTH_THREADS, shared
from lineal.codegen.target import host
from lineal.codegen.values import Value

__all__ = ["largest"]

KNOWN = FLOATS | {"float16", "bfloat16"}
AXES = 3
"""Along how many axes there are windows at most."""
LEAST = 1 << 12
"""From how many comparisons on the routine is faster than NumPy's (measured, 2026-11-30)."""
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


@lru_cache(8)
def native(name: str) -> Native:
    """Return the function for a kind."""
    e = Emitter(host())
    Writer(e, kind_of(name)).write()
    return Native(e, "maxima")


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
    maxima = native(x.dtype.name)
    return (y, index) if maxima([np.ascontiguousarray(x), y, index], maxima.table(work, *numbers)) else None
