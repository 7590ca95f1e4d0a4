"""Copies of large arrays into another order of axes: square blocks turned in registers, over all threads.

NumPy copies number by number, along memory on one side alone: of each line of cache on the other side it uses one number at a
time. Here a block is as long as a line of cache on both sides, and blocks follow each other within tiles of a few pages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from lineal.codegen.dense.copies import transposed
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int64, kind_of
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import WORTH_THREADS, shared
from lineal.codegen.target import host
from lineal.codegen.values import Value

__all__ = ["copied"]

LEAST, SHORTEST = 1 << 15, 8
"""How many elements an array has at least, and how many the two axes that follow memory on either side."""
TILE = 64
"""How many elements a tile has along both axes."""
OUTER = 3
"""How many axes there are at most beside these two."""
WORDS = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64"}
"""As what numbers of so many bytes are moved."""
SIDES = {1: 16, 2: 16, 4: 16, 8: 8}
"""How many of them a block has along both axes."""
Axis = tuple[int, int, int]
"""The size of an axis, and its steps in the source and in the copy, in elements."""


class Turn:
    """The code of the copies of words of a kind.

    The table has the sizes of the axes along which the copy and the source follow memory, the step of the other side in each,
    and the size and both steps of each further axis.
    """

    def __init__(self, kind: Kind):
        self.kind, self.side = kind, SIDES[kind.itemsize]
        self.e = e = Emitter(host())
        with entered(e, "turn", 2) as (given, table):
            rows, columns = (e.load(table, int64, n) for n in range(2))
            count = e.math.floor_divide(rows + (TILE - 1), TILE)
            work = rows * columns
            for n in range(OUTER):
                size = e.load(table, int64, 4 + 3 * n)
                count, work = count * size, work * size
            shared(e, "turn", count, [*given, table], self.strips, grain=1, worth=work >= WORTH_THREADS)

    def strips(self, start: Value, stop: Value, x: Value, y: Value, table: Value) -> None:
        """Write the copies of a range of strips: a tile's width of the copy's rows, for each place along the other axes."""
        e, kind = self.e, self.kind
        rows, columns, step, leap = (e.load(table, int64, n) for n in range(4))
        tiles = e.math.floor_divide(rows + (TILE - 1), TILE)
        with e.loop(stop, start) as strip:
            rest = e.math.floor_divide(strip, tiles)
            first = (strip - rest * tiles) * TILE
            source, target = first * step, first
            for n in range(OUTER):
                size, along, across = (e.load(table, int64, 4 + 3 * n + k) for k in range(3))
                before = rest
                rest = e.math.floor_divide(before, size)
                place = before - rest * size
                source, target = source + place * along, target + place * across
            here = e.address(x, source, kind), e.address(y, target, kind)
            count = e.math.minimum(rows - first, TILE)
            with e.loop(columns, 0, TILE) as column:
                self.tile(here, (step, leap), (count, column, e.math.minimum(column + TILE, columns)))

    def tile(self, here: tuple[Value, Value], steps: tuple[Value, Value], part: tuple[Value, Value, Value]) -> None:
        """Write the copy of one tile: whole blocks, and number by number what is left beside them."""
        e, side = self.e, self.side
        count, begin, end = part
        whole = e.math.floor_divide(count, side) * side
        until = begin + e.math.floor_divide(end - begin, side) * side
        with e.loop(until, begin, side) as j, e.loop(whole, 0, side) as i:
            self.block(here, steps, i, j)
        self.singly(here, steps, (e.index(0), whole), (until, end))
        self.singly(here, steps, (whole, count), (begin, end))

    def block(self, here: tuple[Value, Value], steps: tuple[Value, Value], i: Value, j: Value) -> None:
        """Write the copy of one square block: its lines in the source lie along j, in the copy along i."""
        e, kind, (x, y), (step, leap) = self.e, self.kind, here, steps
        lines = [e.load(x, kind, (i + n) * step + j, self.side) for n in range(self.side)]
        for n, line in enumerate(transposed(e, lines)):
            e.store(line, y, (j + n) * leap + i)

    def singly(
        self, here: tuple[Value, Value], steps: tuple[Value, Value], rows: tuple[Value, Value], columns: tuple[Value, Value]
    ) -> None:
        """Write the copy of single numbers."""
        e, kind, (x, y), (step, leap) = self.e, self.kind, here, steps
        with e.loop(rows[1], rows[0]) as i, e.loop(columns[1], columns[0]) as j:
            e.store(e.load(x, kind, i * step + j), y, j * leap + i)


@lru_cache(8)
def native(itemsize: int) -> Native:
    """Return the code for words of so many bytes."""
    return Native(Turn(kind_of(WORDS[itemsize])).e, "turn")


def merged(shape: Sequence[int], x: Sequence[int], y: Sequence[int]) -> list[Axis]:
    """Return the axes of two arrays of one shape, with these steps, the copy's longest first; those that go on are one."""
    found: list[Axis] = []
    for size, along, across in sorted(zip(shape, x, y), key=lambda axis: -axis[2]):
        if size == 1:
            continue
        if found and found[-1][1:] == (along * size, across * size):
            found[-1] = (found[-1][0] * size, along, across)
        else:
            found.append((size, along, across))
    return found


def copied(y: np.ndarray, x: np.ndarray) -> bool:
    """Copy x to y, of its shape and dtype, where the last axes to follow memory differ; return False where NumPy has to."""
    width = x.itemsize
    if x.size < LEAST or width not in WORDS or x.dtype != y.dtype or x.shape != y.shape:
        return False
    if any(step % width for step in (*x.strides, *y.strides)) or not (x.flags.aligned and y.flags.aligned):
        return False
    axes = merged(x.shape, [step // width for step in x.strides], [step // width for step in y.strides])
    rows = next((axis for axis in axes if axis[2] == 1), None)
    columns = next((axis for axis in axes if axis[1] == 1 and axis is not rows), None)
    if rows is None or columns is None or min(rows[0], columns[0]) < SHORTEST or rows[1] == 1:
        return False
    outer = [axis for axis in axes if axis is not rows and axis is not columns]
    if len(outer) > OUTER or np.may_share_memory(x, y):
        return False
    outer = [(1, 0, 0)] * (OUTER - len(outer)) + outer
    numbers = [rows[0], columns[0], rows[1], columns[2], *(number for axis in reversed(outer) for number in axis)]
    turn = native(width)
    return turn((x, y), turn.table(math.prod(x.shape), *numbers))
