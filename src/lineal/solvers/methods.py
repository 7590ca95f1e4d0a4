"""The one loop of all iterative solvers. A method says what one step is; here it is driven, watched and judged."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from lineal import ops
from lineal.base import dtypes
from lineal.base.limits import finfo
from lineal.solvers.operators.base import LinearOperator
from lineal.solvers.operators.spaces import Space
from lineal.solvers.progress import Line
from lineal.solvers.reports import BreakdownError, ErrorEstimate, Report
from lineal.tensors import Tensor

__all__ = ["Criterion", "Method", "Step", "System", "Units", "divided", "is_hermitian", "norm", "probe", "run", "unit"]

HERMITIAN = ("Hermitian", "positive definite")
"""The needs of methods for Hermitian matrices."""
CLOSE = 1e-4
"""How far apart the two sides of ⟨A x, y⟩ = ⟨x, A y⟩ may be, beside their size, for a Hermitian A."""
REPLACED = 3
"""How often the residual that a method carries is replaced by the true one, before a solve counts as stagnated."""


class System(NamedTuple):
    """A x = b, where to begin, and a preconditioner M ≈ A⁻¹, if there is one."""

    A: LinearOperator
    b: Tensor
    x: Tensor
    """Where to begin; the method may write to it."""
    M: LinearOperator | None = None

    @property
    def space(self) -> Space:
        """The vectors of the system."""
        return self.A.space

    def residual(self) -> Tensor:
        """Return b − A x."""
        return self.b - self.A.product(self.x)

    def preconditioned(self, r: Tensor) -> Tensor:
        """Return M r."""
        return r if self.M is None else self.M.product(r)

    def scaled(self, A: float, b: float, M: float) -> System:
        """Return the system of A / A, b / b and M / M, numbers: its solution is x · A / b."""
        preconditioner = None if self.M is None else divided(self.M, M)
        return self._replace(A=divided(self.A, A), b=self.b / b, x=self.x * A / b, M=preconditioner)


class Units(NamedTuple):
    """In what a system was made to have numbers of about 1: powers of two, so that nothing is rounded."""

    residual: float = 1.0
    solution: float = 1.0


class Step(NamedTuple):
    """Where a method stands: the norm of its residual, and the solution, or what gives it if it is asked for."""

    residual: float
    solution: Tensor | Callable[[], Tensor]
    error: Callable[[], ErrorEstimate] | None = None
    """What gives an estimate of the error, where the method knows one."""

    def solved(self) -> Tensor:
        """Return the solution."""
        return self.solution if isinstance(self.solution, Tensor) else self.solution()


class Method(ABC):
    """A way to solve A x = b step by step; methods are frozen dataclasses of what they can be told."""

    name: str
    needs: str = "square"
    """Of what matrices it is: "square", "Hermitian", "positive definite", "regular" or "any"."""
    measure: str = "‖b − A x‖"
    """What is to become small."""
    instead: str = "GMRES, BiCGStab or IDR(s)"
    """What to use for other matrices."""
    scale_invariant: bool = False
    """Whether it goes the same way for multiples of A and M."""
    op: Any = None
    """The op of its solves, if it is another than `IterativeSolve`, since it has other derivatives."""
    together: bool = False
    """Whether it takes b (n × k) as a whole, and not column by column."""

    def prepared(self, A: LinearOperator, M: LinearOperator | None) -> Method:
        """Return the method with what it works out of A once, for all right-hand sides."""
        return self

    def of_column(self, A: LinearOperator, column: int) -> LinearOperator:
        """Return the operator of one of several right-hand sides."""
        return A

    def adjoint(self) -> Method:
        """Return the method that solves with Aᴴ, for derivatives, with what is known of A."""
        return self

    def matrix(self, system: System) -> LinearOperator:
        """Return the operator that is to be what the method needs."""
        return system.A

    def residual(self, system: System) -> Tensor:
        """Return what is to become small at `system.x`: b − A x."""
        return system.residual()

    def balanced(self, system: System) -> tuple[System, Units]:
        """Return the system with numbers whose squares the dtype holds, and in which units; LAPACK's drivers do the same."""
        space = system.space
        b, A, M = unit(space, system.b), 1.0, 1.0
        if self.scale_invariant and space.dim:
            v = space.probe(system.b.dtype)
            A, M = unit(space, system.A.product(v)), unit(space, system.preconditioned(v))
        return system.scaled(A, b, M), Units(b, b / A)

    def attainable(self, system: System) -> float:
        """Return the residual that is small enough whatever was asked: what rounding leaves, of a method that knows."""
        return 0.0

    @abstractmethod
    def steps(self, system: System) -> Iterator[Step]:
        """Yield the state before the first step and after each; raise `BreakdownError` where there is no next one.

        A method that ends begins again at its last solution, as long as that makes the residual smaller.
        """

    def fused(self, system: System, tolerance: float, most: int) -> Iterator[Step] | None:
        """Return the same steps, at most so many until the tolerance is met, as native code takes many at once; None without.

        Only the solution of the last one is asked for.
        """
        return None


