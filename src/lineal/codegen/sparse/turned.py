"""Products of the transpose of a matrix compressed by rows, y = Aᵀ x, as it lies.

Rows are cut into pieces, each of which sums up what it has for the columns between its first and its last one: for matrices
with a band these are few. Then the pieces' sums are added up, in their order. How many pieces there are is decided by the
matrix, not by the number of threads, so what comes does not depend on that.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from lineal.codegen.kinds import int64, kind_of
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import shared
from lineal.codegen.sparse.lines import WORTH_LINES, Lines, refuse, wide_of
from lineal.codegen.values import Value

__all__ = ["Pieces", "pieces_of", "turned_product"]

PIECES, LEAST = 16, 1 << 15
"""Into how many pieces rows are cut at most; how many entries there are at least in each."""
FIELDS = 5


class Pieces(NamedTuple):
    """For each piece its first and last row, its first and last column, and where its sums begin; how many sums there are."""

    table: np.ndarray
    sums: int


class TurnedProducts(Lines):
    """The code of y = Aᵀ x; the table has the pieces, the columns of A, its entries, x's columns, and its rows."""

    def __init__(self, values: np.dtype, places: np.dtype, single: bool):
        super().__init__(values, places)
        self.single = single
        e = self.e
        with entered(e, "turned", 8) as (given, table):
            values_, pointers, indices, x, y, failed, work, cuts = given
            pieces, columns, count, inner, rows = (e.load(table, int64, n) for n in range(5))
            worth = count * inner >= WORTH_LINES
            shared(
                e, "sum", pieces, [values_, pointers, indices, x, failed, work, cuts, count, inner, rows], self.sum, grain=1,
                pieces=16, worth=worth,
            )  # fmt: skip
            shared(e, "merge", columns, [y, work, cuts, pieces, inner], self.merge, pieces=8, worth=worth)

    def sum(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the sums of the pieces range(start, stop)."""
        values, pointers, indices, x, failed, work, cuts, count, inner, rows = given
        e = self.e
        with e.loop(stop, start) as piece:
            first, last, low, high, at = (e.load(cuts, int64, piece * FIELDS + n) for n in range(FIELDS))
            sums = e.address(work, at * inner, self.wide)
            for block in e.blocks((high - low) * inner, self.wide):
                block.store(e.const(0, self.wide), sums)
            begins = self.first(pointers, first, count, failed)
            with (
                e.loop(e.math.minimum(last, rows), first, carried=[begins]) as row,
                self.line(pointers, row, count, failed, begins) as (begin, end),
            ):
                here = e.address(x, row * inner, self.kind)
                self.fetch(values, indices, begin)
                with e.loop(end, begin) as k, self.place(indices, k, high - low, failed, low=low) as place:
                    self.add(self.number(values, k), here, e.address(sums, place * inner, self.wide), inner)

    def add(self, factor: Value, source: Value, target: Value, inner: Value) -> None:
        """Write target += factor · source, of one number or of a row of them."""
        e = self.e
        if self.single:
            e.store(e.load(target, self.wide) + factor * self.number(source, e.index(0)), target)
            return
        for block in e.blocks(inner, self.wide):
            term = factor * e.cast(block.load(source, self.kind), self.wide)
            block.store(block.load(target, self.wide) + term, target, self.wide)

    def merge(self, start: Value, stop: Value, *given: Value) -> None:
        """Write y[start:stop], the sums of all pieces."""
        y, work, cuts, pieces, inner = given
        e = self.e
        for block in e.blocks(stop * inner, self.wide, start * inner):
            block.store(e.const(0, self.wide), y)
        with e.loop(pieces) as piece:
            low, high, at = (e.load(cuts, int64, piece * FIELDS + n) for n in range(2, FIELDS))
            sums = e.address(work, (at - low) * inner, self.wide)
            first, last = e.math.maximum(low, start), e.math.minimum(high, stop)
            for block in e.blocks(last * inner, self.wide, first * inner):
                block.store(block.load(y, self.wide) + block.load(sums, self.wide), y, self.wide)


def pieces_of(pointers: np.ndarray, indices: np.ndarray, columns: int) -> Pieces:
    """Return into which pieces the rows are cut: as many as do not make more sums than a few for each entry."""
    rows, count = len(pointers) - 1, max(1, min(PIECES, indices.size // LEAST))
    while True:
        # as many entries in each, as near as may be
        cuts = np.searchsorted(pointers, np.linspace(0, indices.size, count + 1)[1:-1])
        bounds = np.concatenate([[0], cuts, [rows]]).astype(np.int64)
        table, sums = np.zeros((count, FIELDS), np.int64), 0
        for piece, (first, last) in enumerate(pairwise(bounds)):
            part = indices[pointers[first] : pointers[last]]
            low, high = (int(part.min()), int(part.max()) + 1) if part.size else (0, 1)
            table[piece] = first, last, low, high, sums
            sums += high - low
        if count == 1 or sums <= max(2 * columns, indices.size // 2):
            return Pieces(table, sums)
        count //= 2


@lru_cache(64)
def native(values: np.dtype, places: np.dtype, single: bool) -> Native:
    """Return the compiled products."""
    return Native(TurnedProducts(values, places, single).e, "turned")


def turned_product(
    values: np.ndarray, pointers: np.ndarray, indices: np.ndarray, x: np.ndarray, columns: int, pieces: Pieces
) -> np.ndarray:
    """Return Aᵀ x, (columns, inner), of a matrix compressed by rows and x of (M, inner); all arrays lie in C order."""
    rows, inner = len(pointers) - 1, x.shape[1]
    if not indices.size or not inner:
        return np.zeros((columns, inner), x.dtype)
    wide = wide_of(kind_of(x.dtype)).dtype
    y, work, failed = np.empty((columns, inner), wide), np.empty(pieces.sums * inner, wide), np.zeros(1, np.int64)
    code = native(values.dtype, pointers.dtype, inner == 1)
    table = code.table(values.size * inner, len(pieces.table), columns, values.size, inner, rows)
    code((values, pointers, indices, x, y, failed, work, pieces.table), table)
    refuse(failed, "product")
    return y.astype(x.dtype, copy=False)
