"""Where the few largest numbers of each row are, by one pass: a vector of numbers is compared with the least of those so far.

Numbers are compared as signed whole numbers in their order, of which NaN is the largest; of equal ones the first comes first.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int64, kind_of
from lineal.codegen.native import UNWRITABLE, Native, entered
from lineal.codegen.parallel import WORTH_THREADS, shared
from lineal.codegen.values import Value

__all__ = ["key_of", "leading", "ordered"]


def key_of(kind: Kind) -> Kind:
    """Return the kind of the whole numbers that stand for numbers of a kind."""
    return kinds.int32 if kind.computed.bits <= 32 and kind is not kinds.uint32 else int64


def ordered(e: Emitter, x: Value, key: Kind) -> Value:
    """Return whole numbers in the order of numbers, of which all NaN are the largest."""
    if x.kind.family != "f":
        return e.cast(x, key)
    bits = e.bitcast(x + 0.0, key)  # -0 and 0 are equal
    return e.select(x == x, bits ^ ((bits >> (key.bits - 1)) & kinds.highest(key)), kinds.highest(key))


class Leading:
    """Writes leading(x, places, keys, table): keys are memory for the few numbers of each row."""

    def __init__(self, kind: Kind, largest: bool):
        self.kind, self.largest = kind, largest
        self.key = key_of(kind)
        self.e = e = Emitter()
        self.lanes = e.lanes(self.key)
        with entered(e, "leading", 3) as (given, table):
            rows, n = e.load(table, int64), e.load(table, int64, 1)
            shared(e, "leading", rows, [*given, table], self.rows, grain=1, worth=rows * n >= WORTH_THREADS)

    def rows(self, first: Value, last: Value, x: Value, places: Value, keys: Value, table: Value) -> None:
        """Write the loop over the rows range(first, last)."""
        e = self.e
        n, count = e.load(table, int64, 1), e.load(table, int64, 2)
        with e.loop(last, first) as row:
            source = e.address(x, row * n, self.kind)
            best, where = e.address(keys, row * count, self.key), e.address(places, row * count, int64)
            with e.loop(count) as i:
                e.store(e.const(kinds.lowest(self.key), self.key), best, i)
                self.enter(self.keyed(e.load(source, self.kind, i)), i, i, best, where)
            for block in e.blocks(n, self.lanes, count):
                key = self.keyed(block.load(source, self.kind))
                better = key > e.splat(e.load(best, self.key, count - 1), self.lanes)
                better = better if block.mask is None else better & block.mask
                with e.when(e.any(better)):
                    end = e.math.minimum(block.index + self.lanes, n)
                    with e.loop(end, block.index) as i:
                        one = self.keyed(e.load(source, self.kind, i))
                        with e.when(one > e.load(best, self.key, count - 1)):
                            self.enter(one, i, count - 1, best, where)

    def enter(self, key: Value, place: Value, last: Value, best: Value, where: Value) -> None:
        """Write the coming in of a number, behind those that are not less; what was at `last` goes."""
        e = self.e
        with e.loop(last) as n:
            at = last - n
            before, number = e.load(best, self.key, at - 1), e.load(where, int64, at - 1)
            here, own = e.load(best, self.key, at), e.load(where, int64, at)
            moves, comes = key > before, key > here
            e.store(e.select(moves, before, e.select(comes, key, here)), best, at)
            e.store(e.select(moves, number, e.select(comes, place, own)), where, at)
        with e.when((key > e.load(best, self.key)) | (last == 0)):
            e.store(key, best)
            e.store(place, where)

    def keyed(self, x: Value) -> Value:
        """Return whole numbers in the order of numbers, the other way round if the smallest are asked for."""
        found = ordered(self.e, x, self.key)
        return found if self.largest else ~found


@lru_cache(64)
def native(storage: np.dtype, largest: bool) -> Native | None:
    """Return the compiled function, or None if it cannot be written."""
    try:
        kind = kind_of(storage)
        return None if kind is kinds.uint64 else Native(Leading(kind, largest).e, "leading")
    except UNWRITABLE:
        return None


def leading(x: np.ndarray, count: int, largest: bool) -> np.ndarray | None:
    """Return where the `count` largest (or smallest) numbers along the last axis are, the best first; None: NumPy has to.

    There are so many numbers at least, and `count` is not 0.
    """
    n = x.shape[-1]
    found = native(x.dtype, largest)
    if found is None:
        return None
    x = x if x.flags.c_contiguous else np.ascontiguousarray(x)
    rows = x.size // n
    places = np.empty((*x.shape[:-1], count), np.int64)
    keys = np.empty(rows * count, np.int64)
    made = found.filled((x,), (places, keys), x.size, rows, n, count)
    return None if made is None else made[0]
