"""The batches of one pass that workers make ahead of time: who makes which, and in which order they come out.

Batch i is the task of worker i modulo their number (of those whose data has not ended), and each worker does its tasks in
order with random streams of its own, so that nothing depends on which worker is faster.
"""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from lineal.data.fetching import Ended
from lineal.data.workers import Outcome

__all__ = ["Ahead", "Team"]


class Team(Protocol):
    """The workers of a loader: threads or processes."""

    closed: bool

    @property
    def workers(self) -> Sequence[Any]: ...

    def order(self, number: int, wanted: Any) -> None: ...
    def receive(self, numbers: Sequence[int], timeout: float) -> Outcome: ...
    def forget(self) -> None: ...
    def renew(self) -> None: ...
    def dismiss(self, wait: bool = False) -> None: ...


class Ahead:
    """An iterator of batches that a team makes ahead of time, at most `depth` for each worker.

    They come in the order of their tasks if `in_order`, else as they are made; then a worker that is faster makes more.
    """

    def __init__(self, team: Team, wanted: Iterator[Any], depth: int, timeout: float, keep: bool, in_order: bool):
        self.team = team
        self.wanted = wanted
        self.timeout = timeout
        self.keep = keep
        self.in_order = in_order
        self.closed = False
        # not by __del__: in a cycle of garbage the sockets might have been closed before
        self.end = None if keep else weakref.finalize(self, team.dismiss)
        count = len(team.workers)
        self.active = [True] * count
        self.turns = itertools.cycle(range(count))
        self.waiting: deque[int] = deque()
        """The worker of each task whose batch has not come, in the order of the tasks."""
        for _ in range(depth * count):
            if not self.order():
                break

    def __iter__(self) -> Ahead:
        return self

    def order(self) -> bool:
        """Give the next task to the next worker whose data has not ended; returns whether there are both."""
        for wanted in itertools.islice(self.wanted, 1):
            turns = [number for number in itertools.islice(self.turns, len(self.active)) if self.active[number]]
            if not turns:
                return False
            number = turns[0] if self.in_order else min(turns, key=self.waiting.count)
            while next(self.turns) != number:
                pass
            self.team.order(number, wanted)
            self.waiting.append(number)
            return True
        return False

    def receive(self) -> Outcome:
        """Return the next outcome; an error ends the pass if there can be none."""
        numbers = (self.waiting[0],) if self.in_order else tuple(dict.fromkeys(self.waiting))
        try:
            return self.team.receive(numbers, self.timeout)
        except BaseException as error:
            self.abandon()
            if isinstance(error, TimeoutError):
                raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds") from None
            raise

    def __next__(self) -> Any:
        while self.waiting and not self.closed:
            outcome = self.receive()
            self.waiting.remove(outcome.number)
            self.active[outcome.number] &= not isinstance(outcome.error, Ended)
            self.order()
            if outcome.error is None:
                return outcome.batch
            if not isinstance(outcome.error, Ended):
                try:
                    raise outcome.error
                finally:
                    # its traceback holds this frame, which must not hold it
                    del outcome
        self.close()
        raise StopIteration

    def abandon(self, wait: bool = False) -> None:
        """Fetch no more; the workers end after what they are doing, or wait for the next pass if they are kept."""
        if self.closed:
            return
        self.closed = True
        self.team.forget()
        self.waiting.clear()
        if self.end is not None:
            self.end.detach()
            self.team.dismiss(wait)

    def close(self) -> None:
        """End the pass, and wait for the workers to end."""
        self.abandon(wait=True)
