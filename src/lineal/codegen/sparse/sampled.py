"""Products of strided matrices at the entries of a compressed one: y[k] = Σ_j a[row of k, j] b[column of k, j]."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lineal.codegen.kinds import int64
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import shared
from lineal.codegen.sparse.lines import WORTH_LINES, Lines, refuse
from lineal.codegen.values import Value, Variable

__all__ = ["sampled_product"]


class SampledProducts(Lines):
    """The code of a Bᵀ at the entries of a matrix; the table has its rows and columns, its entries, and the terms of each."""

    def __init__(self, values: np.dtype, places: np.dtype, single: bool):
        super().__init__(values, places)
        self.single = single
        e = self.e
        with entered(e, "sampled", 6) as (given, table):
            rows, columns, count, inner = (e.load(table, int64, n) for n in range(4))
            shared(
                e, "sampled", rows, [*given, columns, count, inner], self.rows, grain=16, pieces=16,
                worth=(count + rows) * inner >= WORTH_LINES,
            )  # fmt: skip

    def rows(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the entries of the rows range(start, stop)."""
        a, b, pointers, indices, y, failed, columns, count, inner = given
        e = self.e
        begins = self.first(pointers, start, count, failed)
        with (
            e.loop(stop, start, carried=[begins]) as row,
            self.line(pointers, row, count, failed, begins) as (begin, end),
            e.loop(end, begin) as k,
            self.place(indices, k, columns, failed) as place,
        ):
            here, there = (e.address(each, n * inner, self.kind) for each, n in ((a, row), (b, place)))
            e.store(self.dot(here, there, inner), y, k, kind=self.kind)

    def dot(self, a: Value, b: Value, inner: Value) -> Value:
        """Return the sum of the products of two rows."""
        e = self.e
        if self.single:
            return self.number(a, e.index(0)) * self.number(b, e.index(0))
        lanes = e.lanes(self.wide)
        total: Variable = e.variable(e.const(0, self.wide, lanes))
        for block in e.blocks(inner, lanes, carried=[total]):
            term = e.cast(block.load(a, self.kind), self.wide) * e.cast(block.load(b, self.kind), self.wide)
            total.value = total.value + block.keep(term, 0)
        return e.reduce(total.value, e.add)


@lru_cache(64)
def native(values: np.dtype, places: np.dtype, single: bool) -> Native:
    """Return the compiled products."""
    return Native(SampledProducts(values, places, single).e, "sampled")


def sampled_product(a: np.ndarray, b: np.ndarray, pointers: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return a[row] · b[column] for each entry of a matrix compressed by rows; all arrays lie in C order."""
    rows, inner = len(pointers) - 1, a.shape[1]
    y, failed = np.empty(indices.size, a.dtype), np.zeros(1, np.int64)
    if not indices.size or not inner:
        return np.zeros(indices.size, a.dtype)
    code = native(a.dtype, pointers.dtype, inner == 1)
    table = code.table((indices.size + rows) * inner, rows, len(b), indices.size, inner)
    code((a, b, pointers, indices, y, failed), table)
    refuse(failed, "sampled_addmm")
    return y
