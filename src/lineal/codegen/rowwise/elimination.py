"""Gaussian elimination with partial pivoting, and all that it tells of a matrix: solutions, determinant, condition."""

from __future__ import annotations

from functools import cache

import numpy as np

from lineal.codegen.engine import engine
from lineal.codegen.kinds import int32, int64
from lineal.codegen.rowwise.kernel import Kernel, Task, parts_of
from lineal.codegen.rowwise.rows import (
    TILE,
    Index,
    Parts,
    Rows,
    divisor,
    largest,
    product,
    size,
    spread,
    subtract,
    summed,
    tiles,
)
from lineal.codegen.values import Value

__all__ = ["FINDINGS", "memory_of", "solver"]

FINDINGS = 7
"""How many numbers the kernel says of each matrix."""
SPARE = TILE
"""Rows of zeros below a matrix: columns are read some numbers at a time."""


def memory_of(dtype: np.dtype, n: int, columns: int) -> tuple[int, int, int]:
    """Return how many vectors a row of A takes, and a row of [A B]; and how many bytes a thread needs for all."""
    real, parts = parts_of(dtype)
    lanes = max(engine().target.lanes(real), 2)
    left = -(-n * parts // lanes)
    chunks = left + -(-columns * parts // lanes)
    return left, chunks, real.itemsize * (spread(chunks) * lanes * (n + SPARE + 2) + parts * (n + 2 * SPARE))


class Elimination:
    """[A B] to [U L⁻¹PB] in place; `info` becomes 0 or the place, from 1, of the first pivot of zero, `det` that of A."""

    def __init__(self, M: Rows, n: Value, chunks: Value, multipliers: Value):
        e = M.e
        self.M = M
        self.n = n
        self.chunks = chunks
        self.multipliers = [e.address(multipliers, (n + 2 * SPARE) * part, M.kind) for part in range(M.parts)]
        self.info = e.variable(e.const(0, int64))
        self.det = [e.variable(e.const(1.0 - part, M.kind)) for part in range(M.parts)]

    def run(self) -> None:
        """Write all steps."""
        e, M = self.M.e, self.M
        with e.loop(self.n, carried=[self.info, *self.det]) as k:
            row, first = self.pivot_row(k), self.chunk_of(k)
            with e.when(row != k):
                M.exchange(k, row, first, self.chunks)
            pivot = M.number(k, k)
            self.note(k, row, pivot)
            self.divide_column(k, pivot)
            after = self.chunk_of(k + 1)
            subtract(M, (k + 1, self.n), self.multiple, lambda c: M.vector(k, c), lambda _: (after, self.chunks))

    def chunk_of(self, j: Value) -> Value:
        """Return which vector of a row column j lies in."""
        return self.M.e.math.floor_divide(j * self.M.parts, self.M.lanes)

    def pivot_row(self, k: Value) -> Value:
        """Return the row, from k on, with the largest number in column k, or NaN; that of several with the least number."""
        e, M = self.M.e, self.M
        whole = int64 if M.kind.bits == 64 else int32
        here = e.variable(e.splat(e.cast(k, whole), TILE) + e.iota(whole, TILE))
        top, place = e.variable(e.const(-1, whole, TILE)), e.variable(here.value)
        with e.loop(self.n, k, TILE, carried=[top, place, here]) as i:
            # the bits of numbers without a sign are in the order of these, and NaN, which is to spread, is above infinity
            found = e.bitcast(abs(size(M.column(i, k))), whole)
            larger = found > top.value
            top.value, place.value = e.select(larger, found, top.value), e.select(larger, here.value, place.value)
            here.value = here.value + TILE
        best, row = e.extract(top.value, 0), e.extract(place.value, 0)
        for lane in range(1, TILE):
            other, at = e.extract(top.value, lane), e.extract(place.value, lane)
            better = (other > best) | ((other == best) & (at < row))
            best, row = e.select(better, other, best), e.select(better, at, row)
        return e.cast(row, int64)

    def note(self, k: Value, row: Value, pivot: Parts) -> None:
        """Carry on info and determinant."""
        e = self.M.e
        self.info.value = e.select((size(pivot) == 0.0) & (self.info.value == 0), k + 1, self.info.value)
        found = product(tuple([each.value for each in self.det]), pivot)
        for state, each in zip(self.det, found):
            state.value = e.select(row == k, each, -each)

    def divide_column(self, k: Value, pivot: Parts) -> None:
        """Write the multipliers of the rows below k."""
        e, M = self.M.e, self.M
        zero = size(pivot) == 0.0
        pivot = tuple([e.select(zero, e.const(1.0 - part, M.kind), each) for part, each in enumerate(pivot)])
        factor, last = divisor(e, pivot)
        factor, last = tuple([e.splat(each, TILE) for each in factor]), e.splat(last, TILE)
        with e.loop(self.n, k + 1, TILE) as i:
            found = M.column(i, k) if M.parts == 1 else product(M.column(i, k), factor)
            for at, each in zip(self.multipliers, found):
                e.store(each / last, at, i)

    def multiple(self, i: Value) -> Parts:
        """Return the multiplier of a row."""
        return tuple([self.M.e.load(at, self.M.kind, i) for at in self.multipliers])

    def substitute(self, first: Index) -> None:
        """Solve U X = Y in place of Y, which lies from one vector of the rows on."""
        e, M, n = self.M.e, self.M, self.n
        with e.loop(n) as step:
            i = n - 1 - step
            factor, last = divisor(e, M.number(i, i))
            with e.loop(self.chunks, first) as c:
                x, turned = M.both(M.vector(i, c))
                M.put_vector(i, c, (x if turned is None else M.times(x, turned, factor)) / e.splat(last, M.lanes))
            subtract(M, (0, i), lambda row: M.number(row, i), lambda c: M.vector(i, c), lambda _: (first, self.chunks))


@cache
def solver(dtype: np.dtype) -> Kernel:
    """Return the kernel solve(A, B, X, info, findings).

    Its sizes are n, columns, those of X, how many numbers lie from B to B, how many vectors a row of A takes, and a row of
    [A B], and whether A W - V is wanted.

    A is n × n, B n × columns, X the first columns of A⁻¹ B; the others, W with A W = V, are probes. What is found: the parts of
    the determinant, the squares of the Frobenius norms of A and W, the least and the greatest of the largest numbers in X's
    columns, and the largest number of A W - V. Of complex numbers, parts are compared.
    """
    kind, parts = parts_of(dtype)

    def write(task: Task) -> None:
        e, (n, columns, kept, step, left, chunks, checked) = task.e, task.sizes
        M = Rows(e, kind, parts, task.memory, spread(chunks) * e.lanes(kind))
        A, B = task.of(0, n * n * parts, kind), task.of(1, step * parts, kind)
        sides = Sides(M, n, columns, kept, left, chunks)
        norm = sides.load(A, B)
        steps = Elimination(M, n, chunks, e.address(task.memory, M.length * (n + SPARE + 2), kind))
        steps.run()
        steps.substitute(left)
        with e.loop(n) as i:
            M.copy_out(i, left, e.address(task.of(2, n * kept * parts, kind), i * kept * parts, kind), kept)
        e.store(e.cast(steps.info.value, int32), task.bases[3], task.matrix)
        error, numbers = e.variable(e.const(0.0, kind)), [each.value for each in steps.det]
        with e.when(checked != 0, carried=[error]):
            error.value = sides.residual(A, B)
        found = [*numbers, *[e.const(0.0, kind)] * (2 - parts), norm, *sides.sums(), error.value]
        for place, each in enumerate(found):
            e.store(each, task.of(4, FINDINGS, kind), place)

    return Kernel(5, 7, write)


class Sides:
    """The right-hand sides beside A: the first `kept` columns are systems to be solved, the others probes.

    They begin with vector `left` of the rows, which have `chunks`.
    """

    def __init__(self, M: Rows, n: Value, columns: Value, kept: Value, left: Value, chunks: Value):
        self.M = M
        self.n = n
        self.columns = columns
        self.kept = kept
        self.left = left
        self.chunks = chunks

    def load(self, A: Value, B: Value) -> Value:
        """Copy A and B to the rows, zeros below; return the sum of squares of A."""
        e, M, n = self.M.e, self.M, self.n
        squares = e.variable(e.const(0.0, M.kind, M.lanes))
        with e.loop(n, carried=[squares]) as i:
            M.fill(i, e.const(0, int64), self.left, e.address(A, i * n * M.parts, M.kind), n, squares)
            M.fill(i, self.left, self.chunks, e.address(B, i * self.columns * M.parts, M.kind), self.columns)
        with e.loop(n + SPARE, n) as i, e.loop(self.left) as c:
            M.put_vector(i, c, e.const(0.0, M.kind, M.lanes))
        return summed(e, squares.value)

    def sums(self) -> list[Value]:
        """Return the sum of the probes' squares, and the least and greatest of the largest numbers of the solutions."""
        e, M, below = self.M.e, self.M, self.n + SPARE
        with e.loop(self.chunks, self.left) as c:
            top, squares = (e.variable(e.const(0.0, M.kind, M.lanes)) for _ in range(2))
            with e.loop(self.n, carried=[top, squares]) as i:
                x = M.vector(i, c)
                top.value, squares.value = e.math.maximum(top.value, abs(x)), squares.value + x * x
            M.put_vector(below, c, top.value)
            M.put_vector(below + 1, c, squares.value)
        first = self.left * (M.lanes // M.parts)
        total, least, greatest = (e.variable(e.const(x, M.kind)) for x in (0.0, float("inf"), 0.0))
        with e.loop(self.kept, carried=[least, greatest]) as j:
            top = largest(e, M.number(below, first + j))
            least.value, greatest.value = e.math.minimum(least.value, top), e.math.maximum(greatest.value, top)
        with e.loop(self.columns, self.kept, carried=[total]) as j:
            for each in M.number(below + 1, first + j):
                total.value = total.value + each
        return [total.value, least.value, greatest.value]

    def residual(self, A: Value, B: Value) -> Value:
        """Return the largest number of A W - V, the parts of complex ones apart."""
        e, M, n, width = self.M.e, self.M, self.n, self.columns * self.M.parts
        given = Rows(e, M.kind, M.parts, A, n * M.parts)
        worst, begin = e.variable(e.const(0.0, M.kind, M.lanes)), self.kept * M.parts
        with e.loop(self.chunks - self.left, e.math.floor_divide(begin, M.lanes), carried=[worst]) as c:
            start = c * M.lanes
            place = e.splat(start, M.lanes) + e.iota(int64, M.lanes)
            there = e.first_lanes(width - start, M.lanes)
            for at, count in tiles(e, 0, n, [worst]):
                sums = [e.variable(e.load(B, M.kind, (at + r) * width + start, M.lanes, mask=there)) for r in range(count)]
                with e.loop(n, carried=sums) as k:
                    y, turned = M.both(M.vector(k, self.left + c))
                    for r, each in enumerate(sums):
                        each.value = M.less(each.value, y, turned, given.number(at + r, k))
                for each in sums:
                    worst.value = e.math.maximum(worst.value, e.select(place >= begin, abs(each.value), 0.0))
        return e.reduce(worst.value, e.math.maximum)
