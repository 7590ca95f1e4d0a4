"""Worker threads of a data loader, by `multiprocessing_context="thread"`: they share the memory of the process.

They suit data sets that NumPy or files keep busy, where Python's lock is free for the others, and need no copy of anything.
Each has its own default generators and its own copy of the data set (`replicas.py` says of what), so that what items draw
depends on the seed and the number of workers alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from queue import SimpleQueue
from typing import Any

from lineal.data.fetching import Ended
from lineal.data.replicas import replica
from lineal.data.streams import diverted, restored, seeded
from lineal.data.workers import Duty, Job, Outcome, Task, message, rebuilt

__all__ = ["Threads"]


def caught(error: BaseException, number: int) -> BaseException:
    """Return an error of the same type that names the worker, as PyTorch does; the error itself if its type takes no text."""
    where = f"in DataLoader worker {number}"
    made = rebuilt(type(error), message(error, where))
    if made is None:
        error.add_note(where)
        return error
    made.__cause__ = error
    return made


class Worker:
    """A thread that does tasks in the order they are given."""

    def __init__(self, number: int, job: Job):
        self.duty = Duty(job, number)
        self.tasks: SimpleQueue[tuple[Future[Any], Any] | None] = SimpleQueue()
        self.waiting: deque[Future[Any]] = deque()
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
            job, number = self.duty.job, self.duty.number
            seed = seeded(job.base_seed, number)
            try:
                self.duty.begin(replica(job.dataset), seed, own_process=False)
            except Exception as error:
                self.duty.failure = error
            for future, wanted in iter(self.tasks.get, None):
                if future.set_running_or_notify_cancel():
                    self.fulfil(future, wanted)
                del future, wanted
        finally:
            restored()

    def fulfil(self, future: Future[Any], wanted: Any) -> None:
        """Give `future` the batch, or the error."""
        try:
            future.set_result(self.duty(wanted))
        except Ended as error:
            future.set_exception(error)
        except BaseException as error:
            future.set_exception(caught(error, self.duty.number))


class Threads:
    """The worker threads of one pass, or of all passes if they are persistent."""

    def __init__(self, job: Job):
        self.closed = False
        self.workers = [Worker(number, job) for number in range(job.count)]

    def order(self, number: int, wanted: Any) -> None:
        """Give a worker a task."""
        worker = self.workers[number]
        worker.waiting.append(worker.order(wanted))

    def receive(self, numbers: Sequence[int], timeout: float) -> Outcome:
        """Return the outcome of the oldest task of whichever of these workers is first; TimeoutError if none comes."""
        oldest = {self.workers[number].waiting[0]: number for number in numbers}
        done = wait(oldest, timeout or None, FIRST_COMPLETED).done
        if not done:
            raise TimeoutError
        future = next(each for each in oldest if each in done)
        number = oldest[future]
        self.workers[number].waiting.popleft()
        error = future.exception()
        return Outcome(number, error, None if error else future.result())

    def forget(self) -> None:
        """Let go of all tasks that have not been begun."""
        for worker in self.workers:
            for future in worker.waiting:
                future.cancel()
            worker.waiting.clear()

    def renew(self) -> None:
        """Let every worker begin the data set anew."""
        for worker in self.workers:
            worker.order(Task.RENEW)

    def dismiss(self, wait: bool = False) -> None:
        """Let the threads end after what they are doing; `wait` until they have."""
        self.closed = True
        for worker in self.workers:
            worker.tasks.put(None)
        for worker in self.workers:
            if wait and worker.thread is not threading.current_thread():
                worker.thread.join()
