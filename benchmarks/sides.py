"""One side of a comparison of processes: it is told names, and answers with the seconds that a call takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

Call = Callable[[], Any]

TURN = 0.02
"""About how many seconds a turn lasts."""


def answer(makers: dict[str, Callable[[], Call]]) -> None:
    """Print the seconds of a call for each name that is read from standard input; calls are made when first asked for."""
    ready: dict[str, tuple[Call, int]] = {}
    for line in sys.stdin:
        name = line.rstrip("\n")
        if name not in ready:
            call = makers[name]()
            for _ in range(5):
                call()
            ready[name] = call, max(1, round(TURN / seconds(call, 1)))
        call, count = ready[name]
        # it wakes the threads and fetches the data into the caches
        call()
        print(seconds(call, count), flush=True)


def seconds(call: Call, count: int) -> float:
    """Return the seconds of a call, of so many."""
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count
