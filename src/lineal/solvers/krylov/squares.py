"""Least squares: conjugate gradients for AᴴA, of which only products with A and Aᴴ are formed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lineal.solvers.methods import Method, Step, System, dot, norm
from lineal.solvers.operators.base import LinearOperator
from lineal.solvers.reports import BreakdownError
from lineal.tensors import Tensor

__all__ = ["ConjugateGradientLeastSquares", "Normal"]


class Normal(LinearOperator):
    """AᴴA + λ² I, for a number λ."""

    def __init__(self, of: LinearOperator, damp: float = 0.0):
        self.parts, self.damp = (of,), damp
        self.shape, self.dtype = (of.shape[1], of.shape[1]), of.dtype

    def product(self, x: Tensor) -> Tensor:
        y = self.parts[0].adjoint_product(self.parts[0].product(x))
        return y + self.damp**2 * x if self.damp else y

    def adjoint(self) -> LinearOperator:
        return self

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return Normal(parts[0], self.damp)


@dataclass(frozen=True)
class ConjugateGradientLeastSquares(Method):
    """CGLS of Hestenes and Stiefel (1952), for the operator `Normal`: the curvature, ‖A p‖² + λ² ‖p‖², is never negative."""

    name = "CGLS"
    needs = "any"

    def steps(self, system: System) -> Iterator[Step]:
        normal: Any = system.A
        A, square = normal.parts[0], normal.damp**2
        x, s = system.x, system.residual()
        z = system.preconditioned(s)
        p, rho = z.clone(), dot(s, z).real
        while True:
            yield Step(norm(s), x)
            if not rho > 0:
                raise BreakdownError("indefinite", "the preconditioner M is not positive definite")
            q = A.product(p)
            curvature = dot(q, q).real + square * dot(p, p).real
            if not curvature > 0:
                raise BreakdownError("singular", "the right-hand side is not in the range of Aᴴ A")
            alpha = rho / curvature
            x = x + alpha * p
            s = s - alpha * (A.adjoint_product(q) + square * p)
            z = system.preconditioned(s)
            before, rho = rho, dot(s, z).real
            p = z + (rho / before) * p
