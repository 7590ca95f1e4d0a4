"""Worker threads of a data loader: who fetches which batch, and in which order the batches come out.

Batch i is the task of worker i modulo their number (of those whose data has not ended), and each worker does its tasks in
order with random streams of its own, so that nothing depends on which thread is faster.
"""

from __future__ import annotations

import itertools
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextvars import ContextVar
from queue import SimpleQueue
from typing import Any, NamedTuple

from lineal.data.fetching import Ended
from lineal.data.replicas import replica
from lineal.data.streams import diverted, restored, seeded

__all__ = ["Ahead", "Team", "WorkerInfo", "get_worker_info"]


class WorkerInfo(NamedTuple):
    """Which worker thread this is: its number, how many there are, its seed, and its copy of the data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: ContextVar[WorkerInfo | None] = ContextVar("worker_info", default=None)


def get_worker_info() -> WorkerInfo | None:
    """Return which worker thread of a DataLoader runs this code, None outside of one.

    `seed` is the base seed that the loader drew, plus `id`; it is what `initial_seed()` returns in the worker. `dataset` is
    the worker's own copy, so that `worker_init_fn` may set its attributes.
    """
    return _info.get()


class Message(str):
    """An error's text that is shown as it is, for KeyError shows the repr of its argument."""

    def __repr__(self) -> str:
        return str(self)


def caught(error: BaseException, number: int) -> BaseException:
    """Return an error of the same type that names the worker, as PyTorch does; the error itself if its type takes no text."""
    where = f"in DataLoader worker {number}"
    text = "".join(traceback.format_exception(error)).rstrip()
    try:
        made = type(error)(Message(f"Caught {type(error).__name__} {where}.\nOriginal {text}"))
    except Exception:
        error.add_note(where)
        return error
    made.__cause__ = error
    return made


class Worker:
    """A thread that fetches batches in the order they are asked for; `make(dataset)` returns what fetches them."""

    def __init__(self, number: int, team: Team):
        self.number = number
        self.team = team
        self.fetch: Callable[[Any], Any] | None = None
        self.failure: Exception | None = None
        self.tasks: SimpleQueue[tuple[Future[Any], Any] | None] = SimpleQueue()
        self.thread = threading.Thread(target=self.run, name=f"DataLoader worker {number}", daemon=True)
        self.thread.start()

    def order(self, wanted: Any) -> Future[Any]:
        """Return the batch to come of what is wanted."""
        future: Future[Any] = Future()
        self.tasks.put((future, wanted))
        return future

    def run(self) -> None:
        """Do tasks until there is None."""
        diverted()
        try:
            self.begin()
            for future, wanted in iter(self.tasks.get, None):
                if future.set_running_or_notify_cancel():
                    self.fulfil(future, wanted)
                del future, wanted
        finally:
            restored()

    def begin(self) -> None:
        """Give the thread its identity; what fails is told where the first batch is expected."""
        seed = seeded(self.team.base_seed, self.number)
        try:
            self.dataset = replica(self.team.dataset)
            _info.set(WorkerInfo(self.number, self.team.count, seed, self.dataset))
            if self.team.initialize is not None:
                self.team.initialize(self.number)
            self.fetch = self.team.make(self.dataset)
        except Exception as error:
            self.failure = error

    def fulfil(self, future: Future[Any], wanted: Any) -> None:
        """Give `future` the batch, or the error."""
        try:
            if wanted is _RENEW:
                self.fetch = self.team.make(self.dataset)
                future.set_result(None)
                return
            if self.fetch is None:
                failure, self.failure = self.failure, None
                raise failure or RuntimeError("DataLoader: the worker could not be started")
            future.set_result(self.fetch(wanted))
        except Ended as error:
            future.set_exception(error)
        except BaseException as error:
            future.set_exception(caught(error, self.number))


_RENEW = object()
"""The task of beginning the data set anew."""


class Team:
    """The workers of one pass, or of all passes if they are persistent."""

    def __init__(
        self, dataset: Any, count: int, base_seed: int, make: Callable[[Any], Any], initialize: Callable[[int], Any] | None
    ):
        self.dataset = dataset
        self.count = count
        self.base_seed = base_seed
        self.make = make
        self.initialize = initialize
        self.workers = [Worker(number, self) for number in range(count)]

    def renew(self) -> None:
        """Let every worker begin the data set anew."""
        for worker in self.workers:
            if worker.fetch is not None:
                worker.order(_RENEW)

    def dismiss(self, wait: bool = False) -> None:
        """Let the threads end after what they are doing; `wait` until they have."""
        for worker in self.workers:
            worker.tasks.put(None)
        for worker in self.workers:
            if wait and worker.thread is not threading.current_thread():
                worker.thread.join()


class Ahead:
    """An iterator of batches that a team makes ahead of time, at most `depth` for each worker."""

    def __init__(self, team: Team, wanted: Iterator[Any], depth: int, timeout: float, keep: bool):
        self.team = team
        self.wanted = wanted
        self.timeout = timeout
        self.keep = keep
        self.closed = False
        self.active = [True] * team.count
        self.turns = itertools.cycle(team.workers)
        self.waiting: deque[tuple[Worker, Future[Any]]] = deque()
        for _ in range(depth * team.count):
            if not self.order():
                break

    def __iter__(self) -> Ahead:
        return self

    def order(self) -> bool:
        """Give the next task to the next worker whose data has not ended; returns whether there are both."""
        for wanted in itertools.islice(self.wanted, 1):
            for worker in itertools.islice(self.turns, self.team.count):
                if self.active[worker.number]:
                    self.waiting.append((worker, worker.order(wanted)))
                    return True
        return False

    def __next__(self) -> Any:
        while self.waiting and not self.closed:
            worker, future = self.waiting.popleft()
            if self.timeout and not wait((future,), self.timeout).done:
                self.abandon()
                raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds")
            error = future.exception()
            self.active[worker.number] &= not isinstance(error, Ended)
            self.order()
            if error is None:
                return future.result()
            if not isinstance(error, Ended):
                raise error
        self.close()
        raise StopIteration

    def abandon(self) -> None:
        """Fetch no more; the threads end after what they are doing, or wait for the next pass if they are kept."""
        if self.closed:
            return
        self.closed = True
        for _, future in self.waiting:
            future.cancel()
        self.waiting.clear()
        if not self.keep:
            self.team.dismiss()

    def close(self) -> None:
        """End the pass, and wait for the threads to end."""
        self.abandon()
        if not self.keep:
            self.team.dismiss(wait=True)

    def __del__(self) -> None:
        if hasattr(self, "closed"):
            self.abandon()
