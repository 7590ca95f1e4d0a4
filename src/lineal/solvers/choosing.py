"""Which method a system is solved by, if nobody says."""

from __future__ import annotations

from lineal.core import modes
from lineal.solvers.direct import Direct
from lineal.solvers.krylov.arnoldi import GeneralisedMinimalResidual
from lineal.solvers.krylov.conjugate import ConjugateGradient
from lineal.solvers.methods import Method, is_hermitian
from lineal.solvers.operators.base import LinearOperator, Matrix
from lineal.sparse.patterned import Patterned

__all__ = ["chosen"]

MODERATE = 50_000
"""Up to how many unknowns sparse matrices are eliminated."""


def chosen(A: LinearOperator, preconditioned: bool) -> Method:
    """Return a method for a square operator: an iteration if there is a preconditioner."""
    known = isinstance(A, Matrix)
    if known and not preconditioned and isinstance(A.matrix, Patterned) and A.shape[0] <= MODERATE:
        return Direct()
    with modes.no_grad():
        positive = not known or bool((A.diagonal().real > 0).all())
        return ConjugateGradient() if positive and is_hermitian(A) else GeneralisedMinimalResidual()
