"""Methods as native loops: what their generators define, step by step in machine code, for matrices that code can read.

Both take the same steps. Dot products are summed up in another order, in float64, so that iterates differ by rounding alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lineal.base import later
from lineal.solvers.methods import Step, System, norm
from lineal.solvers.operators.base import is_whole
from lineal.solvers.operators.structured import Diagonal
from lineal.solvers.reports import BreakdownError, ErrorEstimate
from lineal.tensors import from_numpy

__all__ = ["conjugate_steps"]

conjugate: Any = later.module("lineal.codegen.sparse.conjugate")

AT_ONCE = 1 << 28
"""About how many terms are summed up before Python looks up, so that a solve can be interrupted: a fraction of a second."""
MOST = 1 << 10
"""How many steps are taken at once at most."""


Estimate = Callable[[Sequence[float], Sequence[float], float], ErrorEstimate]
"""Makes of the α and β of all steps, and of the last rᴴ M r, how far x is from the solution."""


def conjugate_steps(
    system: System, tolerance: float, most: int, breakdowns: Sequence[BreakdownError], estimate: Estimate
) -> Iterator[Step] | None:
    """Return the steps of conjugate gradients, at most so many and none after the tolerance is met; None where no code can.

    They end by one of `breakdowns`: of A, and of M. Residuals are scaled by the first one's norm, so that no square overflows.
    """
    fits = is_whole(system.A) and (system.M is None or system.M.dtype == system.A.dtype)
    rows = system.A.native_rows() if fits else None
    return None if rows is None else steps(rows, system, tolerance, most, breakdowns, estimate)


def steps(
    rows: Any, system: System, tolerance: float, most: int, breakdowns: Sequence[BreakdownError], estimate: Estimate
) -> Iterator[Step]:
    """Yield the steps of the native loop; all that it takes at once have the solution of the last one."""
    r = system.residual()
    scale, x = norm(r), np.ascontiguousarray(system.x.value)
    solution = from_numpy(x)
    M, d = system.M, None
    if isinstance(M, Diagonal):
        M, d = None, np.ascontiguousarray(M.diagonal().detach().value)
    course = conjugate.course(rows, x, np.ascontiguousarray((r / scale).value), d, scale, tolerance, M is not None)
    alphas, rhos = list[float](), list[float]()

    def error() -> ErrorEstimate:
        if M is not None:
            M.product_into(course.r, course.z)
        rho = course.rho
        return estimate(alphas, [after / before for before, after in zip(rhos, [*rhos[1:], rho])], rho * scale**2)

    yield Step(scale, solution, error)
    at_once = 1 if M is not None else min(MOST, max(1, AT_ONCE // (rows.work + 10 * rows.length)))
    while course.status == conjugate.RUNNING and most > 0:
        if M is not None:
            M.product_into(course.r, course.z)
        noted = course.taken(min(most, at_once))
        for norm_after, alpha, rho in noted.tolist():
            alphas.append(alpha)
            rhos.append(rho)
            yield Step(norm_after, solution, error)
        most -= len(noted)
    if course.status in conjugate.INDEFINITE:
        raise breakdowns[conjugate.INDEFINITE.index(course.status)]
