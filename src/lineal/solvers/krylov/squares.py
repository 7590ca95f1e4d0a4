"""Least squares: methods for AᴴA x = Aᴴ b, of which only products with A and Aᴴ are formed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from lineal import ops
from lineal.base.limits import finfo
from lineal.solvers.methods import Method, Step, System, Units, divided, unit
from lineal.solvers.operators.base import LinearOperator, shared_space
from lineal.solvers.operators.spaces import Space
from lineal.solvers.reports import BreakdownError
from lineal.tensors import Tensor

__all__ = ["ConjugateGradientLeastSquares", "Damped", "LeastSquares", "LeastSquaresMinimalResidual", "LeastSquaresQR", "Normal"]

NULL = 1.5
"""The power of the machine epsilon below which ‖A p‖² / ‖p‖², beside the largest, counts as zero."""


class Damped(LinearOperator):
    """A over λ I, for a number λ: ‖(b; 0) − (A; λ I) x‖² = ‖b − A x‖² + λ² ‖x‖²."""

    def __init__(self, of: LinearOperator, damp: float):
        self.parts, self.damp, self.dtype = (of,), damp, of.dtype
        self.shape = (of.shape[0] + of.shape[1], of.shape[1])

    def product(self, x: Tensor) -> Tensor:
        return ops.cat([self.parts[0].product(x), self.damp * x])

    def adjoint_product(self, x: Tensor) -> Tensor:
        rows = self.parts[0].shape[0]
        return self.parts[0].adjoint_product(x[:rows]) + self.damp * x[rows:]

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return Damped(parts[0], self.damp)


class Normal(LinearOperator):
    """AᴴA; it knows the b of least squares, since rounding takes more from Aᴴ b than from Aᴴ (b − A x).

    Its derivatives are those of A alone: b reaches the solution by the right-hand side Aᴴ b.
    """

    def __init__(self, of: LinearOperator, observed: Tensor | None = None):
        self.parts, self.observed = (of,), observed
        self.tensors = () if observed is None else (observed,)
        self.shape, self.dtype = (of.shape[1], of.shape[1]), of.dtype

    @property
    def space(self) -> Space:
        return shared_space(self)

    def known(self) -> tuple[LinearOperator, Tensor | None]:
        """Return A and b."""
        return self.parts[0], self.observed

    def product(self, x: Tensor) -> Tensor:
        return self.parts[0].adjoint_product(self.parts[0].product(x))

    def adjoint(self) -> LinearOperator:
        return Normal(self.parts[0])

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return Normal(parts[0], *tensors)


def required(A: LinearOperator) -> Normal:
    """Return an operator that is AᴴA."""
    if not isinstance(A, Normal):
        raise TypeError(f"least squares: expected the operator Normal(A, b), got {A!r}: see cgls, lsqr and lsmr")
    return A


class LeastSquares(Method):
    """A way to make s = Aᴴ (b − A x) zero, for the operator `Normal`; s is the residual that counts."""

    needs = "any"
    measure = "‖Aᴴ(b − A x)‖"
    scale_invariant = True

    def of_column(self, A: LinearOperator, column: int) -> LinearOperator:
        normal = required(A)
        return A if normal.observed is None else Normal(normal.parts[0], normal.observed[:, column])

    def adjoint(self) -> Method:
        return ConjugateGradientLeastSquares()

    def matrix(self, system: System) -> LinearOperator:
        return required(system.A).parts[0]

    def residual(self, system: System) -> Tensor:
        return Parts.of(system).gradient()

    def balanced(self, system: System) -> tuple[System, Units]:
        (A, observed), space = required(system.A).known(), system.space
        b = unit(space, system.b if observed is None else observed)
        v = space.probe(system.b.dtype)
        a, M = unit(space, A.product(v)), unit(space, system.preconditioned(v))
        preconditioner = None if system.M is None else divided(system.M, M)
        A = divided(A, a)
        if observed is None:
            made = System(Normal(A), system.b / b, system.x * a / b * a, preconditioner)
            return made, Units(b, b / a / a)
        observed = observed / b
        made = System(Normal(A, observed), A.adjoint_product(observed), system.x * a / b, preconditioner)
        return made, Units(a * b, b / a)


class Parts(NamedTuple):
    """What a gradient s = c + Aᴴ r is made of: r = b − A x and c = 0, or without a b, in derivatives, r = −A x."""

    A: LinearOperator
    r: Tensor
    c: Tensor | None

    @classmethod
    def of(cls, system: System) -> Parts:
        """Return the parts at the system's x."""
        A, observed = required(system.A).known()
        Ax = A.product(system.x)
        return cls(A, -Ax, system.b) if observed is None else cls(A, observed - Ax, None)

    def gradient(self) -> Tensor:
        """Return s."""
        s = self.A.adjoint_product(self.r)
        return s if self.c is None else s + self.c


