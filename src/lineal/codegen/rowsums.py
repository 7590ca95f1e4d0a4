"""Rows of numbers added up at places of their own rows: the derivatives of gathers along rows, and of maxima of windows.

Rows are shared by the threads. The sums of a row are kept in float64, in memory of the thread, and rounded once.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import FLOATS, Kind, float64, int64, kind_of
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import shared
from lineal.codegen.values import Value

__all__ = ["rows_gathered"]

MOST = 1 << 14
"""How many numbers a row has at most: its sums lie on the stack."""
LEAST, SPARSE = 1 << 11, 16
"""From how many additions on it is faster than NumPy, and for how many sums at most there is one (measured, 2026-11-30)."""


class Writer:
    """Writes gathered(x, index, y, table); the table has how many rows there are, their length in y, and in x."""

    def __init__(self, e: Emitter, kind: Kind):
        self.e, self.kind, self.lanes = e, kind, e.lanes(float64)

    def write(self) -> None:
        """Write the function."""
        with entered(self.e, "gathered", 3) as (given, table):
            shared(self.e, "gathered", self.e.load(table, int64), [*given, table], self.rows, grain=1, pieces=2)

    def rows(self, start: Value, stop: Value, x: Value, index: Value, y: Value, table: Value) -> None:
        """Write the sums of a range of rows."""
        e, kind = self.e, self.kind
        length, count = (e.load(table, int64, n) for n in (1, 2))
        sums = e.stack(MOST * float64.itemsize)
        with e.loop(stop, start) as row:
            for block in e.blocks(length, self.lanes):
                block.store(e.const(0.0, float64), sums)
            with e.loop(count) as i:
                at = row * count + i
                place = e.load(index, int64, at)
                e.store(e.load(sums, float64, place) + e.cast(e.load(x, kind, at), float64), sums, place)
            target = e.address(y, row * length, kind)
            for block in e.blocks(length, self.lanes):
                block.store(block.load(sums, float64), target, kind)


@lru_cache(8)
def native(name: str) -> Native:
    """Return the function for a kind."""
    e = Emitter()
    Writer(e, kind_of(name)).write()
    return Native(e, "gathered")


def rows_gathered(x: np.ndarray, index: np.ndarray, length: int) -> np.ndarray | None:
    """Return y of rows of a length, y[..., index[..., i]] = Σ x[..., i]; None if NumPy is to do it.

    `index` (int64) has the shape of x; its numbers are within 0 … length-1.
    """
    if x.dtype.name not in FLOATS or index.size < LEAST or length > MOST or length > SPARSE * index.shape[-1]:
        return None
    y, function = np.empty((*x.shape[:-1], length), x.dtype), native(x.dtype.name)
    table = function.table(max(y.size, x.size), math.prod(x.shape[:-1]), length, x.shape[-1])
    return y if function([np.ascontiguousarray(x), np.ascontiguousarray(index), y], table) else None
