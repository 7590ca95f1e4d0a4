"""What is known of a solve: how the residual fell, why it ended, and how far the result can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from lineal.base import notebook
from lineal.base.errors import LinAlgError
from lineal.tensors import Tensor

__all__ = ["BreakdownError", "ConvergenceError", "ErrorEstimate", "Report"]


class ErrorEstimate(NamedTuple):
    """How far x is from the solution: a bound, in exact arithmetic, or an estimate, which may be too small."""

    value: float
    norm: str
    """"2" for ‖x − x*‖, "A" for √((x − x*)ᴴ A (x − x*))."""
    bound: bool

    def __str__(self) -> str:
        return f"‖x − x*‖{'' if self.norm == '2' else 'ᴀ'} {'≤' if self.bound else '≈'} {self.value:.3g}"


@dataclass
class Report:
    """How a solve went.

    `status` is "converged" or the name of what went wrong: "maxiter", "stagnated" (the true residual no longer falls),
    "diverged" (numbers that are not finite), "not Hermitian", "singular", "overflow" (the dtype does not hold x), or a method's
    own, as "indefinite" or "breakdown".
    """

    method: str
    status: str
    tolerance: float
    """What the 2-norm of the residual was to reach: max(rtol · ‖b‖, atol), of least squares with Aᴴ b for b."""
    residuals: list[float] = field(default_factory=list)
    """The norms of the residual that the method carries along, from the initial one on."""
    residual: float = math.nan
    """The norm of b − A x, or of what `measure` says, computed at the end."""
    advice: str = ""
    """What to try."""
    columns: tuple[Report, ...] = ()
    """Of several right-hand sides the report of each."""
    measure: str = "‖b − A x‖"
    """What the residual is the norm of: of least squares it is Aᴴ(b − A x)."""

    @property
    def converged(self) -> bool:
        """Whether the true residual is as small as was asked."""
        return self.status == "converged"

    @property
    def iterations(self) -> int:
        """How many steps were taken."""
        return max(len(self.residuals) - 1, 0)

    error: ErrorEstimate | None = None
    """How far x may be from the solution: of conjugate gradients always, of all methods if `estimate_error` asks for it."""

    def measured_in(self, residual: float, solution: float) -> None:
        """Take the residuals, and the error, which were in units, for numbers."""
        self.residuals = [each * residual for each in self.residuals]
        self.residual, self.tolerance = self.residual * residual, self.tolerance * residual
        if self.error is not None:
            self.error = self.error._replace(value=self.error.value * residual**0.5 * solution**0.5)

    def __str__(self) -> str:
        text = f"{self.method}: {self.status} after {self.iterations} iterations, {self.measure} = {self.residual:.3g}"
        text += f", asked for {self.tolerance:.3g}"
        return f"{text}; {self.advice}" if self.advice and not self.converged else text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        header = ("right-hand side", "method", "status", "iterations", "‖b − A x‖", "asked for")
        rows = [
            (place, each.method, each.status, each.iterations, f"{each.residual:.3g}", f"{each.tolerance:.3g}")
            for place, each in enumerate(self.columns or (self,))
        ]
        return notebook.table(header, rows, "" if self.converged else self.advice)


class ConvergenceError(LinAlgError):
    """A solver did not reach its tolerance; `solution` is what it had in the end, `report` says how it went."""

    def __init__(self, solution: Tensor, report: Report):
        super().__init__(f"{report}")
        self.solution, self.report = solution, report

    def __reduce__(self) -> tuple:
        return type(self), (self.solution, self.report)


class BreakdownError(Exception):
    """A method cannot go on: the status to be reported, and what to try."""

    def __init__(self, status: str, advice: str):
        super().__init__(status, advice)
        self.status, self.advice = status, advice
