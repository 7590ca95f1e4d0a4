"""Conjugate gradients for several right-hand sides, which share one Krylov space."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from lineal import ops
from lineal.base.limits import finfo
from lineal.ops.linalg.eigh import eigh
from lineal.ops.reductions.norms import vector_norm
from lineal.solvers.krylov.conjugate import positive
from lineal.solvers.methods import Method, Step, System, norm
from lineal.solvers.operators.base import LinearOperator, require_whole
from lineal.solvers.reports import BreakdownError
from lineal.tensors import Tensor

__all__ = ["BlockConjugateGradient"]


@dataclass(frozen=True)
class BlockConjugateGradient(Method):
    """The block method of O'Leary, Linear Algebra Appl. 29 (1980), in Ji and Li's form that cannot break down, BIT 57 (2017).

    B (n × k) is solved at once: each column's error is the smallest, in the norm √(eᴴ A e), of the sum of all columns' Krylov
    spaces. The directions P are made orthonormal, and those that depend on others are left out. Columns count by their
    ‖r‖ / ‖b‖, so the residuals of its report are the largest of these.
    """

    name = "block CG"
    needs = "positive definite"
    measure = "‖b − A x‖ / ‖b‖"
    scale_invariant = True
    together = True

    def prepared(self, A: LinearOperator, M: LinearOperator | None) -> BlockConjugateGradient:
        require_whole(self.name, A)
        return self

    def steps(self, system: System) -> Iterator[Step]:
        X, R = system.x, system.residual()
        P = R[:, :0]
        Q, inverse = P, P.mH @ P
        while True:
            yield Step(norm(R), X)
            Z = system.preconditioned(R)
            P = orthonormal(Z - P @ (inverse @ (Q.mH @ Z)))
            Q = system.A.product(P)
            curvatures, V = eigh(finite(P.mH @ Q))
            positive(float(curvatures.min()), "A")
            inverse = (V / curvatures) @ V.mH
            alpha = inverse @ (P.mH @ R)
            X, R = X + P @ alpha, R - Q @ alpha


def orthonormal(S: Tensor) -> Tensor:
    """Return a basis of the columns' span, less the directions that are rounding errors."""
    sizes = vector_norm(finite(S), dim=0)
    U, sigma, _ = ops.svd(S / ops.where(sizes > 0, sizes, 1))
    return U[:, sigma > len(S) * finfo(S.dtype).eps * sigma.max()]


def finite(S: Tensor) -> Tensor:
    """Return a matrix without numbers that are not finite, which decompositions refuse."""
    if not math.isfinite(norm(S)):
        raise BreakdownError("diverged", "the numbers grew beyond what the dtype holds")
    return S
