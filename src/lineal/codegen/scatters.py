"""Additions of many rows, or numbers, into few places over all threads, without atomics; sums are taken in float64.

Rows are sorted by their target, stably, so that those of each target are one run; threads share the runs, and a sum is rounded
once. Single numbers are cut into pieces, each with a sum for every target. What comes does not depend on the number of threads.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, float64, int64, kind_of
from lineal.codegen.native import UNWRITABLE, Native, entered
from lineal.codegen.parallel import shared
from lineal.codegen.values import Value

__all__ = ["LEAST", "PIECES", "SHARE", "numbers_added", "rows_added"]

KNOWN = frozenset("float32 float64 float16 bfloat16".split())
DIGIT = 11
"""How many bits of a target one pass of the sort looks at (least significant first: Knuth, vol. 3, section 5.2.5)."""
SIDE = 4
"""How many vectors of a row are summed up side by side."""
PIECES, LEAST, SHARE = 16, 1 << 15, 8
"""Into how many pieces single numbers are cut at most; how many there are at least in each, in all and for each target."""
WORTH_THREADS = 1 << 14
"""From how many numbers on rows are shared by threads."""


class RowSums:
    """The code that adds source[i], of `inner` numbers, to y[rows[i]] for all i < M; the table has (M, inner, passes)."""

    def __init__(self, kind: Kind):
        self.kind = kind
        self.e = e = Emitter()
        self.lanes = e.lanes(float64)
        with entered(e, "add", 4) as ((rows, source, y, work), table):
            count, inner, passes = (e.load(table, int64, n) for n in range(3))
            order = self.sort(rows, count, passes, work)
            starts = e.address(work, (1 << DIGIT) + count + count, int64)
            runs = self.cut(rows, order, count, starts)
            shared(
                e, "add", runs, [rows, source, y, order, starts, inner], self.add, grain=1, pieces=16,
                worth=count * inner >= WORTH_THREADS,
            )  # fmt: skip

    def sort(self, rows: Value, count: Value, passes: Value, work: Value) -> Value:
        """Write the sort of range(count) by target; return where the order lies."""
        e = self.e
        counts = work
        first, second = (e.variable(e.address(work, (1 << DIGIT) + n * count, int64)) for n in range(2))
        with e.loop(count) as i:
            e.store(i, first.value, i)
        with e.loop(passes, carried=[first, second]) as turn:
            shift = turn * DIGIT
            with e.loop(1 << DIGIT) as digit:
                e.store(e.const(0, int64), counts, digit)
            with e.loop(count) as i:
                place = e.address(counts, self.digit(rows, i, shift), int64)
                e.store(e.load(place, int64) + 1, place)
            before = e.variable(e.const(0, int64))
            with e.loop(1 << DIGIT, carried=[before]) as digit:
                here = e.load(counts, int64, digit)
                e.store(before.value, counts, digit)
                before.value = before.value + here
            with e.loop(count) as k:
                i = e.load(first.value, int64, k)
                place = e.address(counts, self.digit(rows, i, shift), int64)
                to = e.load(place, int64)
                e.store(to + 1, place)
                e.store(i, second.value, to)
            first.value, second.value = second.value, first.value
        return first.value

    def digit(self, rows: Value, i: Value, shift: Value) -> Value:
        """Return the part of a target that a pass sorts by."""
        return self.e.bits("lshr", self.e.load(rows, int64, i), shift) & ((1 << DIGIT) - 1)

    def cut(self, rows: Value, order: Value, count: Value, starts: Value) -> Value:
        """Write where the runs of one target start, and in the end `count`; return how many there are."""
        e = self.e
        runs, last = e.variable(e.const(0, int64)), e.variable(e.const(-1, int64))
        with e.loop(count, carried=[runs, last]) as k:
            row = e.load(rows, int64, e.load(order, int64, k))
            # of a run that goes on this is written over by the next one's start
            e.store(k, starts, runs.value)
            runs.value = runs.value + e.cast(row != last.value, int64)
            last.value = row
        e.store(count, starts, runs.value)
        return runs.value

    def add(self, first: Value, last: Value, *given: Value) -> None:
        """Write the sums of the runs range(first, last)."""
        rows, source, y, order, starts, inner = given
        e = self.e
        wide = SIDE * self.lanes
        with e.loop(last, first) as run:
            begin, end = e.load(starts, int64, run), e.load(starts, int64, run + 1)
            row = e.load(rows, int64, e.load(order, int64, begin))
            target = e.address(y, row * inner, self.kind)
            strips = e.math.floor_divide(inner, wide)
            with e.loop(strips) as strip:
                self.strip([strip * wide + n * self.lanes for n in range(SIDE)], source, target, order, (begin, end, inner))
            for block in e.blocks(inner, self.lanes, strips * wide):
                total = e.variable(e.cast(block.load(target, self.kind), float64))
                with e.loop(end, begin, carried=[total]) as k:
                    here = e.address(source, e.load(order, int64, k) * inner, self.kind)
                    total.value = total.value + e.cast(block.load(here, self.kind), float64)
                block.store(total.value, target, self.kind)

    def strip(self, places: list[Value], source: Value, target: Value, order: Value, run: tuple[Value, Value, Value]) -> None:
        """Write the sums of one run in some columns, a vector of them at each of the places."""
        e, kind, lanes = self.e, self.kind, self.lanes
        begin, end, inner = run
        totals = [e.variable(e.cast(e.load(target, kind, place, lanes), float64)) for place in places]
        with e.loop(end, begin, carried=totals) as k:
            here = e.address(source, e.load(order, int64, k) * inner, kind)
            for place, total in zip(places, totals):
                total.value = total.value + e.cast(e.load(here, kind, place, lanes), float64)
        for place, total in zip(places, totals):
            e.store(total.value, target, place, kind=kind)


class NumberSums:
    """The code that adds source[i] to totals[piece, places[i]] for all i; the table has (pieces, M, a piece's, N)."""

    def __init__(self, kind: Kind):
        self.kind = kind
        self.e = e = Emitter()
        with entered(e, "add", 3) as (given, table):
            shared(e, "add", e.load(table, int64), [*given, table], self.add, grain=1)

    def add(self, first: Value, last: Value, places: Value, source: Value, totals: Value, table: Value) -> None:
        """Write the sums of the pieces range(first, last)."""
        e = self.e
        count, size, width = (e.load(table, int64, n) for n in (1, 2, 3))
        with e.loop(last, first) as piece:
            begin = piece * size
            to = e.address(totals, piece * width, float64)
            with e.loop(e.math.minimum(begin + size, count), begin) as i:
                at = e.address(to, e.load(places, int64, i), float64)
                e.store(e.load(at, float64) + e.cast(e.load(source, self.kind, i), float64), at)


@lru_cache(16)
def native(code: type[RowSums] | type[NumberSums], storage: np.dtype) -> Native | None:
    """Return the compiled additions, None if they cannot be written."""
    try:
        return Native(code(kind_of(storage)).e, "add")
    except UNWRITABLE:
        return None


def usable(*arrays: np.ndarray) -> bool:
    """Return whether arrays, the last one of places, lie as the code takes them and are of dtypes that it knows."""
    *values, places = arrays
    known = all(each.dtype.name in KNOWN for each in values) and places.dtype == np.int64
    return known and all(each.flags.c_contiguous and each.flags.aligned for each in arrays)


def rows_added(y: np.ndarray, rows: np.ndarray, source: np.ndarray) -> bool:
    """Add source[i] to y[rows[i]] for all i, of (N, inner) and (M, inner); return False where NumPy has to."""
    rows, source = np.ascontiguousarray(rows), np.ascontiguousarray(source)
    if y.dtype.kind == "c":
        parts = {"F": np.float32, "D": np.float64}[y.dtype.char]
        y, source = y.view(parts), source.view(parts)
    added = native(RowSums, y.dtype) if usable(y, source, rows) else None
    if added is None:
        return False
    passes = -(-int(len(y) - 1).bit_length() // DIGIT)
    work = np.empty((1 << DIGIT) + 3 * rows.size + 1, np.int64)
    added((rows, source, y, work), added.table(source.size, rows.size, source.shape[1], passes))
    return True


def numbers_added(y: np.ndarray, places: np.ndarray, source: np.ndarray) -> bool:
    """Add source[i] to y[places[i]] for all i, both of one dimension; return False where NumPy has to."""
    places, source = np.ascontiguousarray(places), np.ascontiguousarray(source)
    pieces = max(1, min(PIECES, places.size // max(LEAST, SHARE * y.size)))
    large = places.size >= max(LEAST, y.size)
    added = native(NumberSums, y.dtype) if large and usable(y, source, places) else None
    if added is None:
        return False
    # -0.0 and not 0.0, which would take the sign of sums of nothing but -0.0
    totals = np.full((pieces, y.size), -0.0)
    size = -(-places.size // pieces)
    added((places, source, totals), added.table(source.size, pieces, places.size, size, y.size))
    for each in totals[1:]:
        totals[0] += each
    y[...] = y + totals[0] if y.dtype == np.float64 else y.astype(np.float64) + totals[0]
    return True
