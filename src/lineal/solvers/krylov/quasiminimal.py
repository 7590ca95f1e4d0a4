"""Transpose-free quasi-minimal residuals: for all square matrices, by short recurrences and a smooth residual."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineal import ops
from lineal.base.limits import finfo
from lineal.solvers.krylov.shortened import require
from lineal.solvers.methods import Method, Step, System

__all__ = ["TransposeFreeQuasiMinimalResidual"]

EXHAUSTED = 0.7
"""The power of the machine epsilon by which the residual falls at most with one shadow vector."""


@dataclass(frozen=True)
class TransposeFreeQuasiMinimalResidual(Method):
    """TFQMR of Freund, SIAM J. Sci. Comput. 14 (1993), algorithm 5.1, preconditioned from the right; one product a step.

    ‖r‖ ≤ τ √(m + 1) after m steps; here A d is carried along with each direction d, so that r itself is known.
    """

    name = "TFQMR"
    needs = "square"
    scale_invariant = True

    def steps(self, system: System) -> Iterator[Step]:
        x, r, dot, norm = system.x, system.residual(), system.space.dot, system.space.norm
        shadow, w, u = r.clone(), r, r
        z = system.preconditioned(u)
        Au = v = system.A.product(z)
        d = Ad = ops.zeros_like(r)
        size = tau = norm(r)
        rho, ratio = dot(shadow, r), 0.0
        yield Step(tau, x)
        while True:
            alpha = rho / require(dot(shadow, v), size * norm(v), self.name)
            for half in range(2):
                w = w - alpha * Au
                d, Ad = z + (ratio / alpha) * d, Au + (ratio / alpha) * Ad
                theta = norm(w) / tau
                cosine = 1 / (1 + theta**2)
                tau, eta = theta * cosine**0.5 * tau, cosine * alpha
                ratio = theta**2 * eta
                x, r = x + eta * d, r - eta * Ad
                yield Step(norm(r), x)
                if not tau > finfo(r.dtype).eps ** EXHAUSTED * size:
                    # what is left is rounding errors' own, and orthogonal to the shadow: another one is needed
                    return
                if not half:
                    u = u - alpha * v
                    z = system.preconditioned(u)
                    Au = system.A.product(z)
            before, rho = rho, dot(shadow, w)
            beta = require(rho, size * norm(w), self.name) / before
            u = w + beta * u
            v = beta * (Au + beta * v)
            z = system.preconditioned(u)
            Au = system.A.product(z)
            v = Au + v
