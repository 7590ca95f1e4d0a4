"""The line that tells how a long solve goes."""

from __future__ import annotations

import math
import time
from typing import Any

from lineal.base import later
from lineal.solvers.reports import Report

__all__ = ["Line"]

# rich takes long to import
rich_console: Any = later.module("rich.console")
rich_progress: Any = later.module("rich.progress")

PATIENCE, EVERY = 0.5, 0.1
"""Seconds after which a solve counts as long, and between two looks at it."""


class Line:
    """A bar of how many of the digits that were asked for are there, with the steps and the residual; it ends with the solve.

    It appears when a solve has taken longer than a moment, on a terminal only; `console` is rich's.
    """

    def __init__(self, console: Any = None):
        self.console = console
        self.shown: Any = None
        self.looked = time.perf_counter() + PATIENCE - EVERY

    def __call__(self, report: Report) -> None:
        now = time.perf_counter()
        if now - self.looked >= EVERY:
            self.looked = now
            self.show(report)

    def show(self, report: Report) -> None:
        """Show how a solve goes, by its residuals."""
        if self.shown is None:
            columns = (
                rich_progress.TextColumn("{task.description}"),
                rich_progress.BarColumn(),
                rich_progress.TimeElapsedColumn(),
            )
            console = self.console or rich_console.Console()
            self.shown = rich_progress.Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
            self.task = self.shown.add_task("", total=1.0)
            self.shown.start()
        last = report.residuals[-1]
        words = f"{report.method}: step {report.iterations}, {report.measure} = {last:.1e}, asked for {report.tolerance:.1e}"
        self.shown.update(self.task, description=words, completed=digits(report))

    def end(self) -> None:
        """Take the line away."""
        if self.shown is not None:
            self.shown.stop()
            self.shown = None


def digits(report: Report) -> float:
    """Return which part of the digits between the first residual and the tolerance is there."""
    first, last, asked = report.residuals[0], report.residuals[-1], report.tolerance
    if not (0 < asked < first and 0 < last < first):
        return 0.0
    return min(math.log(first / last) / math.log(first / asked), 1.0)
