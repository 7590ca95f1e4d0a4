"""Products of a matrix compressed by rows with strided ones, y = A x: each thread takes rows of y, and sums are float64."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lineal.codegen.blocks import Block
from lineal.codegen.kinds import int64
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import shared
from lineal.codegen.sparse.lines import WORTH_LINES, Lines, refuse
from lineal.codegen.sparse.rows import LONG, CompressedForm
from lineal.codegen.values import Value

__all__ = ["row_product"]

SIDE = 4
"""How many vectors of a row of x are summed up side by side."""


class RowProducts(Lines):
    """The code of y = A x for x of some columns or of one, and for long rows or short ones.

    The table has A's rows, columns and entries, and x's columns.
    """

    def __init__(self, values: np.dtype, places: np.dtype, single: bool, long: bool):
        super().__init__(values, places)
        e = self.e
        self.rows = CompressedForm(values, places, long).writer(e)
        with entered(e, "product", 6) as (given, table):
            rows, columns, count, inner = (e.load(table, int64, n) for n in range(4))
            shared(
                e, "product", rows, [*given, columns, count, inner], self.vector if single else self.matrix, grain=16,
                pieces=16, worth=(count + rows) * inner >= WORTH_LINES,
            )  # fmt: skip

    def vector(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the rows range(start, stop) of a vector y."""
        values, pointers, indices, x, y, failed, columns, count, _ = given
        arrays = values, pointers, indices, failed, columns, count
        self.rows.write(start, stop, arrays, x, lambda row, total: row.store(total, y, self.kind))

    def matrix(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the rows range(start, stop) of a matrix y, some vectors of columns at a time."""
        values, pointers, indices, x, y, failed, columns, count, inner = given
        e, lanes = self.e, self.e.lanes(self.wide)
        begins = self.first(pointers, start, count, failed)
        with e.loop(stop, start, carried=[begins]) as row, self.line(pointers, row, count, failed, begins) as span:
            target = e.address(y, row * inner, self.kind)
            strips = e.math.floor_divide(inner, SIDE * lanes)
            rest = values, indices, x, columns, inner, failed
            with e.loop(strips) as strip:
                self.strip([Block(e, strip * (SIDE * lanes) + n * lanes, lanes) for n in range(SIDE)], rest, span, target)
            for block in e.blocks(inner, lanes, strips * (SIDE * lanes)):
                self.strip([block], rest, span, target)

    def strip(self, blocks: list[Block], given: tuple[Value, ...], span: tuple[Value, Value], target: Value) -> None:
        """Write some columns of one row of y, a vector for each block."""
        values, indices, x, columns, inner, failed = given
        e = self.e
        totals = [e.variable(e.const(0, self.wide, block.lanes)) for block in blocks]
        with e.loop(span[1], span[0], carried=totals) as k, self.place(indices, k, columns, failed, carried=totals) as place:
            here, factor = e.address(x, place * inner, self.kind), self.number(values, k)
            for block, total in zip(blocks, totals):
                total.value = total.value + factor * e.cast(block.load(here, self.kind), self.wide)
        for block, total in zip(blocks, totals):
            block.store(total.value, target, self.kind)


@lru_cache(64)
def native(values: np.dtype, places: np.dtype, single: bool, long: bool) -> Native:
    """Return the compiled products."""
    return Native(RowProducts(values, places, single, long).e, "product")


@lru_cache(1024)
def planned(values: np.dtype, places: np.dtype, rows: int, columns: int, count: int, inner: int) -> tuple[Native, np.ndarray]:
    """Return the code for products of these sizes, and its table."""
    code = native(values, places, inner == 1, inner == 1 and count >= LONG * rows)
    return code, code.table((count + rows) * inner, rows, columns, count, inner)


def row_product(values: np.ndarray, pointers: np.ndarray, indices: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return A x, (M, inner), of a matrix compressed by rows and x of (N, inner); all arrays lie in C order."""
    rows, inner = len(pointers) - 1, x.shape[1]
    if not len(x) or not inner:
        return np.zeros((rows, inner), x.dtype)
    y, failed = np.empty((rows, inner), x.dtype), np.zeros(1, np.int64)
    code, table = planned(values.dtype, pointers.dtype, rows, len(x), values.size, inner)
    code((values, pointers, indices, x, y, failed), table)
    refuse(failed, "product")
    return y
