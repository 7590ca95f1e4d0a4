"""Factors of a sparse matrix that are kept: A⁻¹ as an operator, for many right-hand sides and for derivatives."""

from __future__ import annotations

from typing import Any

from lineal.base.errors import LinAlgError
from lineal.base.limits import finfo
from lineal.core import modes
from lineal.solvers.direct import Direct
from lineal.solvers.methods import Criterion
from lineal.solvers.operators.base import LinearOperator, aslinearoperator
from lineal.solvers.solving import Ledger, Problem, check, solved
from lineal.tensors import Tensor

__all__ = ["Factorized", "factorized", "splu"]

REFINED = 10
"""How often a solution is refined at most."""


class Factorized(LinearOperator):
    """A⁻¹ by the factors of A. Products with it are solves, refined, with derivatives of any order by the same factors.

    If A's entries have been written to since, they are factored anew: what is solved is A as it is.
    """

    def __init__(self, A: LinearOperator, method: Direct):
        self.parts, self.method, self.shape, self.dtype = (A,), method, A.shape, A.dtype

    def product(self, x: Tensor) -> Tensor:
        A = self.parts[0]
        check(A, x, None)
        criterion = Criterion(finfo(self.dtype).eps ** 0.75, 0.0, REFINED)
        return solved(Problem(A, None, self.method, criterion), x, None, Ledger(), True)

    solve = LinearOperator.__matmul__

    def adjoint(self) -> LinearOperator:
        return Factorized(self.parts[0].adjoint(), self.method.adjoint())

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return Factorized(parts[0], self.method)

    def __repr__(self) -> str:
        return f"Factorized({self.shape[0]} × {self.shape[1]}, {self.dtype}, {self.method.name})"


def factorized(A: Any, by: str | None = None) -> Factorized:
    """Return A⁻¹ for a sparse A (n × n) as an operator that keeps A's factors: `factorized(A) @ b`, or `.solve(b)`, is A⁻¹ b.

    b is (n) or (n × k), of A's dtype. Gradients reach b and A's entries, by the same factors; `.H` is A⁻ᴴ, and as M in `solve`
    it is a preconditioner. `by` says who eliminates, as of `Direct`; `repr` says who did. LinAlgError if A is singular.
    """
    operator = aslinearoperator(A)
    if operator.shape[0] != operator.shape[1]:
        raise RuntimeError(f"factorized: expected a square matrix, got {operator!r}")
    with modes.no_grad():
        method = Direct(by, to_rounding=True).prepared(operator, None)
    if method.factors is None:
        raise LinAlgError(f"factorized: {method.singular}")
    return Factorized(operator, method)


def splu(A: Any) -> Factorized:
    """Return `factorized(A)` by SuperLU."""
    return factorized(A, "SuperLU")
