"""What was measured: times of a piece of code, with their spread."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Measurement", "TaskSpec"]

UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
WORDS = {"ns": "nanosecond", "us": "microsecond", "ms": "millisecond", "s": "second"}


@dataclass(frozen=True)
class TaskSpec:
    """What is measured, and the words by which results are told apart."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """What stands above the numbers: the label, or the code."""
        return (self.label or self.stmt) + (f": {self.sub_label}" if self.sub_label else "")

    def setup_str(self) -> str:
        """Return the setup as lines of a report."""
        return "" if self.setup in ("", "pass") else f"setup: {self.setup}"


@dataclass
class Measurement:
    """The times of runs of one piece of code: `raw_times` are of `number_per_run` executions each, in seconds."""

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = None

    @property
    def times(self) -> list[float]:
        """The seconds of one execution, run by run."""
        return [each / self.number_per_run for each in self.raw_times]

    @property
    def median(self) -> float:
        """The median of the times."""
        return statistics.median(self.times)

    @property
    def mean(self) -> float:
        """The mean of the times."""
        return statistics.fmean(self.times)

    @property
    def iqr(self) -> float:
        """The distance of the upper quartile of the times from the lower."""
        lower, upper = self.quartiles
        return upper - lower

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile of the times, interpolated."""
        if len(self.raw_times) == 1:
            return self.times[0], self.times[0]
        first, _, last = statistics.quantiles(self.times, n=4, method="inclusive")
        return first, last

    @property
    def significant_figures(self) -> int:
        """How many digits the spread of the times leaves, by a confidence interval of 95 % of a normal distribution."""
        lower, upper = self.quartiles
        deviation = (upper - lower) / 1.349 / math.sqrt(len(self.raw_times))
        relative = 2 * 1.645 * deviation / self.median if self.median else 0.0
        return 5 if relative == 0 else min(max(int(-math.log10(relative)), 1), 5)

    @property
    def has_warnings(self) -> bool:
        """Whether the times spread so far that something else was at work: by a tenth of the median or more."""
        return self.iqr > 0.1 * self.median

    def meets_confidence(self, threshold: float = 0.1) -> bool:
        """Return whether the quartiles are no more than a part of the median apart."""
        return self.iqr / self.median < threshold

    @property
    def title(self) -> str:
        """What stands above the numbers."""
        return self.task_spec.title

    @property
    def env(self) -> str:
        """The name of the environment that was measured in."""
        return self.task_spec.env or "Unspecified env"

    @property
    def as_row_name(self) -> str:
        """The name of the row of a table."""
        return self.task_spec.sub_label or self.task_spec.stmt

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """Return one measurement for each task, with the times of all."""
        merged: dict[TaskSpec, Measurement] = {}
        for each in measurements:
            known = merged.get(each.task_spec)
            times = each.times if known is None else [*known.raw_times, *each.times]
            merged[each.task_spec] = replace(each, number_per_run=1, raw_times=times)
        return list(merged.values())

    def __repr__(self) -> str:
        lower, upper = self.quartiles
        lines = [f"{type(self).__name__}", self.title, self.task_spec.description or "", self.task_spec.setup_str()]
        runs = len(self.raw_times)
        if runs > 1:
            lines += [f"  Median: {shown(self.median)}", f"  IQR:    {shown(self.iqr)} ({shown(lower)} to {shown(upper)})"]
        else:
            lines.append(f"  {shown(self.median)}")
        threads = self.task_spec.num_threads
        counts = f"{self.number_per_run} runs{' per measurement' if runs > 1 else ''}"
        lines.append(f"  {plural(runs, 'measurement')}, {counts}, {plural(threads, 'thread')}")
        if self.has_warnings:
            lines.append(f"  WARNING: the interquartile range is {self.iqr / self.median:.0%} of the median")
        return "\n".join(line for line in lines if line)


def unit(seconds: float) -> str:
    """Return the unit in which a time is read best."""
    return next((name for name, size in reversed(UNITS.items()) if seconds >= size), "ns")


def shown(seconds: float) -> str:
    """Return a time with its unit."""
    chosen = unit(seconds)
    return f"{seconds / UNITS[chosen]:.2f} {chosen}"


def plural(count: int, word: str) -> str:
    """Return how many there are of something."""
    return f"{count} {word}" + ("s" if count != 1 else "")
