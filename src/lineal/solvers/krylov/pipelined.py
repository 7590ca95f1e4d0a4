"""Pipelined conjugate gradients: one reduction a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineal import ops
from lineal.solvers.krylov.conjugate import positive
from lineal.solvers.methods import Method, Step, System

__all__ = ["PipelinedConjugateGradient"]


@dataclass(frozen=True)
class PipelinedConjugateGradient(Method):
    """The method of Ghysels and Vanroose, Parallel Computing 40 (2014), algorithm 4: the iterates of conjugate gradients.

    rᴴu, wᴴu and ‖r‖ are one reduction, of vectors that are there before the product of the step is. The recurrences that take
    the place of products lose digits sooner, so every `replacement` steps the vectors are computed anew from x and p, as Cools
    and others, SIAM J. Matrix Anal. Appl. 39 (2018), do.
    """

    replacement: int = 50
    name = "pipelined CG"
    needs = "positive definite"
    scale_invariant = True

    def __post_init__(self) -> None:
        if self.replacement < 1:
            raise ValueError(f"pipelined_cg: expected replacement of at least 1, got {self.replacement}")

    def steps(self, system: System) -> Iterator[Step]:
        A, M = system.A.product, system.preconditioned
        x, r = system.x, system.residual()
        u = M(r)
        w = A(u)
        p = s = q = z = ops.zeros_like(r)
        gamma_old = alpha = 0.0
        for count in range(1, 2**63):
            gamma, delta, square = (float(each.real) for each in system.space.dots([(r, u), (w, u), (r, r)]))
            yield Step(square**0.5, x)
            positive(gamma, "the preconditioner M")
            m = M(w)
            n = A(m)
            beta = gamma / gamma_old if gamma_old else 0.0
            curvature = delta - beta * gamma / alpha if beta else delta
            alpha, gamma_old = gamma / positive(curvature, "A"), gamma
            p, s, q, z = u + beta * p, w + beta * s, m + beta * q, n + beta * z
            x, r, u, w = x + alpha * p, r - alpha * s, u - alpha * q, w - alpha * z
            if count % self.replacement == 0:
                r = system._replace(x=x).residual()
                u, s = M(r), A(p)
                w, q = A(u), M(s)
                z = A(q)
