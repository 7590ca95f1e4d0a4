"""Incomplete factors of a matrix compressed by rows: L U on the places of its entries, all others left out.

Saad, Iterative Methods for Sparse Linear Systems (2003), algorithm 10.4. Row i takes from its entries those of the rows it
reads, in the order of the columns; marks say where in the row a column stands. The factors take the matrix's place, L's
diagonal being ones. Complex numbers are pairs of real ones.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import float64, int64, kind_of
from lineal.codegen.native import Native, entered
from lineal.codegen.rowwise.rows import Parts, divisor, product, size
from lineal.codegen.values import Value

__all__ = ["factored"]


class Factors:
    """Writes the code; its arrays are the entries, pointers, indices, where the diagonal is, marks, and the first bad row."""

    def __init__(self, values: np.dtype, parts: int):
        self.kind, self.parts = kind_of(values), parts
        self.e = e = Emitter()
        with (
            entered(e, "factor", 6) as ((entries, pointers, indices, diagonal, marks, bad), table),
            e.loop(e.load(table, int64)) as row,
        ):
            begin, end = (e.load(pointers, int64, row + n) for n in (0, 1))
            with e.loop(end, begin) as k:
                e.store(k, marks, e.load(indices, int64, k))
            with e.loop(end, begin) as k:
                column = e.load(indices, int64, k)
                with e.when(column < row):
                    self.eliminate(k, column, entries, pointers, indices, diagonal, marks)
            with e.loop(end, begin) as k:
                e.store(e.const(-1, int64), marks, e.load(indices, int64, k))
            pivot = self.load(entries, e.load(diagonal, int64, row))
            with e.when(~(size(pivot) > 0.0) & (e.load(bad, int64) < 0)):
                e.store(row, bad)

    def eliminate(
        self, k: Value, column: Value, entries: Value, pointers: Value, indices: Value, diagonal: Value, marks: Value
    ) -> None:
        """Write the factor that stands for entry k, and take so many times the row of its column from this row."""
        e = self.e
        pivot = e.load(diagonal, int64, column)
        share, divided = divisor(e, self.load(entries, pivot))
        factor = tuple([each / divided for each in product(self.load(entries, k), share)])
        self.store(factor, entries, k)
        with e.loop(e.load(pointers, int64, column + 1), pivot + 1) as other:
            target = e.load(marks, int64, e.load(indices, int64, other))
            with e.when(target >= 0):
                taken = product(factor, self.load(entries, other))
                self.store(tuple([a - b for a, b in zip(self.load(entries, target), taken)]), entries, target)

    def load(self, base: Value, k: Value) -> Parts:
        """Return a number, in float64."""
        return tuple([self.e.cast(self.e.load(base, self.kind, k * self.parts + n), float64) for n in range(self.parts)])

    def store(self, value: Parts, base: Value, k: Value) -> None:
        """Round a number to where it belongs."""
        for n, each in enumerate(value):
            self.e.store(self.e.cast(each, self.kind), base, k * self.parts + n, kind=self.kind)


@lru_cache(8)
def native(values: np.dtype, parts: int) -> Native:
    """Return the compiled factorisation of numbers with so many parts."""
    return Native(Factors(values, parts).e, "factor")


def factored(values: np.ndarray, pointers: np.ndarray, indices: np.ndarray, diagonal: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the values of the factors, and the first row whose pivot is zero or no number, or -1.

    Pointers, indices and the places of the diagonal are int64 and right; each row's indices grow.
    """
    made, bad = values.copy(), np.full(1, -1, np.int64)
    marks = np.full(len(pointers) - 1, -1, np.int64)
    code = native(np.real(values).dtype, 2 if values.dtype.kind == "c" else 1)
    code((made, pointers, indices, diagonal, marks, bad), code.table(0, len(pointers) - 1))
    return made, int(bad[0])
