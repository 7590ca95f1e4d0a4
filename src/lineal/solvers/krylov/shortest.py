"""Shortest least squares of Hermitian matrices, singular ones too, by short recurrences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from lineal import ops
from lineal.base.limits import finfo
from lineal.solvers.krylov.squares import ConjugateGradientLeastSquares, LeastSquares, Parts
from lineal.solvers.methods import Method, Step, System
from lineal.solvers.operators.spaces import Space
from lineal.solvers.solving import PseudoinverseSolve
from lineal.tensors import Tensor

__all__ = ["MinimalResidualQLP"]

SMALL = 0.75
"""The power of the machine epsilon below which a diagonal number of L, beside the largest, counts as zero."""
GROWTH = 0.5
"""By which part of ‖r‖ lifting may change r at most."""


@dataclass(frozen=True)
class MinimalResidualQLP(LeastSquares):
    """MINRES-QLP of Choi, Paige and Saunders, SIAM J. Sci. Comput. 33 (2011): x = A⁺ b, for Hermitian A.

    Lanczos makes A V = V T; reflections from the left make T upper triangular, R, and others from the right make that lower
    triangular, L. So x = W L⁻¹ t, W = V P, t = Q ‖b‖ e₁, begins with what is known best, and its last part may be left out.
    """

    name = "MINRES-QLP"
    needs = "Hermitian"
    instead = "LSQR or LSMR"
    op = PseudoinverseSolve

    def adjoint(self) -> Method:
        return self

    def steps(self, system: System) -> Iterator[Step]:
        if system.M is not None:
            raise ValueError("MINRES-QLP: a preconditioner M would change which solution is the shortest: use lsqr or minres")
        (A, r, _), space = Parts.of(system), system.space
        beta, before = space.norm(r), ops.zeros_like(r)
        scale = space.norm(A.product(space.probe(r.dtype))) / space.dim**0.5
        v, left, right = r / (beta or 1.0), Left(beta), Right(system.x, space, scale)
        beta = 0.0
        while True:
            w = A.product(v)
            alpha = float(space.dot(v, w).real)
            w = w - alpha * v - beta * before
            beta = space.norm(w)
            yield Step(right.lifting(left.take(alpha, beta), left.phi), partial(lifted, system, right.x))
            right.take(v, *left.eliminated(beta))
            if right.singular or not beta > finfo(v.dtype).eps ** SMALL * right.scale:
                # the space is exhausted: what rounding left of A r lies in the range of A, where x stays the shortest
                again = ConjugateGradientLeastSquares().steps(system._replace(x=lifted(system, right.x)))
                yield from (step._replace(solution=partial(lifted, system, step.solved())) for step in again)
            v, before = w / (beta or 1.0), v


class Left:
    """Reflections that take the subdiagonal β of T away: the last column of R, and t."""

    def __init__(self, phi: float):
        self.phi, self.c, self.s = phi, -1.0, 0.0
        self.delta_next = self.epsilon_next = 0.0

    def take(self, alpha: float, beta: float) -> float:
        """Apply the last reflection to a column of T; return ‖A r‖ of before, which that makes known."""
        self.delta, self.gamma = self.c * self.delta_next + self.s * alpha, self.s * self.delta_next - self.c * alpha
        self.epsilon_next, self.delta_next = self.s * beta, -self.c * beta
        return self.phi * math.hypot(self.gamma, self.delta_next)

    def eliminated(self, beta: float) -> tuple[float, float, float, float]:
        """Make the next reflection; return δ and γ of the column, ε of the next but one, and its number of t."""
        self.c, self.s, gamma = reflection(self.gamma, beta)
        tau, self.phi = self.c * self.phi, self.s * self.phi
        return self.delta, gamma, self.epsilon_next, tau


class Right:
    """Reflections P that make R lower triangular: the last rows (η, ϑ, γ) of L, columns of W = V P, and x = W L⁻¹ t."""

    def __init__(self, x: Tensor, space: Space, scale: float):
        # about ‖A‖, below it: vectors that are nearly in the null space say nothing of that
        self.space, self.scale = space, scale
        self.settled = self.x = x
        self.c1 = self.c2 = -1.0
        self.s1 = self.s2 = 0.0
        # rows k − 2, k − 1 and k of L and of t; two numbers of the solution before these; the last two columns of W
        self.gammas, self.etas, self.thetas, self.taus = [0.0] * 3, [0.0] * 3, [0.0] * 3, [0.0] * 3
        self.before = 0.0, 0.0
        self.singular = False
        self.w_last, self.w = ops.zeros_like(x), ops.zeros_like(x)

    def take(self, v: Tensor, delta: float, gamma: float, epsilon_next: float, tau: float) -> None:
        """Take in a column of V and of R, and set x to the next iterate."""
        theta = self.thetas[2]
        # P of (k − 2, k), made with the last column, acts on this one; then P of (k − 1, k) takes δ away
        delta, theta_last = self.s2 * theta - self.c2 * delta, self.c2 * theta + self.s2 * delta
        eta, gamma = self.s2 * gamma, -self.c2 * gamma
        self.c1, self.s1, gamma_last = reflection(self.gammas[2], delta)
        theta, gamma = self.s1 * gamma, -self.c1 * gamma
        self.gammas = [self.gammas[1], gamma_last, gamma]
        self.etas, self.thetas = [*self.etas[1:], eta], [self.thetas[1], theta_last, theta]
        self.taus = [*self.taus[1:], tau]
        self.scale = max(self.scale, *map(abs, self.gammas))
        w_first = self.turn(v)
        first, middle, last = self.solved()
        self.settled = self.settled + first * w_first
        self.x = self.settled + middle * self.w_last + last * self.w
        self.c2, self.s2, self.gammas[1] = reflection(self.gammas[1], epsilon_next)

    def lifting(self, gradient: float, length: float) -> float:
        """Return how large ‖A r‖ may be once x is lifted: ‖A r + A(A r) · rᴴx / ‖r‖²‖, where it will be."""
        part = self.space.norm(self.x) / length if length else math.inf
        return gradient * (1 + part * self.scale) if part * gradient < GROWTH * length else gradient

    def turn(self, v: Tensor) -> Tensor:
        """Make the columns of W that v changes; return the one that is final."""
        first = self.c2 * self.w_last + self.s2 * v
        middle, last = self.w, self.s2 * self.w_last - self.c2 * v
        self.w_last, self.w = self.c1 * middle + self.s1 * last, self.s1 * middle - self.c1 * last
        return first

    def solved(self) -> tuple[float, float, float]:
        """Return the last three numbers of u, L u = t; zero where L is singular to working accuracy."""
        small = finfo(self.x.dtype).eps ** SMALL * self.scale
        self.singular = not abs(self.gammas[2]) > small
        us = list(self.before)
        for row in zip(self.gammas, self.etas, self.thetas, self.taus):
            gamma, eta, theta, tau = row
            us.append((tau - eta * us[-2] - theta * us[-1]) / gamma if abs(gamma) > small else 0.0)
        self.before = us[1], us[2]
        return us[2], us[3], us[4]


def reflection(a: float, b: float) -> tuple[float, float, float]:
    """Return c, s and r of (c, s; s, −c) (a; b) = (r; 0)."""
    r = math.hypot(a, b)
    return (a / r, b / r, r) if r else (-1.0, 0.0, 0.0)


def lifted(system: System, x: Tensor) -> Tensor:
    """Return x less its part along r = b − A x, where A r = 0: Liu, Milzarek and Roosta (2023), theorem 3.4.

    A Krylov space has no other direction of the null space of A than that of b, which is r at the end.
    """
    (A, r, _), space = Parts.of(system._replace(x=x)), system.space
    part = space.dot(r, x) / space.dot(r, r).real
    return x - part * r if space.norm(part * A.product(r)) < GROWTH * space.norm(r) else x