class Watch(NamedTuple):
    """Who is told of a solve while it goes on: a function that gets each x, and a line that gets the report as it grows."""

    callback: Callable[[Tensor], object] | None = None
    line: Line | None = None

    def scaled(self, factor: float | Tensor, shape: Sequence[int]) -> Watch:
        """Return who is told of x · factor, in a shape."""
        callback = self.callback
        return self._replace(callback=None if callback is None else lambda x: callback((x * factor).reshape(shape)))

    def tell(self, step: Step, report: Report) -> None:
        """Tell of a step."""
        if self.callback is not None:
            self.callback(step.solved())
        if self.line is not None:
            self.line(report)

    def end(self) -> None:
        """Tell that it is over."""
        if self.line is not None:
            self.line.end()


class Criterion(NamedTuple):
    """When to stop: at a residual of max(rtol · ‖b‖, atol), or after so many steps."""

    rtol: float
    atol: float
    maxiter: int

    def tolerance(self, size: float) -> float:
        """Return the norm of the residual that is small enough, for a right-hand side of a norm."""
        return max(self.rtol * size, self.atol)


def norm(x: Tensor) -> float:
    """Return the 2-norm of a vector that is all here, of a matrix that of its largest column."""
    return Space(len(x)).norm(x)


def probe(n: int, dtype: dtypes.dtype, seed: int = 0) -> Tensor:
    """Return a normal random vector that is all here, the same each time."""
    return Space(n).probe(dtype, seed)


def is_ordinary(size: float, dtype: dtypes.dtype) -> bool:
    """Return whether the dtype holds the eighth power of a norm, and of its inverse."""
    far = finfo(dtype).max ** 0.125
    return 1 / far <= size <= far


def unit(space: Space, x: Tensor) -> float:
    """Return the power of two below the norm of a vector, or 1 for an ordinary one."""
    size = space.norm(x)
    if is_ordinary(size, x.dtype) or not 0 < size < math.inf:
        return 1.0
    return max(2.0 ** math.floor(math.log2(size)), finfo(x.dtype).tiny)


def divided(A: LinearOperator, number: float) -> LinearOperator:
    """Return A / number."""
    return A if number == 1 else A * (1 / number)


def is_hermitian(A: LinearOperator) -> bool:
    """Return whether ⟨A x, y⟩ = ⟨x, A y⟩ for two random vectors."""
    space = A.space
    x, y = (space.probe(A.dtype, seed) for seed in (1, 2))
    Ax, Ay = A.product(x), A.product(y)
    apart = abs(complex(space.dot(Ax, y)) - complex(space.dot(x, Ay)))
    return not apart > CLOSE * space.norm(Ax) * space.norm(y)


