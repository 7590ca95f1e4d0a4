"""Methods for all square matrices that keep a few vectors only; they may break down, and say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineal import ops
from lineal.base.limits import finfo
from lineal.ops.linalg.qr import qr
from lineal.ops.linalg.triangular import solve_triangular
from lineal.solvers.methods import Method, Step, System, norm, probe
from lineal.solvers.operators.base import LinearOperator, require_whole
from lineal.solvers.reports import BreakdownError
from lineal.tensors import Tensor

__all__ = ["BiconjugateGradientStabilised", "InducedDimensionReduction"]

ANGLE = 0.7
"""Below which cosine ω is made larger than what minimises the residual, after Sleijpen and van der Vorst (1995)."""


def require(number: Tensor, scale: float, name: str) -> Tensor:
    """Return a number by which is divided, which is not to be rounding alone."""
    if not abs(number) > finfo(number.dtype).eps ** 1.5 * scale:
        raise BreakdownError("breakdown", f"{name} met vectors that are orthogonal: begin elsewhere (x0), or use GMRES")
    return number


@dataclass(frozen=True)
class BiconjugateGradientStabilised(Method):
    """BiCGStab of van der Vorst, SIAM J. Sci. Stat. Comput. 13 (1992), preconditioned from the right; two products a step."""

    name = "BiCGStab"
    needs = "square"
    scale_invariant = True

    def steps(self, system: System) -> Iterator[Step]:
        x, r, dot, norm = system.x, system.residual(), system.space.dot, system.space.norm
        shadow, p = r.clone(), r
        rho = dot(shadow, r)
        size = norm(shadow)
        while True:
            length = norm(r)
            yield Step(length, x)
            require(rho, size * length, self.name)
            z = system.preconditioned(p)
            v = system.A.product(z)
            alpha = rho / require(dot(shadow, v), size * norm(v), self.name)
            s = r - alpha * v
            y = system.preconditioned(s)
            t = system.A.product(y)
            square = dot(t, t).real
            if not square > 0:
                yield Step(norm(s), x + alpha * z)
                raise BreakdownError("breakdown", "the residual is in the null space of A: is A singular?")
            omega = require(dot(t, s), norm(t) * norm(s), self.name) / square
            x = x + alpha * z + omega * y
            r = s - omega * t
            before, rho = rho, dot(shadow, r)
            p = r + (rho / before) * (alpha / omega) * (p - omega * v)


@dataclass(frozen=True)
class InducedDimensionReduction(Method):
    """IDR(s) of Sonneveld and van Gijzen, SIAM J. Sci. Comput. 31 (2008), in the biorthogonal form of 2011 (ACM TOMS 38).

    It takes s + 1 products for s + 1 steps, and after at most n + n / s products, in exact arithmetic, it is done. The s shadow
    vectors are drawn once from a generator of their own, so that a solve can be repeated.
    """

    s: int = 4
    name = "IDR(s)"
    needs = "square"
    scale_invariant = True

    def __post_init__(self) -> None:
        if self.s < 1:
            raise ValueError(f"idrs: expected s of at least 1, got {self.s}")

    def prepared(self, A: LinearOperator, M: LinearOperator | None) -> InducedDimensionReduction:
        require_whole(self.name, A)
        return self

    def steps(self, system: System) -> Iterator[Step]:
        x, r = system.x, system.residual()
        s = min(self.s, len(r))
        P = qr(ops.stack([probe(len(r), r.dtype, seed) for seed in range(s)], 1))[0].mH
        G, U = ops.zeros((s, len(r)), dtype=r.dtype), ops.zeros((s, len(r)), dtype=r.dtype)
        M = ops.eye(s, dtype=r.dtype)
        omega = ops.ones((), dtype=r.dtype)
        yield Step(norm(r), x)
        while True:
            f = P @ r
            for k in range(s):
                c = solve_triangular(M[k:, k:], f[k:].unsqueeze(1), upper=False).squeeze(1)
                v = system.preconditioned(r - c @ G[k:])
                u = c @ U[k:] + omega * v
                g = system.A.product(u)
                for i in range(k):
                    alpha = (P[i] @ g) / M[i, i]
                    g, u = g - alpha * G[i], u - alpha * U[i]
                M[k:, k] = P[k:] @ g
                G[k], U[k] = g, u
                beta = f[k] / require(M[k, k], norm(g), self.name)
                r, x = r - beta * g, x + beta * u
                f = f - beta * M[:, k] if k + 1 < s else f
                yield Step(norm(r), x)
            v = system.preconditioned(r)
            t = system.A.product(v)
            omega = self.damping(t, r)
            x, r = x + omega * v, r - omega * t
            yield Step(norm(r), x)

    def damping(self, t: Tensor, r: Tensor) -> Tensor:
        """Return ω, which makes r − ω t small, and is not too small itself where t and r are nearly orthogonal."""
        lengths = norm(t) * norm(r)
        if not lengths > 0:
            raise BreakdownError("breakdown", "the residual is in the null space of A: is A singular?")
        cosine = require(ops.vdot(t, r), lengths, self.name) / lengths
        omega = ops.vdot(t, r) / ops.vdot(t, t)
        return omega * (ANGLE / abs(cosine)) if abs(cosine) < ANGLE else omega