@dataclass(frozen=True)
class ConjugateGradientLeastSquares(LeastSquares):
    """CGLS of Hestenes and Stiefel (1952): the curvature, ‖A p‖², is never negative.

    r = b − A x is carried along and s = Aᴴ r made of it, which of the ways to write it keeps most digits: Björck, Elfving and
    Strakoš, SIAM J. Matrix Anal. Appl. 19 (1998).
    """

    name = "CGLS"

    def steps(self, system: System) -> Iterator[Step]:
        x, parts, dot, norm = system.x, Parts.of(system), system.space.dot, system.space.norm
        s = parts.gradient()
        z = system.preconditioned(s)
        p, rho, largest = z.clone(), dot(s, z).real, 0.0
        while True:
            yield Step(norm(s), x)
            if not rho > 0:
                raise BreakdownError("indefinite", "the preconditioner M is not positive definite")
            q = parts.A.product(p)
            curvature = dot(q, q).real
            stretch = float(curvature / dot(p, p).real)
            largest = max(largest, stretch)
            if not stretch > finfo(x.dtype).eps ** NULL * largest:
                raise BreakdownError("singular", "what is left of Aᴴ(b − A x) is in the null space of A to working accuracy")
            alpha = rho / curvature
            x = x + alpha * p
            parts = parts._replace(r=parts.r - alpha * q)
            s = parts.gradient()
            z = system.preconditioned(s)
            before, rho = rho, dot(s, z).real
            p = z + (rho / before) * p


class Bidiagonal(NamedTuple):
    """A step of the process of Golub and Kahan: β u = A v − α u⁻, then α w = Aᴴ u − β w⁻, v = M w, with ‖u‖ = 1 = wᴴ M w."""

    beta: float
    alpha: float
    v: Tensor
    w: Tensor


def bidiagonalised(system: System) -> Iterator[Bidiagonal]:
    """Yield the steps from u = r / ‖r‖ on: Paige and Saunders (1982), "Bidiag 1"; with M, Arioli (2013), by w without M^½."""
    (A, u, _), space = Parts.of(system), system.space
    beta, w = space.norm(u), ops.zeros_like(system.x)
    u = u / (beta or 1.0)
    while True:
        w = A.adjoint_product(u) - beta * w
        v = system.preconditioned(w)
        square = float(space.dot(w, v).real)
        if square < 0:
            raise BreakdownError("indefinite", "the preconditioner M is not positive definite")
        alpha = square**0.5
        v, w = v / (alpha or 1.0), w / (alpha or 1.0)
        yield Bidiagonal(beta, alpha, v, w)
        u = A.product(v) - alpha * u
        beta = space.norm(u)
        u = u / (beta or 1.0)


def exhausted(length: float) -> float:
    """Return a number that is divided by; zero says that A has nothing more to give."""
    if not length > 0:
        raise BreakdownError("stagnated", "A v = 0 for all that is left: the matrix is singular to working accuracy")
    return length


@dataclass(frozen=True)
class LeastSquaresQR(LeastSquares):
    """LSQR of Paige and Saunders, ACM Trans. Math. Softw. 8 (1982): the iterates of CGLS, by a QR factorisation.

    s = Aᴴ (b − A x) = −φ α c w comes out by itself. Steps have the letters of table I there.
    """

    name = "LSQR"

    def steps(self, system: System) -> Iterator[Step]:
        x, basis, norm = system.x, bidiagonalised(system), system.space.norm
        phi, rho, v, w = next(basis)
        d = v
        yield Step(phi * rho * norm(w), x)
        while True:
            beta, alpha, v, w = next(basis)
            length = exhausted(math.hypot(rho, beta))
            c, s = rho / length, beta / length
            x = x + (c * phi / length) * d
            d = v - (s * alpha / length) * d
            rho, phi = -c * alpha, s * phi
            yield Step(abs(phi * alpha * c) * norm(w), x)


@dataclass(frozen=True)
class LeastSquaresMinimalResidual(LeastSquares):
    """LSMR of Fong and Saunders, SIAM J. Sci. Comput. 33 (2011): MINRES for AᴴA x = Aᴴ b, so that ‖s‖ never grows.

    With M it is √(sᴴ M s) that does not grow; AᴴA h goes along with each h, so that s is known.
    """

    name = "LSMR"

    def steps(self, system: System) -> Iterator[Step]:
        x, basis, norm = system.x, bidiagonalised(system), system.space.norm
        beta, alpha, v, w = next(basis)
        s_of_x = (alpha * beta) * w
        zeta, alpha_bar, rho, rho_bar, c_bar, s_bar = alpha * beta, alpha, 1.0, 1.0, 1.0, 0.0
        # of each pair the second is AᴴA times the first
        h, h_bar = ops.zeros((2, len(v)), dtype=v.dtype), ops.zeros((2, len(v)), dtype=v.dtype)
        beta, ratio, earlier = 0.0, 0.0, ops.zeros_like(w)
        yield Step(norm(s_of_x), x)
        while True:
            following = next(basis)
            image = alpha * (alpha * w + beta * earlier) + following.beta * (following.alpha * following.w + following.beta * w)
            h = ops.stack([v, image]) - ratio * h
            earlier = w
            beta, alpha, v, w = following
            # the rotation that makes R of B, and the one that makes R̄ of Rᴴ
            rho_old, rho = rho, exhausted(math.hypot(alpha_bar, beta))
            c, s = alpha_bar / rho, beta / rho
            theta, alpha_bar = s * alpha, c * alpha
            rho_bar_old, theta_bar, turned = rho_bar, s_bar * rho, c_bar * rho
            rho_bar = exhausted(math.hypot(turned, theta))
            c_bar, s_bar = turned / rho_bar, theta / rho_bar
            step, zeta = c_bar * zeta, -s_bar * zeta
            h_bar = h - (theta_bar * rho / (rho_old * rho_bar_old)) * h_bar
            change = (step / (rho * rho_bar)) * h_bar
            x, s_of_x = x + change[0], s_of_x - change[1]
            ratio = theta / rho
            yield Step(norm(s_of_x), x)
