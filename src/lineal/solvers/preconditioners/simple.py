"""Preconditioners that are steps of stationary methods."""

from __future__ import annotations

from typing import Any

from lineal.core import modes
from lineal.solvers.operators.base import LinearOperator, aslinearoperator
from lineal.solvers.operators.structured import Diagonal
from lineal.solvers.stationary import Splitting
from lineal.tensors import Tensor

__all__ = ["jacobi", "polynomial", "ssor"]


def jacobi(A: Any) -> LinearOperator:
    """Return the inverse of the diagonal. LinAlgError if there is a zero on it."""
    with modes.no_grad():
        return Splitting.jacobi(A).inverse


def ssor(A: Any, omega: float = 1.0) -> LinearOperator:
    """Return S⁻¹ of the symmetric over-relaxation, 0 < ω < 2; Hermitian positive definite where A is."""
    with modes.no_grad():
        return Splitting.ssor(A, omega).inverse


class Neumann(LinearOperator):
    """Σ Gᵏ D⁻¹ for k up to a degree, G = I − D⁻¹ A: so many steps of Jacobi from zero."""

    def __init__(self, A: LinearOperator, inverse: LinearOperator, degree: int):
        self.parts, self.degree = (A, inverse), degree
        self.shape, self.dtype = A.shape, A.dtype

    def product(self, x: Tensor) -> Tensor:
        A, inverse = self.parts
        y = inverse.product(x)
        for _ in range(self.degree):
            y = y + inverse.product(x - A.product(y))
        return y

    def adjoint(self) -> LinearOperator:
        # (Σ Gᵏ D⁻¹)ᴴ = Σ D⁻ᴴ Gᴴᵏ, which is the same sum of Aᴴ
        A, inverse = self.parts
        return Neumann(A.adjoint(), inverse.adjoint(), self.degree)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return Neumann(parts[0], parts[1], self.degree)


def polynomial(A: Any, degree: int = 3) -> LinearOperator:
    """Return the Neumann series of A⁻¹ about its diagonal, up to a degree: it takes as many products with A as the degree says.

    It is an approximation where Jacobi's method converges.
    """
    if degree < 0:
        raise ValueError(f"polynomial: expected a degree of at least 0, got {degree}")
    operator = aslinearoperator(A)
    diagonal = jacobi(operator).diagonal().detach()
    return Neumann(operator, Diagonal(diagonal), degree)
