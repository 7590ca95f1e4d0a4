"""Incomplete factors of a matrix compressed by rows: L U on the places of its entries, all others left out.

Saad, Iterative Methods for Sparse Linear Systems (2003), algorithm 10.4. Row i takes from its entries those of the rows it
reads, in the order of the columns; marks say where in the row a column stands. The factors take the matrix's place, L's
diagonal being ones.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import float64, int64, kind_of
from lineal.codegen.native import Native, entered
from lineal.codegen.values import Value

__all__ = ["factored"]


class Factors:
    """Writes the code; its arrays are the entries, pointers, indices, where the diagonal is, marks, and the first bad row."""

    def __init__(self, values: np.dtype):
        self.kind = kind_of(values)
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
                    pivot = e.load(diagonal, int64, column)
                    factor = self.load(entries, k) / self.load(entries, pivot)
                    self.store(factor, entries, k)
                    with e.loop(e.load(pointers, int64, column + 1), pivot + 1) as other:
                        target = e.load(marks, int64, e.load(indices, int64, other))
                        with e.when(target >= 0):
                            left = self.load(entries, target) - factor * self.load(entries, other)
                            self.store(left, entries, target)
            with e.loop(end, begin) as k:
                e.store(e.const(-1, int64), marks, e.load(indices, int64, k))
            pivot = self.load(entries, e.load(diagonal, int64, row))
            with e.when(~(e.math.absolute(pivot) > 0.0) & (e.load(bad, int64) < 0)):
                e.store(row, bad)

    def load(self, base: Value, k: Value) -> Value:
        """Return a number, in float64."""
        return self.e.cast(self.e.load(base, self.kind, k), float64)

    def store(self, value: Value, base: Value, k: Value) -> None:
        """Round a number to where it belongs."""
        self.e.store(self.e.cast(value, self.kind), base, k, kind=self.kind)


@lru_cache(4)
def native(values: np.dtype) -> Native:
    """Return the compiled factorisation."""
    return Native(Factors(values).e, "factor")


def factored(values: np.ndarray, pointers: np.ndarray, indices: np.ndarray, diagonal: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the values of the factors, and the first row whose pivot is zero or no number, or -1.

    Pointers, indices and the places of the diagonal are int64 and right; each row's indices grow.
    """
    made, bad = values.copy(), np.full(1, -1, np.int64)
    marks = np.full(len(pointers) - 1, -1, np.int64)
    code = native(values.dtype)
    code((made, pointers, indices, diagonal, marks, bad), code.table(0, len(pointers) - 1))
    return made, int(bad[0])
