"""Sparse elimination, for systems of moderate size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lineal import ops
from lineal.base.errors import LinAlgError
from lineal.base.limits import finfo
from lineal.ops.linalg.conditioning import doubtful, rcond_of_probes, tell, watched
from lineal.ops.reductions.norms import vector_norm
from lineal.solvers.eliminations import BY_NAME, fitting
from lineal.solvers.methods import Method, Step, System, norm, probe
from lineal.solvers.operators.base import LinearOperator, require_whole
from lineal.solvers.preconditioners.drops import Factored
from lineal.solvers.reports import BreakdownError
from lineal.sparse.exchange import to_scipy

__all__ = ["Direct"]

ROUNDING = 4
"""How many roundings a residual may be, of the size of A, x and b."""


@dataclass(frozen=True)
class Direct(Method):
    """Elimination of a matrix whose entries are known; steps are those of iterative refinement.

    `by` is "diagonal", "triangular", "banded Cholesky", "banded LU", "CHOLMOD", "PARDISO", "UMFPACK" or "SuperLU"; by default
    the first of these, but for UMFPACK, that is good for the matrix and is installed. `name` says which was taken.
    """

    by: str | None = None
    name: str = "elimination"
    factors: Factored | None = None
    """The factors of A, or why there are none, once they are worked out."""
    singular: str = ""
    matrix: Any = field(default=None, compare=False)
    """What was factored, SciPy's."""
    to_rounding: bool = False
    """Whether a solution counts whose residual is as small as rounding lets it become."""
    needs = "regular"

    def __post_init__(self) -> None:
        if self.by is not None and self.by not in BY_NAME:
            raise ValueError(f"Direct: expected one of {', '.join(BY_NAME)}, got {self.by!r}")
        if self.by is not None and not BY_NAME[self.by].is_there():
            raise ModuleNotFoundError(
                f"Direct: {self.by} needs {BY_NAME[self.by].package.imported_from}, which cannot be imported"
            )

    def prepared(self, A: LinearOperator, M: LinearOperator | None) -> Direct:
        if M is not None:
            raise ValueError("elimination: a preconditioner M is for iterative methods")
        matrix = matrix_of(require_whole("elimination", A))
        if self.factors is not None and same(matrix, self.matrix):
            return self
        return self.factored(matrix, A)

    def factored(self, matrix: Any, A: LinearOperator) -> Direct:
        """Return the method with the factors of a matrix, by the first elimination that has some."""
        if self.by is not None and not BY_NAME[self.by].takes(matrix):
            raise ValueError(f"Direct: {self.by} is not for this matrix: see solvers.Direct")
        names = [self.by] if self.by is not None else fitting(matrix)
        reason, name = "", self.name
        for name in names:
            try:
                factors = Factored(BY_NAME[name].factors(matrix), A.dtype)
            except LinAlgError as error:
                reason = f"{error}; see cgls"
                continue
            if watched():
                judge(matrix, factors)
            return replace(self, name=name, factors=factors, matrix=matrix, singular="")
        return replace(self, name=name, factors=None, matrix=None, singular=reason)

    def adjoint(self) -> Direct:
        """Return the method for Aᴴ, by the same factors."""
        if self.factors is None:
            return self
        turned: Any = self.factors.adjoint()
        return replace(self, factors=turned, matrix=self.matrix.conj().T.tocsc())

    def steps(self, system: System) -> Iterator[Step]:
        x, r = system.x, system.residual()
        yield Step(norm(r), x)
        if self.factors is None:
            raise BreakdownError("singular", self.singular)
        before = math.inf
        while norm(r) < before / 2:
            before = norm(r)
            x = x + self.factors.product(r)
            r = system._replace(x=x).residual()
            yield Step(norm(r), x)
        raise BreakdownError("stagnated", "refinement goes no further: ask for less, or compute in float64")

    def attainable(self, system: System) -> float:
        # the backward error of a stable solve (Higham, Accuracy and Stability of Numerical Algorithms, 2002, theorem 7.1)
        if not self.to_rounding or self.matrix is None:
            return 0.0
        sums = [float(abs(self.matrix).sum(axis).max(initial=0)) ** 0.5 for axis in (0, 1)]
        return ROUNDING * finfo(system.A.dtype).eps * (sums[0] * sums[1] * norm(system.x) + norm(system.b))


def matrix_of(A: LinearOperator) -> Any:
    """Return SciPy's matrix of an operator whose entries are known, by columns, its rows in order."""
    matrix = to_scipy(A.to_sparse_csr().detach()).tocsc()
    matrix.sum_duplicates()
    return matrix


def same(left: Any, right: Any) -> bool:
    """Return whether two matrices have the same numbers at the same places."""
    parts = ("indptr", "indices", "data")
    return left.shape == right.shape and all(np.array_equal(getattr(left, each), getattr(right, each)) for each in parts)


def judge(matrix: Any, factors: Factored) -> None:
    """Tell, as `set_conditioning` says, of a matrix that leaves few digits: a small residual does not show it."""
    n = matrix.shape[0]
    if not n:
        return
    vectors = ops.stack([probe(n, factors.dtype, seed) for seed in range(2)], 1)
    solutions = factors.product(vectors / vector_norm(vectors, dim=0))
    # ‖A‖ A⁻¹ v has numbers that squares hold, whatever the scale of A
    rcond = float(rcond_of_probes(np.ones(()), solutions.numpy() * abs(matrix).sum(0).max()))
    if doubtful(rcond, matrix.dtype):
        condition = 1 / rcond if rcond else math.inf
        tell("spsolve", f"spsolve: few digits of the solution are right: the condition number of A is about {condition:.1e}")
