"""Conjugate gradients as one native loop: no step goes through Python, unless a preconditioner does.

A step is three passes. The first makes q = A p and pᵀ q, the second r = r − α q with rᵀ r and, where there is a diagonal d as
preconditioner, rᵀ d r; the third x = x + α p and p = d r + β p. Where z = M r is given, a step begins by rᵀ z and p. Sums are
float64, of the same pieces for any number of threads.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import float64, int64
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import Body, shared
from lineal.codegen.sparse.lines import refuse
from lineal.codegen.sparse.rows import Cuts, Form, Rows, cut, one_piece
from lineal.codegen.values import Value

__all__ = ["INDEFINITE", "RUNNING", "Course", "course"]

RHO, SCALE, TOLERANCE, TAKEN, STATUS = range(5)
"""What the state says: rᵀ d r, by what residuals are multiplied, how small they are to be, the steps so far, and how it is."""
RUNNING, DONE, *INDEFINITE = range(4)
"""Values of the status: the last two say that A, or d, is not positive definite."""
VECTORS = 8
"""x, r, p, q, d, the sums of pieces, the course, and the state."""
NORM, ALPHA, BEFORE, NOTED = range(4)
"""What the course says of each step: the norm of the residual after it, its α, rᵀ d r before it; and how many that are."""


class ConjugateGradients:
    """Writes the code; its arrays are the matrix's, then the vectors, its numbers the matrix's, `Cuts` and the steps."""

    def __init__(self, form: Form, scaled: bool):
        self.e = e = Emitter()
        self.form, self.scaled, self.writer = form, scaled, form.writer(e)
        with entered(e, "conjugate", form.arrays + VECTORS) as (given, table):
            numbers = [e.load(table, int64, n) for n in range(form.numbers + len(Cuts._fields))]
            cuts, steps = Cuts(*numbers[form.numbers :]), e.load(table, int64, len(numbers))
            matrix, vectors = [*given[: form.arrays], *numbers[: form.numbers]], given[form.arrays :]
            with e.loop(steps) as step, e.when(e.load(vectors[-1], float64, STATUS) == RUNNING):
                self.step(step, matrix, vectors, cuts)

    def over(self, name: str, body: Body, cuts: Cuts, captured: list[Value]) -> None:
        """Write a pass, of which threads take piece after piece."""
        shared(self.e, name, cuts.pieces, captured, body, grain=1, pieces=16, worth=cuts.worth != 0)

    def step(self, step: Value, matrix: list[Value], vectors: list[Value], cuts: Cuts) -> None:
        """Write one step, or what it finds that ends the loop."""
        e = self.e
        x, r, p, q, d, sums, noted, state = vectors
        captured = [*matrix, p, q, sums, cuts.units, cuts.share]
        self.over("curvature", self.curvature, cuts, captured)
        curvature, rho = one_piece(e, sums, cuts.pieces), e.load(state, float64, RHO)
        with e.if_else(curvature > 0) as (positive, otherwise):
            with positive:
                alpha = rho / curvature
                self.note(noted, step, {ALPHA: alpha, BEFORE: rho})
                captured = [r, q, d, sums, alpha, cuts.length, cuts.width, cuts.pieces]
                self.over("residual", self.residual, cuts, captured)
                beta = self.judged(step, vectors, cuts.pieces) / rho
                captured = [x, r, p, d, alpha * e.load(state, float64, SCALE), beta, cuts.length, cuts.width]
                self.over("direction", self.direction, cuts, captured)
            with otherwise:
                e.store(e.const(INDEFINITE[0], float64), state, STATUS)

    def note(self, noted: Value, step: Value, numbers: dict[int, Value]) -> None:
        """Write numbers of a step into the course."""
        for place, number in numbers.items():
            self.e.store(number, noted, step * NOTED + place)

    def judged(self, step: Value, vectors: list[Value], pieces: Value) -> Value:
        """Write down the norm of the residual, and whether it is small enough; return the new rᵀ d r."""
        e, (*_, sums, noted, state) = self.e, vectors
        square = one_piece(e, sums, pieces)
        rho = one_piece(e, e.address(sums, pieces, float64), pieces) if self.scaled else square
        norm = e.math.sqrt(square) * e.load(state, float64, SCALE)
        self.note(noted, step, {NORM: norm})
        e.store(rho, state, RHO)
        e.store(e.cast(step + 1, float64), state, TAKEN)
        # not a number is none to go on with
        with e.when(~(norm > e.load(state, float64, TOLERANCE)) | ~(norm < np.inf)):
            e.store(e.const(DONE, float64), state, STATUS)
        with e.when((e.load(state, float64, STATUS) == RUNNING) & ~(rho > 0)):
            e.store(e.const(INDEFINITE[1], float64), state, STATUS)
        return rho

    def curvature(self, start: Value, stop: Value, *given: Value) -> None:
        """Write q = A p and the sums of p q."""
        e, writer = self.e, self.writer
        *matrix, p, q, sums, units, share = given
        with cut(e, start, stop, units, share) as (piece, first, last):
            total = e.variable(e.const(0, writer.wide, writer.lanes))

            def finish(block, s):
                block.store(s, q, writer.kind)
                total.value = total.value + block.keep(s * writer.read(block, p), 0.0)

            writer.write(first, last, matrix, p, finish, [total])
            e.store(e.reduce(total.value, e.add), sums, piece)

    def residual(self, start: Value, stop: Value, *given: Value) -> None:
        """Write r = r − α q, and the sums of r r and r d r."""
        e, kind = self.e, self.writer.kind
        r, q, d, sums, alpha, length, width, pieces = given
        with cut(e, start, stop, length, width) as (piece, first, last):
            totals = [e.variable(e.const(0, float64, e.lanes(float64))) for _ in range(1 + self.scaled)]
            for block in e.blocks(last, float64, first, carried=totals):
                new = block.load(r, kind) - e.cast(e.splat(alpha, block.lanes), kind) * block.load(q, kind)
                block.store(new, r)
                wide = block.keep(e.cast(new, float64), 0.0)
                totals[0].value = totals[0].value + wide * wide
                if self.scaled:
                    weight = block.keep(e.cast(block.load(d, kind), float64), 0.0)
                    totals[1].value = totals[1].value + wide * wide * weight
            for n, total in enumerate(totals):
                e.store(e.reduce(total.value, e.add), sums, piece + n * pieces)

    def direction(self, start: Value, stop: Value, *given: Value) -> None:
        """Write x = x + α p and p = d r + β p."""
        e, kind = self.e, self.writer.kind
        x, r, p, d, alpha, beta, length, width = given
        with cut(e, start, stop, length, width) as (_, first, last):
            for block in e.blocks(last, float64, first):
                step, along = (e.cast(e.splat(each, block.lanes), kind) for each in (alpha, beta))
                z, before = block.load(r, kind), block.load(p, kind)
                z = z * block.load(d, kind) if self.scaled else z
                block.store(block.load(x, kind) + step * before, x)
                block.store(z + along * before, p)


class PreconditionedStep(ConjugateGradients):
    """Writes the code where z = M r is given, before each step, in the place of d; at first p is zero, and RHO infinite."""

    def step(self, step: Value, matrix: list[Value], vectors: list[Value], cuts: Cuts) -> None:
        e = self.e
        _, r, p, q, z, sums, _, state = vectors
        numbers = [cuts.length, cuts.width]
        self.over("product", self.product, cuts, [r, z, sums, *numbers])
        rho = one_piece(e, sums, cuts.pieces)
        with e.if_else(rho > 0) as (positive, otherwise):
            with positive:
                beta = rho / e.load(state, float64, RHO)
                self.over("onward", self.onward, cuts, [p, z, beta, *numbers])
                captured = [*matrix, p, q, sums, cuts.units, cuts.share]
                self.over("curvature", self.curvature, cuts, captured)
                self.walk(step, rho, vectors, cuts)
            with otherwise:
                e.store(e.const(INDEFINITE[1], float64), state, STATUS)

    def walk(self, step: Value, rho: Value, vectors: list[Value], cuts: Cuts) -> None:
        """Write the step along p, if A curves upwards there."""
        e = self.e
        x, r, p, q, _, sums, noted, state = vectors
        curvature = one_piece(e, sums, cuts.pieces)
        with e.if_else(curvature > 0) as (positive, otherwise):
            with positive:
                alpha = rho / curvature
                self.note(noted, step, {ALPHA: alpha, BEFORE: rho})
                captured = [x, r, p, q, sums, alpha, alpha * e.load(state, float64, SCALE), cuts.length, cuts.width]
                self.over("advance", self.advance, cuts, captured)
                self.judged(step, vectors, cuts.pieces)
                e.store(rho, state, RHO)
            with otherwise:
                e.store(e.const(INDEFINITE[0], float64), state, STATUS)

    def product(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the sums of r z."""
        e, kind = self.e, self.writer.kind
        r, z, sums, length, width = given
        with cut(e, start, stop, length, width) as (piece, first, last):
            total = e.variable(e.const(0, float64, e.lanes(float64)))
            for block in e.blocks(last, float64, first, carried=[total]):
                factors = [e.cast(block.load(each, kind), float64) for each in (r, z)]
                total.value = total.value + block.keep(factors[0] * factors[1], 0.0)
            e.store(e.reduce(total.value, e.add), sums, piece)

    def onward(self, start: Value, stop: Value, *given: Value) -> None:
        """Write p = z + β p."""
        e, kind = self.e, self.writer.kind
        p, z, beta, length, width = given
        with cut(e, start, stop, length, width) as (_, first, last):
            for block in e.blocks(last, float64, first):
                along = e.cast(e.splat(beta, block.lanes), kind)
                block.store(block.load(z, kind) + along * block.load(p, kind), p)

    def advance(self, start: Value, stop: Value, *given: Value) -> None:
        """Write x = x + α p and r = r − α q, and the sums of r r."""
        e, kind = self.e, self.writer.kind
        x, r, p, q, sums, alpha, step, length, width = given
        with cut(e, start, stop, length, width) as (piece, first, last):
            total = e.variable(e.const(0, float64, e.lanes(float64)))
            for block in e.blocks(last, float64, first, carried=[total]):
                lesser, longer = (e.cast(e.splat(each, block.lanes), kind) for each in (alpha, step))
                block.store(block.load(x, kind) + longer * block.load(p, kind), x)
                new = block.load(r, kind) - lesser * block.load(q, kind)
                block.store(new, r)
                wide = block.keep(e.cast(new, float64), 0.0)
                total.value = total.value + wide * wide
            e.store(e.reduce(total.value, e.add), sums, piece)


