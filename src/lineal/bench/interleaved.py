"""Timing of rival callables in one process, turn by turn, so that the machine's drift hits all of them alike."""

from __future__ import annotations

import gc
import platform
import statistics
import time
from collections.abc import Callable


def calibrate(function: Callable[[], object], seconds: float) -> int:
    """Return how many calls of `function` take about `seconds`."""
    count = 1
    while True:
        start = time.perf_counter()
        for _ in range(count):
            function()
        spent = time.perf_counter() - start
        if spent > seconds / 4:
            return max(1, int(count * seconds / spent))
        count *= 4


REST = 0.01
"""How long nobody runs between two turns, in seconds: libraries' idle threads wait for more work with open eyes for a while."""


def medians(rivals: dict[str, Callable[[], object]], rounds: int = 25, seconds: float = 0.02) -> dict[str, float]:
    """Return the median seconds per call of each rival over `rounds` rounds, in each of which every rival has a turn.

    A turn begins with a call that does not count: it wakes the library's own threads and fetches its data into the caches.
    """
    counts = {name: calibrate(function, seconds) for name, function in rivals.items()}
    times: dict[str, list[float]] = {name: [] for name in rivals}
    gc.collect()
    for _ in range(rounds):
        for name, function in rivals.items():
            count = counts[name]
            time.sleep(REST)
            function()
            start = time.perf_counter()
            for _ in range(count):
                function()
            times[name].append((time.perf_counter() - start) / count)
    return {name: statistics.median(each) for name, each in times.items()}


def machine() -> str:
    """Return one line about the processor, the system and Python."""
    return f"{platform.processor() or platform.machine()}, {platform.system()}, Python {platform.python_version()}"
