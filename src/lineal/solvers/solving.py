"""Solve A x = b by iteration, with derivatives of every order that need no more than one further solve each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Literal, NamedTuple, TypedDict, Unpack, overload

from lineal import ops
from lineal.base.dtypes import dtype
from lineal.core import Op, apply, lift, modes
from lineal.ops.reductions.norms import vector_norm
from lineal.solvers.choosing import Chosen
from lineal.solvers.methods import Criterion, Method, System, Watch, run
from lineal.solvers.operators.base import LinearOperator, aslinearoperator
from lineal.solvers.progress import Line
from lineal.solvers.refining import Refined
from lineal.solvers.reports import ConvergenceError, ErrorEstimate, Report
from lineal.tensors import Tensor
from lineal.transforms.gradients import grad

__all__ = ["solve"]

ROUGH, POWERS = 1e-3, 4
"""To which tolerance, and how often, systems are solved to estimate ‖A⁻¹‖."""


class Problem(NamedTuple):
    """A system without its right-hand side: the operator, its preconditioner, the method and when to stop."""

    A: LinearOperator
    M: LinearOperator | None
    method: Method
    criterion: Criterion
    watch: Watch = Watch()
    estimate_error: bool = False

    def parameters(self) -> tuple[Tensor, ...]:
        """Return what A and M are made of."""
        return self.A.parameters() + (() if self.M is None else self.M.parameters())

    def of(self, others: Sequence[Tensor]) -> tuple[Problem, Sequence[Tensor]]:
        """Return the problem of other tensors, and those that are left over."""
        rest = iter(others)
        A = self.A.with_parameters(*islice(rest, len(self.A.parameters())))
        M = None if self.M is None else self.M.with_parameters(*islice(rest, len(self.M.parameters())))
        return self._replace(A=A, M=M), tuple(rest)

    def adjoint(self) -> Problem:
        """Return the problem of Aᴴ."""
        M = None if self.M is None else self.M.adjoint()
        return self._replace(A=self.A.adjoint(), M=M, method=self.method.adjoint(), watch=Watch(), estimate_error=False)

    def run(self, b: Tensor, x0: Tensor | None = None) -> tuple[Tensor, Report]:
        """Return the solution and the report, with an estimate of the error if it was asked for."""
        try:
            x, report = self.ran(b, x0)
        finally:
            self.watch.end()
        if self.estimate_error and report.converged:
            size = inverse_norm(self)
            for each in report.columns or (report,):
                each.error = ErrorEstimate(size * each.residual, "2", False)
            report.error = max([each.error for each in report.columns or (report,) if each.error is not None])
        return x, report

    def ran(self, b: Tensor, x0: Tensor | None) -> tuple[Tensor, Report]:
        """Return the solution, column by column, and the report: of several columns, that of the worst."""
        if b.ndim == 2 and not b.shape[1]:
            return b.new_zeros(self.A.shape[1], 0), Report(self.method.name, "converged", self.criterion.atol)
        x = ops.zeros(self.A.shape[1], *b.shape[1:], dtype=b.dtype) if x0 is None else x0.clone()
        method = self.method.prepared(self.A, self.M)
        if b.ndim == 1 and not method.together:
            return run(method, System(self.A, b, x, self.M), self.criterion, self.watch)
        if method.together:
            return self.together(method, b, x)
        systems = [System(method.of_column(self.A, k), b[:, k], x[:, k], self.M) for k in range(b.shape[1])]
        found = [run(method, system, self.criterion, self.watch) for system in systems]
        reports = tuple([report for _, report in found])
        worst = max(reports, key=lambda each: (not each.converged, each.iterations))
        return ops.stack([x for x, _ in found], 1), Report(**{**vars(worst), "columns": reports})

    def together(self, method: Method, b: Tensor, x: Tensor) -> tuple[Tensor, Report]:
        """Return the solution of all columns at once, each divided by its norm, and the report of these."""
        wide = lambda x: x.unsqueeze(1) if x.ndim == 1 else x
        columns, (rtol, atol, _) = wide(b), self.criterion
        norms = vector_norm(columns, dim=0)
        norms = ops.where(norms > 0, norms, 1)
        system = System(self.A, columns / norms, wide(x) / norms, self.M)
        x, report = run(
            method, system, self.criterion._replace(atol=atol / float(norms.max())), self.watch.scaled(norms, b.shape)
        )
        x = x * norms
        left = vector_norm(columns - self.A.product(x), dim=0).tolist()
        # of the steps' residuals the largest column is known, beside its b
        report.columns = tuple(
            [
                Report(method.name, report.status, max(rtol * size, atol), [size * each for each in report.residuals], found)
                for size, found in zip(norms.tolist(), left)
            ]
        )
        return x.reshape(b.shape), report

    def require(self, x: Tensor, report: Report) -> Tensor:
        """Return a solution that can be trusted."""
        if not report.converged:
            raise ConvergenceError(x, report)
        return x


def inverse_norm(problem: Problem) -> float:
    """Return about ‖A⁻¹‖, at most that but for the tolerance: powers of A⁻¹A⁻ᴴ, each by two solves to few digits."""
    turned = problem.adjoint()._replace(criterion=problem.criterion._replace(rtol=ROUGH, atol=0.0))
    plain = turned.adjoint()
    space, size = problem.A.space, math.nan
    v = space.probe(problem.A.dtype)
    for _ in range(POWERS):
        y, there = plain.run(v / space.norm(v))
        v, back = turned.run(y)
        if not there.converged or not back.converged:
            return math.inf
        size = space.norm(y)
    return size


class Ledger(list[Report]):
    """Where a solve leaves its reports, and what a user's function has raised; each is itself alone."""

    failure: Exception | None = None

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__

    def read(self) -> Report:
        """Return the report; no recorder can follow what is decided by it."""
        listener = modes.recorder.get()
        if listener is not None:
            listener.foreign("the report of a solve is read")
        return self[0]


