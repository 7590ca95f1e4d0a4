"""Running sums and products of large arrays, over all threads; what has been added up so far is kept in float64.

An array is (outer, n, inner), and runs along n. Along a row (inner = 1) a vector is scanned in registers, so that only one
addition in `LANES` waits for the one before; columns run side by side in vectors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from lineal.codegen.blocks import Block
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import FLOATS, Kind, float64, int64, kind_of
from lineal.codegen.native import UNWRITABLE, Native, entered
from lineal.codegen.parallel import shared
from lineal.codegen.values import Value, Variable

__all__ = ["LANES", "scanned", "step"]

LANES = 8
"""How many numbers of a row are scanned in registers."""
WIDTH, SIDE = 32, 4
"""How many columns run side by side, and in how many vectors."""
SCANS: dict[str, float] = {"add": 0.0, "multiply": 1.0}
"""What each scan begins with."""


def step(
    e: Emitter, block: Block, value: Value, so_far: Variable, combine: Callable[[Value, Value], Value], start: float
) -> Value:
    """Return the scan of a block of `LANES` numbers after what is so far, in each lane, in float64; neighbours come first."""
    nothing = e.const(start, float64, LANES)
    value, count = block.keep(e.cast(value, float64), nothing), 1
    while count < LANES:
        order = [LANES] * count + list(range(LANES - count))
        value = combine(e.shuffle(value, order, nothing), value)
        count *= 2
    made = combine(so_far.value, value)
    so_far.value = combine(so_far.value, e.shuffle(value, [LANES - 1] * LANES))
    return made


class Scan:
    """The code of the scans of arrays of one kind, along rows or down columns."""

    def __init__(self, name: str, kind: Kind, rows: bool):
        self.kind, self.start = kind, SCANS[name]
        self.e = e = Emitter()
        self.combine = e.add if name == "add" else e.multiply
        with entered(e, "scan", 2) as (given, table):
            work = self.rows if rows else self.columns
            shared(e, "scan", e.load(table, int64), [*given, table], work, grain=1)

    def rows(self, first: Value, last: Value, x: Value, y: Value, table: Value) -> None:
        """Write the loop over the rows range(first, last)."""
        e, kind = self.e, self.kind
        n = e.load(table, int64, 1)
        with e.loop(last, first) as row:
            source, target = (e.address(each, row * n, kind) for each in (x, y))
            so_far = e.variable(e.const(self.start, float64, LANES))
            for block in e.blocks(n, LANES, carried=[so_far]):
                block.store(step(e, block, block.load(source, kind), so_far, self.combine, self.start), target, kind)

    def columns(self, first: Value, last: Value, x: Value, y: Value, table: Value) -> None:
        """Write the loop over the strips of columns range(first, last)."""
        e, kind = self.e, self.kind
        n, inner, strips = (e.load(table, int64, place) for place in (1, 2, 3))
        lanes = WIDTH // SIDE
        with e.loop(last, first) as strip:
            outer = e.math.floor_divide(strip, strips)
            begin = (strip - outer * strips) * WIDTH
            end = e.math.minimum(begin + WIDTH, inner)
            source, target = (e.address(each, outer * (n * inner), kind) for each in (x, y))
            with e.if_else(end - begin == WIDTH) as (then, otherwise):
                with then:
                    self.strip(n, inner, [begin + lanes * side for side in range(SIDE)], lanes, source, target)
                with otherwise, e.loop(end, begin) as column:
                    self.strip(n, inner, [column], 1, source, target)

    def strip(self, n: Value, inner: Value, places: list[Value], lanes: int, source: Value, target: Value) -> None:
        """Write the scan down some columns, a vector of them at each of the places."""
        e, kind = self.e, self.kind
        so_far = [e.variable(e.const(self.start, float64, lanes)) for _ in places]
        with e.loop(n, carried=so_far) as row:
            for place, total in zip(places, so_far):
                at = row * inner + place
                total.value = self.combine(total.value, e.cast(e.load(source, kind, at, lanes), float64))
                e.store(total.value, target, at, kind=kind)


@lru_cache(64)
def scan(name: str, storage: np.dtype, rows: bool) -> Native | None:
    """Return the compiled scan, or None if it cannot be written."""
    try:
        return Native(Scan(name, kind_of(storage), rows).e, "scan")
    except UNWRITABLE:
        return None


def scanned(ufunc: Any, x: np.ndarray, axis: int) -> np.ndarray | None:
    """Return the running results of a ufunc along an axis of x, rounded once each; None where NumPy has to."""
    if x.dtype.name not in FLOATS or ufunc.__name__ not in SCANS or not x.flags.c_contiguous or not x.flags.aligned:
        return None
    outer, n, inner = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    native = scan(ufunc.__name__, x.dtype, inner == 1)
    if native is None:
        return None
    y = np.empty(x.shape, x.dtype)
    strips = -(-inner // WIDTH)
    native((x, y), native.table(x.size, outer if inner == 1 else outer * strips, n, inner, strips))
    return y
