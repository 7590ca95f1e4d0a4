"""Sparse elimination, for systems of moderate size."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lineal.base import later
from lineal.base.errors import IllConditionedWarning
from lineal.base.limits import finfo
from lineal.solvers.methods import Method, Step, System, norm
from lineal.solvers.preconditioners.drops import Factored
from lineal.solvers.reports import BreakdownError
from lineal.sparse.exchange import to_scipy

__all__ = ["Direct"]

DOUBTFUL = 1e-3
"""What is left of the digits of a dtype at least, before somebody is told."""
scipy_solvers: Any = later.module("scipy.sparse.linalg")


@dataclass(frozen=True)
class Direct(Method):
    """SuperLU (Li, ACM Trans. Math. Softw. 31, 2005) through SciPy; steps are those of iterative refinement."""

    name = "SuperLU"
    needs = "regular"

    def steps(self, system: System) -> Iterator[Step]:
        if system.M is not None:
            raise ValueError("SuperLU: a preconditioner M is for iterative methods")
        x, r = system.x, system.residual()
        yield Step(norm(r), x)
        matrix = to_scipy(system.A.to_sparse_csr().detach()).tocsc()
        try:
            factors = Factored(scipy_solvers.splu(matrix), r.dtype)
        except RuntimeError as error:
            raise BreakdownError("singular", f"SuperLU says: {error}; see cgls") from None
        warn_if_doubtful(matrix, factors)
        while True:
            x = x + factors.product(r)
            r = system._replace(x=x).residual()
            yield Step(norm(r), x)


def warn_if_doubtful(matrix: Any, factors: Factored) -> None:
    """Warn where an estimate of ‖A‖₁ ‖A⁻¹‖₁ leaves a solution less than about three digits; a small residual does not show it.

    Higham and Tisseur, SIAM J. Matrix Anal. Appl. 21 (2000), as SciPy has it.
    """
    if not matrix.shape[0]:
        return

    def solve(x: Any, how: str = "N") -> Any:
        return factors.factors.solve(x.astype(matrix.dtype), how)

    inverse = scipy_solvers.LinearOperator(matrix.shape, solve, rmatvec=lambda x: solve(x, "H"), dtype=matrix.dtype)
    condition = scipy_solvers.norm(matrix, 1) * scipy_solvers.onenormest(inverse)
    if condition * finfo(factors.dtype).eps > DOUBTFUL:
        warnings.warn(
            f"SuperLU: the condition number is about {condition:.1e}: few digits of the solution are right",
            IllConditionedWarning,
            stacklevel=2,
        )
