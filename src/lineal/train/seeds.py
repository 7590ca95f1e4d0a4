"""How far results depend on chance: a run for each of several seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import mean, stdev
from typing import NamedTuple

from lineal.train.callbacks import Line

__all__ = ["Spread", "over_seeds"]


class Spread(NamedTuple):
    """Mean and standard deviation of a number over several runs, and the least and the greatest."""

    mean: float
    deviation: float
    least: float
    greatest: float

    def __str__(self) -> str:
        return f"{self.mean:.4f} ± {self.deviation:.4f} ({self.least:.4f} to {self.greatest:.4f})"


def over_seeds(run: Callable[[int], Line], seeds: Iterable[int]) -> dict[str, Spread]:
    """Call `run` with each seed, two or more; return how each number of what it returns is spread."""
    lines = [run(seed) for seed in seeds]
    if len(lines) < 2:
        raise ValueError(f"over_seeds: expected 2 seeds or more, got {len(lines)}")
    columns = {name: [line[name] for line in lines] for name in lines[0]}
    return {name: Spread(mean(each), stdev(each), min(each), max(each)) for name, each in columns.items()}