@lru_cache(64)
def native(form: Form, preconditioned: bool, scaled: bool) -> Native:
    """Return the compiled loop."""
    return Native((PreconditionedStep if preconditioned else ConjugateGradients)(form, scaled).e, "conjugate")


class Course(NamedTuple):
    """Where the loop stands: its vectors, of which z is M r or else d a diagonal, and its state."""

    rows: Rows
    x: np.ndarray
    r: np.ndarray
    p: np.ndarray
    q: np.ndarray
    z: np.ndarray | None
    d: np.ndarray | None
    state: np.ndarray

    @property
    def status(self) -> int:
        """Whether it is running, done, or why there is no next step."""
        return int(self.state[STATUS])

    @property
    def rho(self) -> float:
        """The product rᵀ d r, or rᵀ z if z has been made."""
        return (
            float(self.state[RHO]) if self.z is None else float(np.dot(*[each.astype(np.float64) for each in (self.r, self.z)]))
        )

    def taken(self, steps: int) -> np.ndarray:
        """Take so many steps or fewer, one if z has been made; return of each the residual's norm, α, and rᵀ d r before it."""
        rows, table = self.rows, self.rows.table
        sums, noted = np.empty(2 * Cuts(*table[len(rows.numbers) :]).pieces), np.empty((steps, NOTED))
        self.state[TAKEN] = 0
        code = native(rows.form, self.z is not None, self.d is not None)
        last = next(each for each in (self.z, self.d, self.r) if each is not None)
        code(
            (*rows.arrays, self.x, self.r, self.p, self.q, last, sums, noted, self.state), code.table(rows.work, *table, steps)
        )
        refuse(rows.failed, "cg")
        return noted[: int(self.state[TAKEN])]


def course(
    rows: Rows, x: np.ndarray, r: np.ndarray, d: np.ndarray | None, scale: float, tolerance: float, preconditioned: bool
) -> Course:
    """Return a loop that begins at x, to which it adds, with the residual scale · r, until its norm is small enough.

    With a diagonal d as preconditioner, or with another one, whose product with r is to be in z before each step. All vectors
    are of the matrix's numbers in C order; x and r are written to.
    """
    state = np.array([np.inf, scale, tolerance, 0, RUNNING], np.float64)
    if preconditioned:
        return Course(rows, x, r, np.zeros_like(r), np.empty_like(r), np.empty_like(r), None, state)
    p = r.copy() if d is None else d * r
    state[RHO] = np.dot(r.astype(np.float64, copy=False), p.astype(np.float64, copy=False))
    state[STATUS] = RUNNING if state[RHO] > 0 else INDEFINITE[1]
    return Course(rows, x, r, p, np.empty_like(r), None, d, state)
