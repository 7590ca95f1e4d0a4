"""Conjugate gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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

    def steps(self, system: System) -> Iterator[Step]:
        x, r = system.x, system.residual()
        z = system.preconditioned(r)
        p, rho = z.clone(), dot(r, z).real
        while True:
            yield Step(norm(r), x)
            if not rho > 0:
                raise BreakdownError(
                    "indefinite", "the preconditioner M is not positive definite: use MINRES or GMRES, or another M"
                )
            q = system.A.product(p)
            curvature = dot(p, q).real
            if not curvature > 0:
                raise BreakdownError("indefinite", "A is not positive definite: use MINRES (Hermitian A) or GMRES")
            alpha = rho / curvature
            x = x + alpha * p
            r = r - alpha * q
            z = system.preconditioned(r)
            before, rho = rho, dot(r, z).real
            p = z + (rho / before) * p