def run(method: Method, system: System, criterion: Criterion, watch: Watch) -> tuple[Tensor, Report]:
    """Return the solution and the report; if the dtype does not hold squares of the numbers, by the system in other units."""
    norm = system.space.norm
    ordinary = is_ordinary(norm(system.b), system.b.dtype)
    if ordinary:
        x, report = judged(method, system, criterion, watch)
        if report.converged:
            return x, report
    balanced, units = method.balanced(system)
    if not norm(balanced.b):
        return ops.zeros_like(system.x), Report(method.name, "converged", criterion.atol, [0.0], 0.0, measure=method.measure)
    if units != Units() or not ordinary:
        inside = criterion._replace(atol=criterion.atol / units.residual)
        x, report = judged(method, balanced, inside, watch.scaled(units.solution, system.x.shape))
        x = ops.mul(x, units.solution)
        if report.converged:
            # what of x the dtype does not hold is not solved either
            report.residual = norm(method.residual(balanced._replace(x=x / units.solution)))
            if not report.residual <= report.tolerance:
                report.status, report.advice = "overflow", f"{x.dtype} does not hold the solution: compute in another"
    if not report.converged and report.status != "overflow":
        examine(method, balanced, ops.div(x, units.solution), report)
    report.measured_in(*units)
    return x, report


def judged(method: Method, system: System, criterion: Criterion, watch: Watch) -> tuple[Tensor, Report]:
    """Return the solution and the report. The true residual decides: while it is too large, the method begins again there."""
    norm = system.space.norm
    report = Report(method.name, "maxiter", criterion.tolerance(norm(system.b)), measure=method.measure)
    x, before = system.x, math.inf
    for _ in range(1 + REPLACED):
        x = driven(method, system._replace(x=x), criterion.maxiter, report, watch)
        report.residual = norm(method.residual(system._replace(x=x)))
        report.tolerance = max(report.tolerance, method.attainable(system._replace(x=x)))
        if math.isfinite(report.residual) and report.residual <= report.tolerance:
            report.status, report.advice = "converged", ""
        if report.status != "claimed":
            break
        if not report.residual < before / 2:
            break
        before = report.residual
    return x, report


def examine(method: Method, system: System, x: Tensor, report: Report) -> None:
    """Say why a system was not solved, as far as can be seen from it."""
    if report.status == "claimed":
        report.status = "stagnated"
        report.advice = "the accuracy of this dtype is exhausted: ask for less, compute in float64, or use a preconditioner"
    norm = system.space.norm
    v = system.space.probe(system.b.dtype)
    looked = {"b": system.b, "x0": system.x, "A": system.A.product(v), "M": system.preconditioned(v)}
    broken = [name for name, each in looked.items() if not math.isfinite(norm(each))]
    if broken:
        report.status, report.advice = "diverged", f"{' and '.join(broken)} had numbers that are not finite"
    elif method.needs in HERMITIAN and not is_hermitian(method.matrix(system)):
        report.status = "not Hermitian"
        report.advice = f"{method.name} is for Hermitian matrices: use {method.instead}"
    elif report.status in ("maxiter", "stagnated"):
        # a residual that is small for an x that is much too large, and not for b: x grows along a null vector
        size, small = norm(x) * norm(looked["A"]) / norm(v), finfo(x.dtype).eps ** 0.5
        within = report.residuals[-1] <= norm(system.b) <= small * size < math.inf
        if within and report.residual > small * norm(system.b):
            report.status, report.advice = "singular", "A is nearly singular, and b not in its range: see lsqr and minres_qlp"


def driven(method: Method, system: System, maxiter: int, report: Report, watch: Watch) -> Tensor:
    """Take steps until the method's own residual is small enough, and write down how it goes; return the solution."""
    step = Step(math.nan, system.x)
    again = bool(report.residuals)
    report.status = "maxiter"
    report.advice = "allow more iterations, or use a preconditioner M"
    fused = method.fused(system, report.tolerance, maxiter - report.iterations) if watch.callback is None else None
    try:
        for place, step in enumerate(method.steps(system) if fused is None else fused):
            if place or not again:
                report.residuals.append(step.residual)
            if place:
                watch.tell(step, report)
            if not math.isfinite(step.residual):
                report.status, report.advice = (
                    "diverged",
                    "the residual grew without bound: use GMRES, or another preconditioner M",
                )
                break
            if step.residual <= report.tolerance:
                report.status = "claimed"
                break
            if report.iterations >= maxiter:
                break
        else:
            # the method has come to an end by itself
            report.status = "claimed"
    except BreakdownError as reason:
        report.status, report.advice = reason.status, reason.advice
    report.error = None if step.error is None else step.error()
    return step.solved()
