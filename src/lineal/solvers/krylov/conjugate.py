"""Conjugate gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from lineal import ops
from lineal.solvers.fused import conjugate_steps
from lineal.solvers.methods import Method, Step, System, dot, norm
from lineal.solvers.reports import BreakdownError

__all__ = ["ConjugateGradient"]


@dataclass(frozen=True)
class ConjugateGradient(Method):
    """The method of Hestenes and Stiefel, J. Res. NBS 49 (1952), for Hermitian positive definite matrices.

    The k-th iterate has the smallest error in the norm √(eᴴ A e) of all x₀ + span{z, MAz, …, (MA)ᵏ⁻¹z}, z = M (b − A x₀).
    """

    name = "CG"
    needs = "positive definite"
    scale_invariant = True

    def steps(self, system: System) -> Iterator[Step]:
        x, r = system.x, system.residual()
        z = system.preconditioned(r)
        p, rho = z, float(dot(r, z).real)
        while True:
            yield Step(norm(r) if system.M is not None else rho**0.5, x)
            positive(rho, "the preconditioner M")
            q = system.A.product(p)
            alpha = rho / positive(float(dot(p, q).real), "A")
            x = ops.add(x, p, alpha=alpha)
            r = ops.add(r, q, alpha=-alpha)
            z = system.preconditioned(r)
            before, rho = rho, float(dot(r, z).real)
            p = ops.add(z, p, alpha=rho / before)

    def fused(self, system: System, tolerance: float, most: int) -> Iterator[Step] | None:
        return conjugate_steps(system, tolerance, most, (indefinite("A"), indefinite("the preconditioner M")))


def indefinite(name: str) -> BreakdownError:
    """Return the error for a matrix that should be positive definite."""
    return BreakdownError("indefinite", f"{name} is not positive definite: use MINRES (Hermitian A) or GMRES")


def positive(square: float, name: str) -> float:
    """Return vᴴ A v, of a vector and a matrix that is to be positive definite."""
    if square == math.inf:
        raise BreakdownError("diverged", "the numbers grew beyond what the dtype holds")
    if not square > 0:
        raise indefinite(name)
    return square
