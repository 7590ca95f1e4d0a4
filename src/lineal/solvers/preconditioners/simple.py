"""Preconditioners that are steps of stationary methods."""

from __future__ import annotations

from typing import Any

from lineal.base.errors import LinAlgError
from lineal.core import modes
from lineal.solvers.eigen.lanczos import Basis
from lineal.solvers.methods import is_hermitian, probe
from lineal.solvers.operators.base import LinearOperator, aslinearoperator
from lineal.solvers.operators.structured import Diagonal
from lineal.solvers.stationary import Splitting
from lineal.tensors import Tensor

__all__ = ["ChebyshevSeries", "chebyshev", "jacobi", "largest_eigenvalue", "polynomial", "ssor"]

RITZ = 15
"""After how many steps of Lanczos the largest eigenvalue is taken as known."""


def jacobi(A: Any) -> LinearOperator:
    """Return the inverse of the diagonal. LinAlgError if there is a zero on it."""
    with modes.no_grad():
        return Splitting.jacobi(A).inverse


def ssor(A: Any, omega: float = 1.0, coloured: bool = False) -> LinearOperator:
    """Return S⁻¹ of the symmetric over-relaxation, 0 < ω < 2; Hermitian positive definite where A is.

    If `coloured`, unknowns are taken colour by colour, no two neighbours of one colour: threads share them, and there are
    somewhat more steps.
    """
    with modes.no_grad():
        return Splitting.ssor(A, omega, coloured).inverse


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


class ChebyshevSeries(LinearOperator):
    """The polynomial p(D⁻¹A) D⁻¹ of a degree for which 1 − λ p(λ) is smallest between two bounds: Chebyshev's steps from zero.

    Saad, Iterative Methods for Sparse Linear Systems (2003), algorithm 12.1. There are `degree` products with D⁻¹, and one
    less with A.
    """

    def __init__(self, A: LinearOperator, inverse: LinearOperator, bounds: tuple[float, float], degree: int):
        self.parts, self.bounds, self.degree = (A, inverse), bounds, degree
        self.shape, self.dtype = A.shape, A.dtype

    def product(self, x: Tensor) -> Tensor:
        A, inverse = self.parts
        low, high = self.bounds
        centre, radius = (high + low) / 2, (high - low) / 2
        rho = radius / centre
        d = inverse.product(x) / centre
        y = d
        for _ in range(self.degree - 1):
            x = x - A.product(d)
            before, rho = rho, 1 / (2 * centre / radius - rho)
            d = rho * before * d + (2 * rho / radius) * inverse.product(x)
            y = y + d
        return y

    def adjoint(self) -> LinearOperator:
        # (p(D⁻¹A) D⁻¹)ᴴ = D⁻ᴴ p(Aᴴ D⁻ᴴ) = p(D⁻ᴴ Aᴴ) D⁻ᴴ
        A, inverse = self.parts
        return ChebyshevSeries(A.adjoint(), inverse.adjoint(), self.bounds, self.degree)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return ChebyshevSeries(parts[0], parts[1], self.bounds, self.degree)


def chebyshev(A: Any, degree: int = 4, bounds: tuple[float, float] | None = None) -> LinearOperator:
    """Return the Chebyshev polynomial in D⁻¹A, D the diagonal of a Hermitian positive definite A: about A⁻¹ between `bounds`.

    `bounds` are those of eigenvalues of D⁻¹A. By default the upper one is a tenth more than the largest that Lanczos finds,
    the lower one 4 · degree² times less: a polynomial of this degree does little below. LinAlgError if A is not Hermitian,
    and for a zero on the diagonal.
    """
    if degree < 1:
        raise ValueError(f"chebyshev: expected a degree of at least 1, got {degree}")
    if bounds is not None and not 0 < bounds[0] < bounds[1]:
        raise ValueError(f"chebyshev: expected bounds 0 < low < high, got {bounds}")
    operator = aslinearoperator(A)
    with modes.no_grad():
        inverse = jacobi(operator).diagonal().detach()
        if not is_hermitian(operator):
            raise LinAlgError("chebyshev: A is not Hermitian: use polynomial or ilu")
        if bounds is None:
            high = 1.1 * largest_eigenvalue(operator, inverse)
            bounds = high / (4 * degree**2), high
    return ChebyshevSeries(operator, Diagonal(inverse), bounds, degree)


def largest_eigenvalue(A: LinearOperator, inverse: Tensor) -> float:
    """Return about the largest eigenvalue of D⁻¹ A, A Hermitian, by Lanczos for D^(−1/2) A D^(−1/2)."""
    D = Diagonal(inverse.abs().sqrt().to(A.dtype))
    basis = Basis(D @ A @ D, probe(A.shape[0], A.dtype), min(RITZ, A.shape[0]))
    while basis.count < basis.size and basis.grow():
        pass
    return float(basis.ritz().values[-1])
