"""Worker processes of a data loader, seen from the process that asks them for batches.

Each is a daemon at the other end of a socket. It ends when its end reads that the other one is closed, which the operating
system sees to however this process ends; forked processes close what they inherit of it. Of one that dies the socket tells.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
import warnings
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from typing import Any
from weakref import WeakSet

from lineal.data import parcels
from lineal.data.fetching import Ended
from lineal.data.serving import Ending, Failure, serve
from lineal.data.workers import Job, Outcome, Task, rebuilt

__all__ = ["Processes"]

PATIENCE = 5.0
"""How many seconds a worker may take to end what it is doing before it is told to stop; as many later it is killed."""

ends: WeakSet[Connection] = WeakSet()
"""This process's ends of the sockets to its workers."""


def close_ends() -> None:
    """Close what a forked process inherits of its parent's sockets: the parent's workers are not its own."""
    for connection in list(ends):
        connection.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=close_ends)


def is_alone() -> bool:
    """Return whether all threads but this one are lineal's own, which bear a fork."""
    others = (each for each in threading.enumerate() if each is not threading.current_thread())
    return all(each.name.startswith("lineal-") for each in others)


class Worker:
    """A worker process, and how many outcomes it owes."""

    def __init__(self, number: int, job: Job, context: Any):
        self.number = number
        self.owed = self.unwanted = 0
        """How many outcomes are to come, and how many of these are of passes that were abandoned."""
        self.connection, theirs = context.Pipe()
        ends.add(self.connection)
        self.process = context.Process(target=serve, args=(theirs, job, number), daemon=True)
        try:
            with warnings.catch_warnings():
                if is_alone():
                    warnings.filterwarnings("ignore", ".*use of fork", DeprecationWarning)
                self.process.start()
        except BaseException:
            self.connection.close()
            raise
        finally:
            theirs.close()

    def order(self, wanted: Any) -> None:
        """Send a task."""
        try:
            self.connection.send(wanted)
        except ConnectionError:
            raise RuntimeError(self.obituary()) from None
        self.owed += 1

    def receive(self) -> Outcome | None:
        """Return the next outcome, None if nobody wants it any more."""
        try:
            found = parcels.receive(self.connection)
        except (EOFError, ConnectionError):
            raise RuntimeError(self.obituary()) from None
        self.owed -= 1
        if self.unwanted:
            self.unwanted -= 1
            return None
        if isinstance(found, Ending):
            return Outcome(self.number, Ended())
        if isinstance(found, Failure):
            return Outcome(self.number, rebuilt(found.kind, found.text) or RuntimeError(found.text))
        return Outcome(self.number, None, found)

    def obituary(self) -> str:
        """Return the words that say how the process ended."""
        self.process.join(PATIENCE)
        code = self.process.exitcode
        how = f"exited unexpectedly with exit code {code}"
        if code is not None and code < 0:
            how = f"is killed by signal: {signal.Signals(-code).name}"
        hint = "num_workers=0 may show more"
        return f"DataLoader worker (pid {self.process.pid}) {how} (worker {self.number}; {hint})"

    def end(self, until: float) -> None:
        """Wait for the process to end until a time; then stop it."""
        self.process.join(max(0.0, until - time.monotonic()))
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(PATIENCE)


class Processes:
    """The worker processes of one pass, or of all passes if they are persistent."""

    def __init__(self, job: Job, context: Any):
        self.closed = False
        self.owner = os.getpid()
        self.workers: list[Worker] = []
        try:
            for number in range(job.count):
                self.workers.append(Worker(number, job, context))
        except BaseException:
            self.dismiss()
            raise

    def order(self, number: int, wanted: Any) -> None:
        """Give a worker a task; RuntimeError if it has died, and the others are dismissed."""
        try:
            self.workers[number].order(wanted)
        except BaseException:
            self.dismiss()
            raise

    def receive(self, numbers: Sequence[int], timeout: float) -> Outcome:
        """Return the next outcome of whichever of these workers is first; TimeoutError if none comes.

        RuntimeError if a worker has died. After that, or an interruption, the workers are dismissed.
        """
        end = time.monotonic() + timeout if timeout else math.inf
        try:
            while (left := end - time.monotonic()) > 0:
                for number in self.readable(numbers, min(left, PATIENCE)):
                    outcome = self.workers[number].receive()
                    if outcome is not None:
                        return outcome
        except BaseException:
            self.dismiss()
            raise
        raise TimeoutError

    def readable(self, numbers: Sequence[int], patience: float) -> list[int]:
        """Return which of these workers have sent something, after some seconds none."""
        connections = {self.workers[number].connection: number for number in numbers}
        ready = wait([*connections, *(worker.process.sentinel for worker in self.workers)], patience)
        found = [number for connection, number in connections.items() if connection in ready]
        # what one has sent before it died is still read
        for worker in () if found else [*(self.workers[number] for number in numbers), *self.workers]:
            if not worker.process.is_alive():
                raise RuntimeError(worker.obituary())
        return found

    def forget(self) -> None:
        """Let go of all tasks: what comes of them is not wanted."""
        for worker in self.workers:
            worker.unwanted = worker.owed

    def renew(self) -> None:
        """Let every worker begin the data set anew."""
        for number in range(len(self.workers)):
            self.order(number, Task.RENEW)
        self.forget()

    def dismiss(self, wait: bool = True) -> None:
        """Let the processes end after what they are doing, within some seconds, and wait until they have."""
        if self.closed or self.owner != os.getpid():
            return
        self.closed = True
        for worker in self.workers:
            worker.connection.close()
        until = time.monotonic() + PATIENCE
        for worker in self.workers:
            worker.end(until)
