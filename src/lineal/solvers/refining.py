"""Iterative refinement: a method works in a shorter dtype, and what it leaves is judged and solved again in the longer one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineal import ops
from lineal.base.dtypes import dtype
from lineal.base.limits import finfo
from lineal.solvers.krylov.squares import Normal
from lineal.solvers.methods import Criterion, Method, Step, System, Watch, run
from lineal.solvers.operators.base import LinearOperator, Matrix, shared_space
from lineal.solvers.operators.spaces import Space
from lineal.solvers.reports import BreakdownError
from lineal.tensors import Tensor

__all__ = ["Refined"]

SHORT = 0.6
"""The power of the shorter machine epsilon to which each correction is solved."""


class Rounded(LinearOperator):
    """An operator whose vectors are rounded to a shorter dtype; a matrix is rounded itself, and costs as much less."""

    def __init__(self, of: LinearOperator, short: dtype):
        self.parts, self.shape, self.dtype = (of,), of.shape, short

    @property
    def space(self) -> Space:
        return shared_space(self)

    def product(self, x: Tensor) -> Tensor:
        (of,) = self.parts
        return of.product(x.to(of.dtype)).to(self.dtype)

    def adjoint(self) -> LinearOperator:
        return Rounded(self.parts[0].adjoint(), self.dtype)

    def diagonal(self) -> Tensor:
        return self.parts[0].diagonal().to(self.dtype)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return Rounded(parts[0], self.dtype)


def rounded(A: LinearOperator, short: dtype) -> LinearOperator:
    """Return an operator of a shorter dtype."""
    if isinstance(A, Matrix):
        return A.with_parameters(*[each.to(short) for each in A.parameters()])
    return Rounded(A, short)


@dataclass(frozen=True)
class Refined(Method):
    """x′ = x + d, A d = b − A x by a method in a shorter dtype; the residuals are those of A's dtype.

    Moler (1967); Carson and Higham, SIAM J. Sci. Comput. 40 (2018). It converges as long as the condition of A times the
    epsilon of the shorter dtype is less than about one.
    """

    method: Method
    short: dtype
    inner: LinearOperator | None = None
    preconditioner: LinearOperator | None = None

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"{self.method.name} in {self.short} with refinement"

    @property
    def together(self) -> bool:  # type: ignore[override]
        return self.method.together

    def adjoint(self) -> Method:
        return Refined(self.method.adjoint(), self.short)

    def prepared(self, A: LinearOperator, M: LinearOperator | None) -> Method:
        if finfo(self.short).bits >= finfo(A.dtype).bits or self.short.is_complex != A.dtype.is_complex:
            raise ValueError(f"solve: expected a precision below {A.dtype}, got {self.short}")
        if isinstance(A, Normal):
            raise ValueError("solve: least squares have no precision of their own: AᴴA would lose what is refined")
        inner, preconditioner = rounded(A, self.short), None if M is None else rounded(M, self.short)
        return Refined(self.method.prepared(inner, preconditioner), self.short, inner, preconditioner)

    def steps(self, system: System) -> Iterator[Step]:
        x, r, space = system.x, system.residual(), system.space
        criterion = Criterion(finfo(self.short).eps ** SHORT, 0.0, 10 * space.dim)
        while True:
            size = space.norm(r)
            yield Step(size, x)
            b = (r / size).to(self.short)
            assert self.inner is not None
            d, report = run(self.method, System(self.inner, b, ops.zeros_like(b), self.preconditioner), criterion, Watch())
            x = x + size * d.to(x.dtype)
            r = system._replace(x=x).residual()
            if not space.norm(r) < size / 2:
                raise BreakdownError(
                    "stagnated", f"{self.short} is too short for this A: {report.method} ended: {report.status}"
                )
