"""Incomplete factors with entries dropped by size, by SuperLU through SciPy."""

from __future__ import annotations

from typing import Any

from lineal.base import later
from lineal.base.errors import LinAlgError
from lineal.core import modes
from lineal.solvers.operators.base import LinearOperator, aslinearoperator
from lineal.sparse.exchange import to_scipy
from lineal.tensors import Tensor, from_numpy

__all__ = ["Factored", "eliminated", "ilut"]

scipy_solvers: Any = later.module("scipy.sparse.linalg")


class Factored(LinearOperator):
    """The inverse of what SuperLU has factored; a constant."""

    def __init__(self, factors: Any, dtype: Any, turned: bool = False):
        self.factors, self.dtype, self.turned = factors, dtype, turned
        self.shape = (factors.shape[0], factors.shape[1])

    def product(self, x: Tensor) -> Tensor:
        # its solutions lie in Fortran's order
        return from_numpy(self.factors.solve(x.detach().numpy(), "H" if self.turned else "N")).contiguous()

    def adjoint(self) -> LinearOperator:
        return Factored(self.factors, self.dtype, not self.turned)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return self


def ilut(A: Any, drop_tol: float = 1e-4, fill_factor: float = 10.0) -> LinearOperator:
    """Return incomplete factors of a sparse A: without entries below `drop_tol`, and at most `fill_factor` times as many.

    Li and Shao, ACM Trans. Math. Softw. 37 (2011). LinAlgError if the factors are singular.
    """
    with modes.no_grad():
        matrix = aslinearoperator(A).to_sparse_csr().detach()
        try:
            factors = scipy_solvers.spilu(to_scipy(matrix).tocsc(), drop_tol=drop_tol, fill_factor=fill_factor)
        except RuntimeError as error:
            raise LinAlgError(f"ilut: {error}; add a shift to the diagonal, or drop less") from None
    return Factored(factors, matrix.dtype)


def eliminated(A: Any) -> LinearOperator:
    """Return A⁻¹ by the factors of a sparse A (n × n), all of them. LinAlgError if A is singular."""
    matrix = aslinearoperator(A).to_sparse_csr().detach()
    try:
        return Factored(scipy_solvers.splu(to_scipy(matrix).tocsc()), matrix.dtype)
    except RuntimeError as error:
        raise LinAlgError(f"splu: {error}") from None
