"""Which method a system is solved by, if nobody says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineal import ops
from lineal.base import dtypes
from lineal.solvers.direct import Direct
from lineal.solvers.eliminations import is_narrow
from lineal.solvers.krylov.arnoldi import GeneralisedMinimalResidual
from lineal.solvers.krylov.conjugate import ConjugateGradient
from lineal.solvers.methods import Method, Step, System, is_hermitian
from lineal.solvers.operators.base import LinearOperator, Matrix
from lineal.sparse.compressed import numbers
from lineal.sparse.conversion import lines_of, to_sparse_csr
from lineal.sparse.patterned import Patterned
from lineal.tensors import Tensor

__all__ = ["Chosen"]

MODERATE = 50_000
"""Up to how many unknowns sparse matrices are eliminated, whatever their pattern."""


@dataclass(frozen=True)
class Chosen(Method):
    """The method that is good for a matrix, chosen when its numbers are there."""

    name = "chosen"

    def prepared(self, A: LinearOperator, M: LinearOperator | None) -> Method:
        return chosen(A, M is not None).prepared(A, M)

    def steps(self, system: System) -> Iterator[Step]:
        return self.prepared(system.A, system.M).steps(system)


def chosen(A: LinearOperator, preconditioned: bool) -> Method:
    """Return a method for a square operator: elimination if that is cheap, an iteration if there is a preconditioner."""
    known = isinstance(A, Matrix)
    if known and not preconditioned and (is_moderate(A.matrix) or is_cheap(A.matrix)):
        return Direct()
    positive = not known or bool((A.diagonal().real > 0).all())
    return ConjugateGradient() if positive and is_hermitian(A) else GeneralisedMinimalResidual()


def is_moderate(matrix: Tensor) -> bool:
    """Return whether a matrix is sparse, and of moderate size."""
    return isinstance(matrix, Patterned) and matrix.shape[0] <= MODERATE


def is_cheap(matrix: Tensor) -> bool:
    """Return whether a matrix is diagonal, triangular, or of a narrow band."""
    n = matrix.shape[0]
    if isinstance(matrix, Patterned):
        pattern = to_sparse_csr(matrix).pattern
        apart = numbers(lines_of(pattern)) - numbers(pattern.indices)
        lower, upper = int(apart.max(initial=0)), int(-apart.min(initial=0))
    else:
        lower, upper = bandwidths(matrix) if n else (0, 0)
    return 0 in (lower, upper) or is_narrow(lower, upper, n)


def bandwidths(matrix: Tensor) -> tuple[int, int]:
    """Return how far entries of a strided matrix, not empty, are below the diagonal at most, and above it."""
    there, n = matrix != 0, matrix.shape[0]
    rows, filled = ops.arange(n), there.any(1)
    first = there.to(dtypes.uint8).argmax(1)
    last = n - 1 - there.flip(1).to(dtypes.uint8).argmax(1)
    most = lambda apart: max(int(ops.where(filled, apart, 0).max()), 0)
    return most(rows - first), most(last - rows)
