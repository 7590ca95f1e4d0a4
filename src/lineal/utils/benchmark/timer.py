"""`Timer`: how long a statement takes."""

from __future__ import annotations

import contextlib
import timeit
from collections.abc import Callable, Iterator
from typing import Any

from lineal.base.errors import UnsupportedError
from lineal.base.threads import get_num_threads, set_num_threads
from lineal.utils.benchmark.measurement import Measurement, TaskSpec

__all__ = ["Timer"]

OVERHEAD = 1e-4
"""The part of a block's time that the clock itself may take."""


class Timer:
    """Measures a statement of Python's, given as text, which sees the names in `globals`; with one thread, if not told else.

    >>> Timer("x.sum()", globals={"x": torch.ones(3)}).timeit(10).number_per_run
    10
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timeit.default_timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Any = "python",
    ):
        if str(getattr(language, "value", language)).lower() not in ("python", "py", "0"):
            raise UnsupportedError(f"Timer: expected a statement of Python's, got one of {language}")
        if not isinstance(stmt, str):
            raise ValueError(f"Timer: expected the statement as text, got {type(stmt).__name__}")
        self.clock = timer
        self._task_spec = TaskSpec(stmt, setup, global_setup, label, sub_label, description, env, num_threads)
        self._timer = timeit.Timer(stmt, setup, timer, dict(globals or {}))

    @contextlib.contextmanager
    def _threads(self) -> Iterator[None]:
        """Compute with as many threads as are to be measured."""
        before = get_num_threads()
        set_num_threads(self._task_spec.num_threads)
        try:
            yield
        finally:
            set_num_threads(before)

    def _times(self, number: int) -> float:
        return max(self._timer.timeit(number), 1e-9)

    def _measurement(self, number: int, times: list[float]) -> Measurement:
        return Measurement(number, times, self._task_spec)

    def timeit(self, number: int = 1000000) -> Measurement:
        """Return the time of `number` executions in one run, after a few to warm up."""
        with self._threads():
            self._times(max(number // 100, 2))
            return self._measurement(number, [self._times(number)])

    def repeat(self, repeat: int = -1, number: int = -1) -> None:
        """Refuse: `timeit` and `blocked_autorange` say what was measured."""
        raise NotImplementedError("Timer.repeat: see timeit and blocked_autorange")

    autorange = repeat

    def _block(self, min_run_time: float) -> int:
        """Return how many executions a run must have so that the clock does not count."""
        clock = min(timeit.repeat(self.clock, number=100, repeat=5)) / 100
        number = 1
        while True:
            taken = self._times(number)
            if taken >= min(max(clock / OVERHEAD, 1e-4), min_run_time):
                return number
            number *= 10

    def blocked_autorange(self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2) -> Measurement:
        """Return the times of as many runs as take `min_run_time` seconds together, each long enough for the clock."""
        with self._threads():
            number, times = self._block(min_run_time), []
            while not times or sum(times) < min_run_time:
                times.append(self._times(number))
                if callback is not None:
                    callback(number, times[-1])
            return self._measurement(number, times)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """Return the times of runs until their quartiles lie within a part `threshold` of the median, or time is over."""
        with self._threads():
            number, times = self._block(0.05), []
            while True:
                times.append(self._times(number))
                if callback is not None:
                    callback(number, times[-1])
                found = self._measurement(number, times)
                enough = len(times) > 3 and sum(times) > min_run_time and found.meets_confidence(threshold)
                if enough or sum(times) > max_run_time:
                    return found

    def collect_callgrind(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: Valgrind is not asked."""
        raise UnsupportedError("Timer.collect_callgrind: lineal does not count instructions; use blocked_autorange")