class IterativeSolve(Op):
    """x = A⁻¹ b.  b̄ = λ with Aᴴ λ = x̄;  of what A is made of, p: p̄ = −(∂(A x)/∂p)ᴴ λ.

    The inputs are b, what A and M are made of, and where to begin, if that is given.
    """

    problem: Problem
    strict: bool
    ledger: Ledger
    keeps = "* y"
    by_arrays = False
    host_only = "its iterations read numbers"
    no_batch = "every solve has its own number of steps"
    no_lowering = "host step: it ends when the numbers say so"

    def eager(self, xp, b, *others):
        with modes.Setting((modes.grad_enabled, False), (modes.recorder, None)):
            problem, begin = self.problem.of([lift(each) for each in others])
            try:
                x, report = problem.run(lift(b), *begin)
            except Exception as error:
                self.ledger.failure = error
                raise
        self.ledger.append(report)
        return problem.require(x, report).value if self.strict else x.value

    def check(self, *xs):
        if self.ledger.failure is not None:
            raise self.ledger.failure

    def vjp(self, needs, g, y, b, *others):
        problem, _ = self.problem.of(others)
        solution = solved(problem.adjoint(), g, None, Ledger(), True)
        p = problem.A.parameters()
        found = pulled(problem.A, y, list(p), -solution, needs[1 : 1 + len(p)])
        return solution, *found, *[None] * (len(others) - len(p))


class PseudoinverseSolve(IterativeSolve):
    """x = A⁺ b for Hermitian A, as x = N⁺ c, N = AᴴA, c = Aᴴ b.  c̄ = ν = N⁺ x̄;  p̄ = −(∂(N x)/∂p)ᴴ ν + (∂(A t)/∂p)ᴴ A⁺ x,

    t = x̄ − A A⁺ x̄, for changes that leave the rank of A.   Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973), theorem 4.3.
    """

    def vjp(self, needs, g, y, b, *others):
        problem, _ = self.problem.of(others)
        p = problem.A.parameters()
        (A,) = problem.A.parts
        normal: Any = type(problem.A)

        def inverse(v: Tensor) -> Tensor:
            plain = problem._replace(A=normal(A, v), watch=Watch(), estimate_error=False)
            return solved(plain, A.adjoint_product(v), None, Ledger(), True)

        along = inverse(g)
        solution = inverse(along)
        found = pulled(problem.A, y, list(p), -solution, needs[1 : 1 + len(p)])
        # the operator's first parameter is b, which the product does not know
        turning = pulled(A, g - A.product(along), list(p[1:]), inverse(y), needs[2 : 1 + len(p)])
        both = [one if two is None else two if one is None else one + two for one, two in zip(found[1:], turning)]
        return solution, None, *both, *[None] * (len(others) - len(p))


def pulled(A: LinearOperator, x: Tensor, p: list[Tensor], cotangent: Tensor, needs: Sequence[bool]) -> list[Tensor | None]:
    """Return the gradients of A x with respect to what A is made of, whatever x depends on."""
    wanted = [n for n, need in enumerate(needs) if need]
    if not wanted:
        return [None] * len(p)
    again = modes.grad_enabled.get()
    with modes.enable_grad():
        # paths through x are not to count: they are another solve's
        apart = [each.view_as(each) if again else each.detach().requires_grad_(n in wanted) for n, each in enumerate(p)]
        y = A.with_parameters(*apart).product(x if again else x.detach())
        found = grad(y, [apart[n] for n in wanted], cotangent, create_graph=again, allow_unused=True)
    grads = dict(zip(wanted, found))
    return [grads.get(n) for n in range(len(p))]


