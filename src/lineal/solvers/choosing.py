"""Which method a system is solved by, if nobody says."""

from __future__ import annotations

from lineal.core import modes
from lineal.solvers.direct import Direct
from lineal.solvers.krylov.arnoldi import GeneralisedMinimalResidual
from lineal.solvers.krylov.conjugate import ConjugateGradient
from lineal.solvers.methods import Method, dot, probe
from lineal.solvers.operators.base import LinearOperator, Matrix
from lineal.sparse.patterned import Patterned

__all__ = ["chosen"]

MODERATE = 50_000
"""Up to how many unknowns sparse matrices are eliminated."""
CLOSE = 1e-5
"""How far apart the two sides of ⟨A x, y⟩ = ⟨x, A y⟩ may be, beside their size, for a Hermitian A."""


def chosen(A: LinearOperator, preconditioned: bool) -> Method:
    """Return a method for a square operator: an iteration if there is a preconditioner."""
    known = isinstance(A, Matrix)
    if known and not preconditioned and isinstance(A.matrix, Patterned) and A.shape[0] <= MODERATE:
        return Direct()
    with modes.no_grad():
        positive = not known or bool((A.diagonal().real > 0).all())
        return ConjugateGradient() if positive and is_hermitian(A) else GeneralisedMinimalResidual()


def is_hermitian(A: LinearOperator) -> bool:
    """Return whether ⟨A x, y⟩ = ⟨x, A y⟩ for two random vectors."""
    x, y = (probe(A.shape[0], A.dtype, seed) for seed in (1, 2))
    Ax, Ay = A.product(x), A.product(y)
    return abs(complex(dot(Ax, y)) - complex(dot(x, Ay))) <= CLOSE * float(dot(Ax, Ax).real * dot(y, y).real) ** 0.5
