"""Sparse elimination, for systems of moderate size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lineal.base import later
from lineal.solvers.methods import Method, Step, System, norm
from lineal.solvers.preconditioners.drops import Factored
from lineal.solvers.reports import BreakdownError
from lineal.sparse.exchange import to_scipy

__all__ = ["Direct"]

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
        while True:
            x = x + factors.product(r)
            r = system._replace(x=x).residual()
            yield Step(norm(r), x)
