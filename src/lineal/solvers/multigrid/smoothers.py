"""Smoothers: what makes the error smooth on a level, as operators S⁻¹ of x′ = x + S⁻¹ (b − A x)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from lineal.solvers.operators.base import LinearOperator, Matrix
from lineal.solvers.operators.structured import Diagonal
from lineal.solvers.preconditioners.simple import ChebyshevSeries, largest_eigenvalue
from lineal.solvers.stationary import Splitting
from lineal.tensors import Tensor

__all__ = ["SMOOTHERS", "Scaling", "Smoothers"]

DAMPING = 4 / 3
"""The damping of Jacobi times the spectral radius: best against the upper three quarters of a Laplacian's spectrum."""
DEGREE = 3
"""The degree of Chebyshev's polynomial."""
ROUGH = 0.25, 1.1
"""Between which parts of the largest eigenvalue it is small: those that coarser levels do not see."""

Smoothers = tuple[LinearOperator, LinearOperator]
"""What is done before the correction by the coarser levels, and after it: of a Hermitian A each other's adjoints."""


@dataclass(frozen=True)
class Scaling:
    """A matrix, the inverse of its diagonal D, and the largest eigenvalue of D⁻¹A, worked out when it is asked for."""

    A: Matrix
    inverse: Tensor

    @cached_property
    def largest(self) -> float:
        """About the largest eigenvalue of D⁻¹A, A Hermitian."""
        return largest_eigenvalue(self.A, self.inverse)

    @property
    def damped(self) -> Tensor:
        """The diagonal of damped Jacobi's S⁻¹."""
        return self.inverse * (DAMPING / self.largest)


def jacobi(scaling: Scaling) -> Smoothers:
    """Return ω D⁻¹."""
    inverse = Diagonal(scaling.damped)
    return inverse, inverse


def chebyshev(scaling: Scaling) -> Smoothers:
    """Return Chebyshev's polynomial for the upper part of the spectrum (Adams, Brezina, Hu and Tuminaro 2003)."""
    low, high = (part * scaling.largest for part in ROUGH)
    series = ChebyshevSeries(scaling.A, Diagonal(scaling.inverse), (low, high), DEGREE)
    return series, series


def gauss_seidel(scaling: Scaling) -> Smoothers:
    """Return Gauss-Seidel forward before, and backward after."""
    forward, backward = (Splitting.gauss_seidel(scaling.A, direction).inverse for direction in ("forward", "backward"))
    return forward, backward


def coloured_gauss_seidel(scaling: Scaling) -> Smoothers:
    """Return the same with unknowns taken colour by colour, which threads share."""
    forward, backward = (
        Splitting.gauss_seidel(scaling.A, direction, coloured=True).inverse for direction in ("forward", "backward")
    )
    return forward, backward


SMOOTHERS: dict[str, Callable[[Scaling], Smoothers]] = {
    "jacobi": jacobi,
    "chebyshev": chebyshev,
    "gauss_seidel": gauss_seidel,
    "coloured_gauss_seidel": coloured_gauss_seidel,
}
