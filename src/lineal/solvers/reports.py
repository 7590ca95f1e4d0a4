"""What is known of a solve: how the residual fell, why it ended, and how far the result can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from lineal.base import notebook
from lineal.base.errors import LinAlgError
from lineal.tensors import Tensor

__all__ = ["BreakdownError", "ConvergenceError", "Report"]


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

    def measured_in(self, unit: float) -> None:
        """Take the residuals, which were in a unit, for numbers."""
        self.residuals = [each * unit for each in self.residuals]
        self.residual, self.tolerance = self.residual * unit, self.tolerance * unit

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
