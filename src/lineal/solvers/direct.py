"""Sparse elimination, for systems of moderate size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lineal import ops
from lineal.base import later
from lineal.ops.linalg.conditioning import doubtful, rcond_of_probes, tell, watched
from lineal.ops.reductions.norms import vector_norm
from lineal.solvers.methods import Method, Step, System, norm, probe
from lineal.solvers.operators.base import LinearOperator
from lineal.solvers.preconditioners.drops import Factored
from lineal.solvers.reports import BreakdownError
from lineal.sparse.exchange import to_scipy

__all__ = ["Direct"]

scipy_solvers: Any = later.module("scipy.sparse.linalg")


@dataclass(frozen=True)
class Direct(Method):
    """SuperLU (Li, ACM Trans. Math. Softw. 31, 2005) through SciPy; steps are those of iterative refinement."""

    factors: Factored | None = None
    """The factors of A, or why there are none, once they are worked out."""
    singular: str = ""
    name = "SuperLU"
    needs = "regular"

    def prepared(self, A: LinearOperator, M: LinearOperator | None) -> Direct:
        if M is not None:
            raise ValueError("SuperLU: a preconditioner M is for iterative methods")
        matrix = to_scipy(A.to_sparse_csr().detach()).tocsc()
        try:
            factors = Factored(scipy_solvers.splu(matrix), A.dtype)
        except RuntimeError as error:
            return Direct(singular=f"SuperLU says: {error}; see cgls")
        if watched():
            judge(matrix, factors)
        return Direct(factors)

    def steps(self, system: System) -> Iterator[Step]:
        x, r = system.x, system.residual()
        yield Step(norm(r), x)
        if self.factors is None:
            raise BreakdownError("singular", self.singular)
        while True:
            x = x + self.factors.product(r)
            r = system._replace(x=x).residual()
            yield Step(norm(r), x)


def judge(matrix: Any, factors: Factored) -> None:
    """Tell, as `set_conditioning` says, of a matrix that leaves few digits: a small residual does not show it."""
    n = matrix.shape[0]
    if not n:
        return
    vectors = ops.stack([probe(n, factors.dtype, seed) for seed in range(2)], 1)
    solutions = factors.product(vectors / vector_norm(vectors, dim=0))
    # ‖A‖ A⁻¹ v has numbers that squares hold, whatever the scale of A
    rcond = float(rcond_of_probes(1.0, solutions.numpy() * abs(matrix).sum(0).max()))
    if doubtful(rcond, matrix.dtype):
        tell("spsolve", f"spsolve: few digits of the solution are right: the condition number of A is about {1 / rcond:.1e}")
