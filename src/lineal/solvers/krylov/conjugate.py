"""Conjugate gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import later
from lineal.base.limits import finfo
from lineal.solvers.fused import conjugate_steps
from lineal.solvers.methods import Method, Step, System
from lineal.solvers.reports import BreakdownError, ErrorEstimate

__all__ = ["ConjugateGradient"]

ROUNDING = 64
"""By how many machine epsilons the numbers of a step may be wrong."""

scipy_linalg: Any = later.module("scipy.linalg")


@dataclass(frozen=True)
class ConjugateGradient(Method):
    """The method of Hestenes and Stiefel, J. Res. NBS 49 (1952), for Hermitian positive definite matrices.

    The k-th iterate has the smallest error in the norm √(eᴴ A e) of all x₀ + span{z, MAz, …, (MA)ᵏ⁻¹z}, z = M (b − A x₀). That
    norm is bounded from above if `smallest`, a positive number below all eigenvalues of M A, is given; else it is estimated.
    """

    smallest: float | None = None
    name = "CG"
    needs = "positive definite"
    scale_invariant = True

    def __post_init__(self) -> None:
        if self.smallest is not None and not self.smallest > 0:
            raise ValueError(f"cg: expected smallest to be positive, got {self.smallest}")

    def steps(self, system: System) -> Iterator[Step]:
        x, r, dot, norm = system.x, system.residual(), system.space.dot, system.space.norm
        z = system.preconditioned(r)
        p, rho = z, float(dot(r, z).real)
        quadrature = self.quadrature(system)
        while True:
            yield Step(norm(r) if system.M is not None else rho**0.5, x, partial(quadrature.error, rho))
            positive(rho, "the preconditioner M")
            q = system.A.product(p)
            alpha = rho / positive(float(dot(p, q).real), "A")
            x = ops.add(x, p, alpha=alpha)
            r = ops.add(r, q, alpha=-alpha)
            z = system.preconditioned(r)
            before, rho = rho, float(dot(r, z).real)
            quadrature.take(alpha, rho / before)
            p = ops.add(z, p, alpha=rho / before)

    def quadrature(self, system: System, *numbers: Sequence[float]) -> Quadrature:
        """Return what makes estimates of the error of the α and β of steps."""
        return Quadrature(self.smallest, ROUNDING * finfo(system.b.dtype).eps, *numbers)

    def fused(self, system: System, tolerance: float, most: int) -> Iterator[Step] | None:
        estimate = lambda alphas, betas, rho: self.quadrature(system, alphas, betas).error(rho)
        return conjugate_steps(system, tolerance, most, (indefinite("A"), indefinite("the preconditioner M")), estimate)


def indefinite(name: str) -> BreakdownError:
    """Return the error for a matrix that should be positive definite."""
    return BreakdownError("indefinite", f"{name} is not positive definite: use MINRES (Hermitian A) or GMRES")


class Quadrature:
    """Bounds of ‖e‖ᴀ² = rᴴ A⁻¹ r as an integral of 1/λ, by the rule of Gauss and Radau that steps of conjugate gradients make.

    With one node fixed at μ ≤ λmin the rule is an upper bound: Golub and Meurant, BIT 37 (1997), by the recurrence of Meurant
    and Tichý, Numer. Algorithms 62 (2013). Without such a μ it is rᴴ M r / θ, θ the smallest Ritz value: an estimate: θ ≥ λmin.
    """

    def __init__(self, smallest: float | None, rounding: float, alphas: Sequence[float] = (), betas: Sequence[float] = ()):
        self.smallest, self.rounding, self.alphas, self.betas = smallest, rounding, list(alphas), list(betas)

    def take(self, alpha: float, beta: float) -> None:
        """Take in the two numbers of a step."""
        self.alphas.append(alpha)
        self.betas.append(beta)

    def ritz(self) -> float:
        """Return the smallest eigenvalue of the matrix of Lanczos, which is made of the steps' numbers."""
        inverse = np.reciprocal(self.alphas)
        ratios = np.asarray(self.betas[:-1])
        diagonal = inverse + np.concatenate(([0.0], ratios * inverse[:-1]))
        beside = np.sqrt(ratios) * inverse[:-1]
        values = scipy_linalg.eigh_tridiagonal(diagonal, beside, eigvals_only=True, select="i", select_range=(0, 0))
        return float(values[0])

    def error(self, rho: float) -> ErrorEstimate:
        """Return a bound of, or an estimate of, ‖x − x*‖ᴀ where rᴴ M r = ρ."""
        if not rho >= 0:
            return ErrorEstimate(math.nan, "A", False)
        node = 0.0 if self.smallest is None else self.node(self.smallest)
        if node:
            return ErrorEstimate((node * rho) ** 0.5, "A", True)
        theta = self.ritz() if self.alphas else 0.0
        return ErrorEstimate((rho / theta) ** 0.5 if theta > 0 else math.inf, "A", False)

    def node(self, smallest: float) -> float:
        """Return the factor of ρ in the bound; zero if a Ritz value shows that an eigenvalue lies below `smallest`."""
        node = 1 / smallest
        for alpha, beta in zip(self.alphas, self.betas):
            # the bound grows with each number, so that one that rounding has made a little larger keeps it a bound
            node = node * (1 + self.rounding) - alpha * (1 - self.rounding)
            if not node > 0:
                return 0.0
            node = min(node / (smallest * node + beta * (1 - self.rounding)), 1 / smallest)
        return node


def positive(square: float, name: str) -> float:
    """Return vᴴ A v, of a vector and a matrix that is to be positive definite."""
    if square == math.inf:
        raise BreakdownError("diverged", "the numbers grew beyond what the dtype holds")
    if not square > 0:
        raise indefinite(name)
    return square
