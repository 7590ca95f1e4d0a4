"""Collectives that go on while the program does: a thread for each group makes them in the order in which they were begun."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from lineal.futures import Future

__all__ = ["Order", "Work"]


class Work:
    """A collective or message that was begun: what `async_op` returns."""

    def __init__(self, results: list[Any]):
        self.results, self.done = results, threading.Event()
        self.error: Exception | None = None
        self.source = -1
        self.future: Future[Any] | None = None
        self.lock = threading.Lock()

    def finish(self, error: Exception | None = None) -> None:
        """Note that it has ended."""
        with self.lock:
            self.error = error
            self.done.set()
        if self.future is not None:
            self.settle(self.future)

    def settle(self, future: Future[Any]) -> None:
        """Let a future have what came out."""
        if self.error is None:
            future.set_result(self.results)
        else:
            future.set_exception(self.error)

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Wait for the end; return True, or raise the error that it ended with, RuntimeError if it takes longer."""
        if not self.done.wait(None if timeout is None or not timeout else timeout.total_seconds()):
            raise RuntimeError(f"Work.wait: timed out after {timeout}")
        if self.error is not None:
            raise self.error
        return True

    def is_completed(self) -> bool:
        """Return whether it has ended."""
        return self.done.is_set()

    def is_success(self) -> bool:
        """Return whether it has ended without an error."""
        return self.done.is_set() and self.error is None

    def exception(self) -> Exception | None:
        """Return the error that it ended with, None if there was none."""
        return self.error

    def source_rank(self) -> int:
        """Return the rank that a message has come from."""
        return self.source

    def result(self) -> list[Any]:
        """Return the tensors that were written."""
        return self.results

    def get_future(self) -> Future[Any]:
        """Return the future of the tensors that are written."""
        with self.lock:
            made = self.future is None
            self.future = self.future or Future()
        if made and self.done.is_set() and not self.future.done():
            self.settle(self.future)
        return self.future


class Order:
    """What is done one after the other: at once if nothing waits, else by a thread of its own, which ends with the process."""

    NAME: ClassVar[str] = "lineal-collectives"
    """The name of the threads."""
    outstanding: ClassVar[int] = 0
    """How many jobs all threads of the process have to do."""
    counting: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[tuple[Callable[[], None], Work] | None] = queue.SimpleQueue()
        self.left = 0
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def run(self, job: Callable[[], None]) -> None:
        """Do a job in its turn: now, or by the thread, behind what that has to do."""
        if not self.left:
            job()
            return
        work = Work([])
        self.begin(job, work)
        work.wait()

    def begin(self, job: Callable[[], None], work: Work) -> None:
        """Let the thread do a job."""
        self.count(1)
        with self.lock:
            if self.thread is None:
                self.thread = threading.Thread(target=self.serve, name=self.NAME, daemon=True)
                self.thread.start()
        self.waiting.put((job, work))

    def serve(self) -> None:
        """Do what comes."""
        while (item := self.waiting.get()) is not None:
            job, work = item
            error = None
            try:
                job()
            except Exception as raised:
                error = raised
            self.count(-1)
            work.finish(error)

    def count(self, by: int) -> None:
        """Count jobs that have come, or are done."""
        with Order.counting:
            self.left += by
            Order.outstanding += by

    def end(self) -> None:
        """Let the thread end when all is done."""
        self.waiting.put(None)
