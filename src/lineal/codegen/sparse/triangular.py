"""Triangular systems T X = B of a matrix compressed by rows, level by level.

A row can be solved when all that it reads is. Its level is the length of the longest chain of rows that it waits for (Anderson
and Saad 1989, "Solving sparse triangular linear systems on parallel computers"), so rows of one level do not read each other,
and threads share them. Each row sums up its entries in their order, in float64: what comes does not depend on the threads.
Complex numbers are pairs: entry by entry those of the matrix, the real parts of a row of X before its imaginary ones.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lineal.codegen.blocks import Block
from lineal.codegen.kinds import float64, int64
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import shared
from lineal.codegen.rowwise.rows import Parts, divisor, product
from lineal.codegen.sparse.lines import WORTH_LINES, Lines, refuse
from lineal.codegen.values import Value

__all__ = ["Levels", "levels_of", "solved"]


class Levels(NamedTuple):
    """The rows level by level, and where each level starts among them."""

    order: np.ndarray
    starts: np.ndarray


class LevelCounts(Lines):
    """The code of each row's level; the table has the rows, the entries, and 1 for a lower triangle or -1 for an upper one."""

    def __init__(self, places: np.dtype):
        super().__init__(np.dtype(np.float64), places)
        e = self.e
        with entered(e, "levels", 4) as ((pointers, indices, levels, failed), table):
            rows, count, side = (e.load(table, int64, n) for n in range(3))
            with e.loop(rows) as k:
                row = e.select(side > 0, k, rows - 1 - k)
                begins = self.first(pointers, row, count, failed)
                level = e.variable(e.const(0, int64))
                with (
                    self.line(pointers, row, count, failed, begins) as (begin, end),
                    e.loop(end, begin, carried=[level]) as entry,
                    self.place(indices, entry, rows, failed, carried=[level]) as place,
                    e.when((place - row) * side < 0, carried=[level]),
                ):
                    level.value = e.math.maximum(level.value, e.load(levels, int64, place) + 1)
                e.store(level.value, levels, row)


class Solves(Lines):
    """The code of the solutions; the table has the rows, entries and levels, X's columns, the side, and 1 for ones on the
    diagonal.
    """

    def __init__(self, values: np.dtype, parts: int, places: np.dtype, single: bool):
        super().__init__(values, places)
        self.parts, self.single = parts, single
        e = self.e
        with entered(e, "solve", 7) as ((values_, pointers, indices, order, starts, x, failed), table):
            rows, count, levels, inner, side, unit = (e.load(table, int64, n) for n in range(6))
            with e.loop(levels) as level:
                first, last = (e.load(starts, int64, level + n) for n in (0, 1))
                given = [values_, pointers, indices, e.address(order, first, int64), x, failed, rows, count, inner, side, unit]
                # a row has about as many entries as the others
                work = e.math.floor_divide((last - first) * inner * (count + rows), e.math.maximum(rows, 1))
                shared(e, "solve", last - first, given, self.rows, grain=16, worth=work >= WORTH_LINES)

    def rows(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the solutions of some rows of one level."""
        e, order, inner = self.e, given[3], given[8]
        with e.loop(stop, start) as k:
            row = e.load(order, int64, k)
            blocks = [Block(e, e.index(0), 1)] if self.single else e.blocks(inner, self.wide)
            for block in blocks:
                self.row(row, block, given)

    def row(self, row: Value, block: Block, given: tuple[Value, ...]) -> None:
        """Write a row of X, some of its columns."""
        values, pointers, indices, _, x, failed, rows, count, inner, side, unit = given
        e, lanes = self.e, block.lanes
        total = [e.variable(each) for each in self.columns(x, row, inner, block)]
        diagonal = [e.variable(e.const(0, self.wide)) for _ in range(self.parts)]
        carried = [*total, *diagonal]
        begins = self.first(pointers, row, count, failed)
        with (
            self.line(pointers, row, count, failed, begins) as (begin, end),
            e.loop(end, begin, carried=carried) as k,
            self.place(indices, k, rows, failed, carried=carried) as place,
        ):
            entry = [self.number(values, k * self.parts + n) for n in range(self.parts)]
            where = (place - row) * side
            for state, each in zip(diagonal, entry):
                state.value = state.value + e.select(where == 0, each, 0.0)
            with e.when(where < 0, carried=total):
                known = self.columns(x, place, inner, block)
                for state, each in zip(total, product(tuple([e.splat(each, lanes) for each in entry]), known)):
                    state.value = state.value - each
        pivot = [e.select(unit > 0, e.const(float(not n), float64), each.value) for n, each in enumerate(diagonal)]
        share, divided = divisor(e, tuple([e.splat(each, lanes) for each in pivot]))
        for n, each in enumerate(product(tuple([each.value for each in total]), share)):
            block.store(each / divided, self.part(x, row, inner, n), self.kind)

    def part(self, x: Value, row: Value, inner: Value, n: int) -> Value:
        """Return where the real or imaginary parts of a row of X begin."""
        return self.e.address(x, (row * self.parts + n) * inner, self.kind)

    def columns(self, x: Value, row: Value, inner: Value, block: Block) -> Parts:
        """Return some columns of a row of X."""
        return tuple([self.e.cast(block.load(self.part(x, row, inner, n), self.kind), self.wide) for n in range(self.parts)])


@lru_cache(4)
def native_levels(places: np.dtype) -> Native:
    """Return the compiled levels."""
    return Native(LevelCounts(places).e, "levels")


@lru_cache(16)
def native(values: np.dtype, parts: int, places: np.dtype, single: bool) -> Native:
    """Return the compiled solutions of numbers with so many parts."""
    return Native(Solves(values, parts, places, single).e, "solve")


def levels_of(pointers: np.ndarray, indices: np.ndarray, upper: bool) -> Levels:
    """Return the rows of a triangle of a matrix compressed by rows, level by level."""
    rows = len(pointers) - 1
    levels, failed = np.zeros(rows, np.int64), np.zeros(1, np.int64)
    code = native_levels(pointers.dtype)
    code((pointers, indices, levels, failed), code.table(indices.size, rows, indices.size, -1 if upper else 1))
    refuse(failed, "triangular_solve")
    counts = np.bincount(levels, minlength=1)
    return Levels(np.argsort(levels, kind="stable"), np.concatenate([[0], np.cumsum(counts)]))


def solved(
    values: np.ndarray, pointers: np.ndarray, indices: np.ndarray, b: np.ndarray, levels: Levels, upper: bool, unit: bool
) -> np.ndarray:
    """Return X of T X = b, (M, inner), T the upper or lower triangle of a matrix compressed by rows, of ones where `unit`."""
    rows, inner = b.shape
    paired = b.dtype.kind == "c"
    x = np.stack([np.real(b), np.imag(b)], 1) if paired else np.array(b, order="C")
    if not x.size:
        return np.array(b)
    failed = np.zeros(1, np.int64)
    code = native(x.dtype, 1 + paired, pointers.dtype, inner == 1)
    numbers = rows, values.size, len(levels.starts) - 1, inner, -1 if upper else 1, int(unit)
    code((values, pointers, indices, levels.order, levels.starts, x, failed), code.table(values.size * inner, *numbers))
    refuse(failed, "triangular_solve")
    if not paired:
        return x
    y = np.empty(b.shape, b.dtype)
    y.real, y.imag = x[:, 0], x[:, 1]
    return y
