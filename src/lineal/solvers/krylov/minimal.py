"""Minimal residuals: for Hermitian matrices, indefinite ones too, by short recurrences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineal import ops
from lineal.base.limits import finfo
from lineal.solvers.methods import Method, Step, System
from lineal.solvers.operators.spaces import Space
from lineal.solvers.reports import BreakdownError
from lineal.tensors import Tensor

__all__ = ["MinimalResidual"]

SMALL = 0.75
"""The power of the machine epsilon below which a diagonal number of R, beside the largest of T, counts as zero."""


@dataclass(frozen=True)
class MinimalResidual(Method):
    """MINRES of Paige and Saunders, SIAM J. Numer. Anal. 12 (1975), for Hermitian matrices; M is positive definite.

    The k-th iterate has the smallest residual, in the norm √(rᴴ M r), of all x₀ + span{z, MAz, …, (MA)ᵏ⁻¹z}. The form with
    preconditioner is that of Elman, Silvester and Wathen (2005), algorithm 4.1; A w goes along, so that the residual is known.
    """

    name = "MINRES"
    needs = "Hermitian"
    scale_invariant = True

    def steps(self, system: System) -> Iterator[Step]:
        x, r, space = system.x, system.residual(), system.space
        v, before = r, ops.zeros_like(r)
        z = system.preconditioned(v)
        gamma, gamma_before = length(space, v, z), 1.0
        eta, scale = gamma, 0.0
        c, c_before, s, s_before = 1.0, 1.0, 0.0, 0.0
        w = w_before = aw = aw_before = ops.zeros_like(r)
        yield Step(space.norm(r), x)
        while gamma > 0:
            z = z / gamma
            q = system.A.product(z)
            delta = float(space.dot(z, q).real)
            v, before = q - (delta / gamma) * v - (gamma / gamma_before) * before, v
            z, q_z = system.preconditioned(v), z
            following = length(space, v, z)
            # two rotations of before, and the one that takes the new number away
            first = c * delta - c_before * s * gamma
            third, second = s_before * gamma, s * delta + c_before * c * gamma
            rho = (first**2 + following**2) ** 0.5
            scale = max(scale, abs(delta), following)
            if not rho > finfo(r.dtype).eps ** SMALL * scale:
                raise BreakdownError("singular", "A is singular, and b not in its range: see minres_qlp and lsqr")
            c_before, c, s_before, s = c, first / rho, s, following / rho
            w, w_before = (q_z - third * w_before - second * w) / rho, w
            aw, aw_before = (q - third * aw_before - second * aw) / rho, aw
            x = x + (c * eta) * w
            r = r - (c * eta) * aw
            eta = -s * eta
            gamma_before, gamma = gamma, following
            yield Step(space.norm(r), x)
        if space.norm(r) > 0:
            raise BreakdownError("indefinite", "the preconditioner M is singular: use another one")


def length(space: Space, v: Tensor, z: Tensor) -> float:
    """Return √(vᴴ M v), z = M v."""
    square = float(space.dot(v, z).real)
    if square < 0:
        raise BreakdownError("indefinite", "the preconditioner M is not positive definite: use GMRES, or another M")
    return square**0.5
