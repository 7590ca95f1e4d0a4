"""Conjugate gradients as one native loop: no step goes through Python.

A step is three passes. The first makes q = A p and pᵀ q, the second r = r − α q with rᵀ r and, where there is a diagonal d as
preconditioner, rᵀ d r; the third x = x + α p and p = d r + β p. Sums are float64, of the same pieces for any number of threads.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import float64, int64
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import shared
from lineal.codegen.sparse.lines import refuse
from lineal.codegen.sparse.rows import Cuts, Form, Rows, cut, one_piece
from lineal.codegen.values import Value

__all__ = ["INDEFINITE", "RUNNING", "Course", "course"]

RHO, SCALE, TOLERANCE, TAKEN, STATUS = range(5)
"""What the state says: rᵀ d r, by what residuals are multiplied, how small they are to be, the steps so far, and how it is."""
RUNNING, DONE, *INDEFINITE = range(4)
"""Values of the status: the last two say that A, or d, is not positive definite."""
VECTORS = 8
"""x, r, p, q, d, the sums of pieces, the norms of residuals, and the state."""


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

    def step(self, step: Value, matrix: list[Value], vectors: list[Value], cuts: Cuts) -> None:
        """Write one step, or what it finds that ends the loop."""
        e = self.e
        x, r, p, q, d, sums, _, state = vectors
        captured = [*matrix, p, q, sums, cuts.units, cuts.share]
        shared(e, "curvature", cuts.pieces, captured, self.curvature, grain=1, pieces=16, worth=cuts.worth != 0)
        curvature, rho = one_piece(e, sums, cuts.pieces), e.load(state, float64, RHO)
        with e.if_else(curvature > 0) as (positive, otherwise):
            with positive:
                alpha = rho / curvature
                captured = [r, q, d, sums, alpha, cuts.length, cuts.width, cuts.pieces]
                shared(e, "residual", cuts.pieces, captured, self.residual, grain=1, pieces=16, worth=cuts.worth != 0)
                beta = self.judged(step, vectors, cuts.pieces) / rho
                captured = [x, r, p, d, alpha * e.load(state, float64, SCALE), beta, cuts.length, cuts.width]
                shared(e, "direction", cuts.pieces, captured, self.direction, grain=1, pieces=16, worth=cuts.worth != 0)
            with otherwise:
                e.store(e.const(INDEFINITE[0], float64), state, STATUS)

    def judged(self, step: Value, vectors: list[Value], pieces: Value) -> Value:
        """Write down the norm of the residual, and whether it is small enough; return the new rᵀ d r."""
        e, (*_, sums, residuals, state) = self.e, vectors
        square = one_piece(e, sums, pieces)
        rho = one_piece(e, e.address(sums, pieces, float64), pieces) if self.scaled else square
        norm = e.math.sqrt(square) * e.load(state, float64, SCALE)
        e.store(norm, residuals, step)
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


@lru_cache(64)
def native(form: Form, scaled: bool) -> Native:
    """Return the compiled loop."""
    return Native(ConjugateGradients(form, scaled).e, "conjugate")


class Course(NamedTuple):
    """Where the loop stands: its vectors, and its state."""

    rows: Rows
    x: np.ndarray
    r: np.ndarray
    p: np.ndarray
    q: np.ndarray
    d: np.ndarray | None
    state: np.ndarray

    @property
    def status(self) -> int:
        """Whether it is running, done, or why there is no next step."""
        return int(self.state[STATUS])

    def taken(self, steps: int) -> np.ndarray:
        """Take so many steps or fewer; return the norms of the residuals after them."""
        rows, table = self.rows, self.rows.table
        sums, residuals = np.empty(2 * Cuts(*table[len(rows.numbers) :]).pieces), np.empty(steps)
        self.state[TAKEN] = 0
        code = native(rows.form, self.d is not None)
        vectors = self.x, self.r, self.p, self.q, self.r if self.d is None else self.d, sums, residuals, self.state
        code((*rows.arrays, *vectors), code.table(rows.work, *table, steps))
        refuse(rows.failed, "cg")
        return residuals[: int(self.state[TAKEN])]


def course(rows: Rows, x: np.ndarray, r: np.ndarray, d: np.ndarray | None, scale: float, tolerance: float) -> Course:
    """Return a loop that begins at x, to which it adds, with the residual scale · r, until its norm is small enough.

    With a diagonal d as preconditioner; x, r and d are vectors of the matrix's numbers in C order, and x and r are written to.
    """
    p = r.copy() if d is None else d * r
    rho = float(np.dot(r.astype(np.float64, copy=False), p.astype(np.float64, copy=False)))
    state = np.array([rho, scale, tolerance, 0, RUNNING if rho > 0 else INDEFINITE[1]], np.float64)
    return Course(rows, x, r, p, np.empty_like(r), d, state)
