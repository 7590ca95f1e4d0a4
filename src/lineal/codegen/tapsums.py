"""Sums of a few weighted elements along an axis, y[o] = s[o] Σ w[k, o] x[p[k, o]] over the first c[o] of k, in one pass.

Arrays are (outer, n, inner). Where inner axes follow, lines along them are added up in vectors; along the last axis a vector is
of outputs, whose elements are gathered. More than `LONG` elements are added up in float64.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, float64, int64, kind_of
from lineal.codegen.native import UNWRITABLE, Native, entered
from lineal.codegen.parallel import WORTH_THREADS, shared
from lineal.codegen.target import host
from lineal.codegen.values import Value

__all__ = ["summed"]

LONG = 32
KNOWN = frozenset("float32 float64".split())


class TapSums:
    """The code for numbers of a kind, along the last axis if `last`, added up as the kind `wide`."""

    def __init__(self, kind: Kind, wide: Kind, last: bool):
        self.kind, self.wide = kind, wide
        self.e = e = Emitter(host())
        with entered(e, "taps", 6) as (given, table):
            lines, size = e.load(table, int64), e.load(table, int64, 5)
            work = self.along_last if last else self.along_inner
            shared(e, "taps", lines, [*given, table], work, grain=1, pieces=16, worth=size >= WORTH_THREADS)

    def number(self, base: Value, at: Value) -> Value:
        """Return a weight, or a scale."""
        return self.e.cast(self.e.load(base, float64, at), self.wide)

    def along_inner(
        self, first: Value, last: Value, x: Value, y: Value, p: Value, w: Value, s: Value, c: Value, table: Value
    ) -> None:
        """Write the work of the lines range(first, last): one output each, of all places along the inner axes."""
        e, kind = self.e, self.kind
        count, n, inner = (e.load(table, int64, place) for place in (1, 3, 4))
        with e.loop(last, first) as line:
            outer = e.math.floor_divide(line, count)
            o = line - outer * count
            base, target = e.address(x, outer * (n * inner), kind), e.address(y, line * inner, kind)
            taps, scale = e.load(c, int64, o), self.number(s, o)
            for block in e.blocks(inner, self.wide):
                total = e.variable(e.const(0.0, self.wide, block.lanes))
                with e.loop(taps, carried=[total]) as k:
                    at = k * count + o
                    here = e.address(base, e.load(p, int64, at) * inner, kind)
                    term = e.cast(block.load(here, kind), self.wide) * e.splat(self.number(w, at), block.lanes)
                    total.value = total.value + term
                block.store(total.value * e.splat(scale, block.lanes), target, kind)

    def along_last(
        self, first: Value, last: Value, x: Value, y: Value, p: Value, w: Value, s: Value, c: Value, table: Value
    ) -> None:
        """Write the work of the lines range(first, last): all outputs of one place along the outer axes."""
        e, kind = self.e, self.kind
        count, most, n = (e.load(table, int64, place) for place in (1, 2, 3))
        with e.loop(last, first) as line:
            base, target = e.address(x, line * n, kind), e.address(y, line * count, kind)
            for block in e.blocks(count, self.wide):
                taps = block.load(c, int64)
                total = e.variable(e.const(0.0, self.wide, block.lanes))
                with e.loop(most, carried=[total]) as k:
                    there = taps > e.splat(k, block.lanes)
                    found = e.gathered(base, block.load(e.address(p, k * count, int64), int64), kind, there)
                    weight = e.cast(block.load(e.address(w, k * count, float64), float64), self.wide)
                    total.value = total.value + e.select(there, e.cast(found, self.wide) * weight, 0.0)
                block.store(total.value * e.cast(block.load(s, float64), self.wide), target, kind)


@lru_cache(16)
def native(storage: np.dtype, long: bool, last: bool) -> Native | None:
    """Return the compiled sums, None if they cannot be written."""
    kind = kind_of(storage)
    try:
        return Native(TapSums(kind, float64 if long else kind, last).e, "taps")
    except UNWRITABLE:
        return None


def summed(
    x: np.ndarray, axis: int, places: np.ndarray, weights: np.ndarray, scales: np.ndarray, counts: np.ndarray
) -> np.ndarray | None:
    """Return the sums along an axis of x; `places` and `weights` are (taps, outputs). None where NumPy has to do it."""
    outer, inner = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    most, count = places.shape
    code = native(x.dtype, most > LONG, inner == 1) if x.dtype.name in KNOWN and x.size and count else None
    if code is None:
        return None
    y = np.empty((*x.shape[:axis], count, *x.shape[axis + 1 :]), x.dtype)
    lines = outer if inner == 1 else outer * count
    table = code.table(y.size, lines, count, most, x.shape[axis], inner, y.size)
    return y if code((np.ascontiguousarray(x), y, places, weights, scales, counts), table) else None
