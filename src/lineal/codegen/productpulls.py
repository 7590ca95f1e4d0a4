"""The derivative of running products, x̄ᵢ = (Σ ȳₖ yₖ, k ≥ i) / xᵢ, in two passes over rows or columns of numbers.

The first finds the product T of all; the second, from the end, the products S from each number on, hence yₖ = T xₖ / Sₖ, and
the sums of ȳₖ yₖ. All is kept in float64. Where a number is 0, or T, S or y leave its range, nothing is given: then the
recurrence is taken, which needs no division.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from lineal.codegen.blocks import Block
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, float64, int64, kind_of
from lineal.codegen.native import UNWRITABLE, Native, entered
from lineal.codegen.parallel import WORTH_THREADS, shared
from lineal.codegen.scans import LANES, law, step
from lineal.codegen.values import Value, Variable

__all__ = ["pulled"]

LEAST = float(np.finfo(np.float64).tiny)
COLUMNS = 8
"""How many columns run side by side."""


class ProductPull:
    """The code of the derivative, of x and ȳ, for numbers of a kind that lie in rows or in columns."""

    def __init__(self, kind: Kind, rows: bool):
        self.kind = kind
        self.e = e = Emitter()
        with entered(e, "pull", 4) as (given, table):
            count, size = e.load(table, int64), e.load(table, int64, 4)
            work = self.rows if rows else self.columns
            shared(e, "pull", count, [*given, table], work, grain=1, worth=size >= WORTH_THREADS)

    def start(self, number: float, lanes: int) -> Variable:
        return self.e.variable(self.e.const(number, float64, lanes))

    def wide(self, value: Value) -> Value:
        return self.e.cast(value, float64)

    def outside(self, *numbers: Value) -> Value:
        """Return 1 where a number is 0, infinite, NaN or too small, else 0."""
        e, inside = self.e, None
        for each in map(e.math.abs, numbers):
            fits = (each >= LEAST) & (each < math.inf)
            inside = fits if inside is None else inside & fits
        assert inside is not None
        return e.select(inside, e.const(0.0, float64, numbers[0].lanes), 1.0)

    def rows(self, first: Value, last: Value, x: Value, g: Value, y: Value, failed: Value, table: Value) -> None:
        """Write the loop over the rows range(first, last)."""
        e, kind = self.e, self.kind
        n = e.load(table, int64, 1)
        with e.loop(last, first) as row:
            factors, slopes, results = (e.address(each, row * n, kind) for each in (x, g, y))
            product = self.start(1.0, LANES)
            for block in e.blocks(n, LANES, carried=[product]):
                product.value = product.value * block.keep(self.wide(block.load(factors, kind)), 1.0)
            total = e.splat(e.reduce(product.value, lambda a, b: a * b), LANES)
            ends = [e.address(each, n - 1, kind) for each in (factors, slopes, results)]
            so_far, sums, wrong = self.start(1.0, 1), self.start(0.0, 1), self.start(0.0, LANES)
            so_far.value, sums.value = (e.splat(each.value, LANES) for each in (so_far, sums))
            for block in e.blocks(n, LANES, carried=[so_far, sums, wrong]):
                self.row(block, total, ends, (so_far, sums, wrong))
            found = e.reduce(wrong.value, e.math.maximum)
            with e.when(found != 0):
                e.store(e.const(1, int64), failed)

    def row(self, block: Block, total: Value, ends: list[Value], known: tuple[Variable, Variable, Variable]) -> None:
        """Write a block of the second pass."""
        e = self.e
        so_far, sums, wrong = known
        x, g = (self.wide(self.turned(block, end)) for end in ends[:2])
        (rest,) = step(e, block, (x,), [so_far], law(e, "multiply", float64))
        before = total / rest
        wrong.value = e.math.maximum(wrong.value, block.keep(self.outside(rest, before, total), 0.0))
        (whole,) = step(e, block, (g * (before * x),), [sums], law(e, "add", float64))
        self.put(block, whole / x, ends[2])

    def turned(self, block: Block, end: Value) -> Value:
        """Return the numbers of a block, from the last one on."""
        e = self.e
        if block.mask is not None:
            return block.load(end, self.kind, -1)
        return e.shuffle(e.load(self.lowest(block, end), self.kind, 0, LANES), list(range(LANES))[::-1])

    def put(self, block: Block, value: Value, end: Value) -> None:
        """Write the results of a block."""
        if block.mask is not None:
            block.store(value, end, self.kind, -1)
            return
        self.e.store(self.e.shuffle(value, list(range(LANES))[::-1]), self.lowest(block, end), kind=self.kind)

    def lowest(self, block: Block, end: Value) -> Value:
        """Return where the last number of a whole block lies, the first in memory."""
        return self.e.address(end, -block.index - (LANES - 1), self.kind)

    def columns(self, first: Value, last: Value, x: Value, g: Value, y: Value, failed: Value, table: Value) -> None:
        """Write the loop over the strips of columns range(first, last)."""
        e = self.e
        n, inner, strips = (e.load(table, int64, place) for place in (1, 2, 3))
        with e.loop(last, first) as strip:
            outer = e.math.floor_divide(strip, strips)
            column = (strip - outer * strips) * COLUMNS
            mask = e.first_lanes(inner - column, COLUMNS)
            bases = [e.address(each, outer * (n * inner) + column, self.kind) for each in (x, g, y)]
            product = self.start(1.0, COLUMNS)
            with e.loop(n, carried=[product]) as row:
                product.value = product.value * self.line(bases[0], row * inner, mask)
            rest, sums, wrong = self.start(1.0, COLUMNS), self.start(0.0, COLUMNS), self.start(0.0, COLUMNS)
            with e.loop(n, carried=[rest, sums, wrong]) as back:
                at = (n - 1 - back) * inner
                factor = self.line(bases[0], at, mask)
                rest.value = rest.value * factor
                before = product.value / rest.value
                wrong.value = e.math.maximum(wrong.value, self.outside(rest.value, before, product.value))
                sums.value = sums.value + self.line(bases[1], at, mask) * (before * factor)
                e.store(sums.value / factor, bases[2], at, kind=self.kind, mask=mask)
            with e.when(e.reduce(wrong.value, e.math.maximum) != 0):
                e.store(e.const(1, int64), failed)

    def line(self, base: Value, at: Value, mask: Value) -> Value:
        """Return a row's numbers in some columns; 1 where there are none."""
        e = self.e
        return e.select(mask, self.wide(e.load(base, self.kind, at, COLUMNS, mask=mask)), 1.0)


@lru_cache(16)
def native(storage: np.dtype, rows: bool) -> Native | None:
    """Return the compiled derivative, None if it cannot be written."""
    try:
        return Native(ProductPull(kind_of(storage), rows).e, "pull")
    except UNWRITABLE:
        return None


def pulled(x: np.ndarray, g: np.ndarray, axis: int) -> np.ndarray | None:
    """Return x̄ of the products of x up to each element along an axis, ȳ being g; None where it is to be found otherwise."""
    outer, n, inner = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    code = native(x.dtype, inner == 1) if x.size and x.dtype == g.dtype and x.dtype.kind in "fV" else None
    if code is None:
        return None
    x, g, y, failed = np.ascontiguousarray(x), np.ascontiguousarray(g), np.empty(x.shape, x.dtype), np.zeros(1, np.int64)
    strips = -(-inner // COLUMNS)
    table = code.table(x.size, outer if inner == 1 else outer * strips, n, inner, strips, x.size)
    return y if code((x, g, y, failed), table) and not failed[0] else None