def solved(problem: Problem, b: Tensor, x0: Tensor | None, ledger: Ledger, strict: bool) -> Tensor:
    """Return the solution, as a function of b and of what A is made of."""
    begin = () if x0 is None else (x0.detach(),)
    op = problem.method.op or IterativeSolve
    return apply(op(problem, strict, ledger), b, *problem.parameters(), *begin)


class Options(TypedDict, total=False):
    """What solves can be told, beside the method."""

    x0: Tensor | None
    rtol: float
    atol: float
    maxiter: int | None
    M: Any
    callback: Callable[[Tensor], object] | None
    estimate_error: bool
    progress: bool
    precision: dtype | None


@overload
def solve(
    A: Any, b: Tensor, method: Method | None = None, *, return_info: Literal[False] = False, **options: Unpack[Options]
) -> Tensor: ...
@overload
def solve(
    A: Any, b: Tensor, method: Method | None = None, *, return_info: Literal[True], **options: Unpack[Options]
) -> tuple[Tensor, Report]: ...
def solve(
    A: Any,
    b: Tensor,
    method: Method | None = None,
    *,
    x0: Tensor | None = None,
    rtol: float = 1e-5,
    atol: float = 0.0,
    maxiter: int | None = None,
    M: Any = None,
    callback: Callable[[Tensor], object] | None = None,
    estimate_error: bool = False,
    progress: bool = False,
    precision: dtype | None = None,
    return_info: bool = False,
) -> Any:
    """Return x with ‖b − A x‖ ≤ max(rtol · ‖b‖, atol), in the 2-norm; with `return_info` also the `Report`.

    A (n × n) is a strided or sparse matrix or a `LinearOperator`, b (n) or (n × k), of A's dtype; M ≈ A⁻¹ is a preconditioner.
    Without a `method` the report says which was taken: elimination for matrices that are diagonal, triangular or of a narrow
    band, and for sparse ones of moderate size (see `Direct`); else conjugate gradients for Hermitian matrices with a positive
    diagonal, and GMRES for others. `maxiter` is 10 n by default. `callback` gets x after each step. With `progress` a line on
    the terminal tells how solves go that take longer than a moment.

    With `estimate_error` the report has an estimate of ‖x − x*‖, ‖b − A x‖ ‖A⁻¹‖, which takes some rough solves more. With a
    `precision`, as torch.float32 for float64, the method works in that dtype, and its result is refined until the residual in
    A's own is small enough: Carson and Higham, SIAM J. Sci. Comput. 40 (2018). The report's steps are those of refinement.

    The result is differentiable with respect to b and what A is made of, to any order, by solves with Aᴴ to the same tolerance;
    M and x0 are constants. ConvergenceError if the tolerance is not reached, unless the report is asked for.
    """
    operator = aslinearoperator(A)
    check(operator, b, x0)
    if not (rtol >= 0 and atol >= 0 and (maxiter is None or maxiter >= 0)):
        raise ValueError(f"solve: expected rtol, atol and maxiter of at least 0, got {rtol}, {atol} and {maxiter}")
    criterion = Criterion(rtol, atol, 10 * operator.space.dim if maxiter is None else maxiter)
    preconditioner = None if M is None else aslinearoperator(M)
    if preconditioner is not None and preconditioner.shape != operator.shape[::-1]:
        raise RuntimeError(f"solve: expected a preconditioner of shape {operator.shape[::-1]}, got {preconditioner!r}")
    method = method or Chosen()
    if precision is not None:
        method = Refined(method, precision)
    watch = Watch(callback, Line() if progress else None)
    problem = Problem(operator, preconditioner, method, criterion, watch, estimate_error)
    ledger = Ledger()
    x = solved(problem, b, x0, ledger, not return_info)
    return (x, ledger.read()) if return_info else x


def check(A: LinearOperator, b: Tensor, x0: Tensor | None) -> None:
    """Refuse what does not fit together."""
    if A.shape[0] != A.shape[1]:
        raise RuntimeError(f"solve: expected a square matrix, got {A.shape[0]} × {A.shape[1]}; see lsqr")
    if not isinstance(b, Tensor) or b.ndim not in (1, 2) or b.shape[0] != A.shape[0]:
        given = list(b.shape) if isinstance(b, Tensor) else type(b).__name__
        raise RuntimeError(f"solve: expected a right-hand side of {A.shape[0]} rows, got {given}")
    if b.dtype != A.dtype or not (b.dtype.is_floating_point or b.dtype.is_complex):
        raise RuntimeError(f"solve: expected A and b of one floating dtype, got {A.dtype} and {b.dtype}")
    if x0 is not None and (x0.shape != (A.shape[1], *b.shape[1:]) or x0.dtype != b.dtype):
        raise RuntimeError(f"solve: expected x0 like b, got {list(x0.shape)} of {x0.dtype}")
