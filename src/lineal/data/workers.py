"""What a worker of a data loader is, be it a thread or a process: who it is, and how it does its tasks."""

from __future__ import annotations

import enum
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

__all__ = ["Duty", "Job", "Outcome", "Task", "WorkerInfo", "get_worker_info", "message", "rebuilt"]


class WorkerInfo(NamedTuple):
    """Which worker this is: its number, how many there are, its seed, and its copy of the data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


class Job(NamedTuple):
    """What all workers of a loader are told; `make(dataset)` returns what fetches batches."""

    dataset: Any
    count: int
    base_seed: int
    make: Callable[[Any], Callable[[Any], Any]]
    initialize: Callable[[int], Any] | None


class Task(enum.Enum):
    """Tasks other than indices."""

    RENEW = "begin the data set anew"


class Outcome(NamedTuple):
    """What became of a task: the worker's number, and the batch or the error."""

    number: int
    error: BaseException | None
    batch: Any = None


_info: ContextVar[WorkerInfo | None] = ContextVar("worker_info", default=None)


class ThisProcess:
    """Which worker this process is, if it is one: known in all its threads."""

    info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return which worker of a DataLoader runs this code, None outside of one.

    `seed` is the base seed that the loader drew, plus `id`; it is what `initial_seed()` returns in the worker. `dataset` is
    the worker's own copy, so that `worker_init_fn` may set its attributes.
    """
    return _info.get() or ThisProcess.info


class Duty:
    """Does the tasks of one worker, in the order they come."""

    def __init__(self, job: Job, number: int):
        self.job = job
        self.number = number
        self.fetch: Callable[[Any], Any] | None = None
        self.failure: BaseException | None = None
        self.started = False
        """Whether `worker_init_fn` went well."""

    def begin(self, dataset: Any, seed: int, own_process: bool) -> None:
        """Take up an identity and a copy of the data set; what fails is told where the first batch is expected."""
        self.dataset = dataset
        # who ends its own process is noticed; who ends a thread must not leave others waiting
        self.kept: type[BaseException] = Exception if own_process else BaseException
        info = WorkerInfo(self.number, self.job.count, seed, dataset)
        if own_process:
            ThisProcess.info = info
        else:
            _info.set(info)
        try:
            if self.job.initialize is not None:
                self.job.initialize(self.number)
        except self.kept as error:
            self.failure = error
        else:
            self.started = True
            self.renew()

    def renew(self) -> None:
        """Begin the data set anew; what fails is told where the next batch is expected."""
        self.fetch = self.failure = None
        try:
            self.fetch = self.job.make(self.dataset)
        except self.kept as error:
            self.failure = error

    def __call__(self, wanted: Any) -> Any:
        """Return what a task asks for, or raise what comes in the way."""
        if wanted is Task.RENEW:
            if self.started:
                self.renew()
            return None
        if self.fetch is None:
            failure, self.failure = self.failure, None
            raise failure or RuntimeError("DataLoader: the worker could not be started")
        return self.fetch(wanted)


class Message(str):
    """An error's text that is shown as it is, for KeyError shows the repr of its argument."""

    def __repr__(self) -> str:
        return str(self)


def message(error: BaseException, where: str) -> str:
    """Return the text of an error that names the worker and ends with the original traceback, as PyTorch's."""
    text = "".join(traceback.format_exception(error)).rstrip()
    return f"Caught {type(error).__name__} {where}.\nOriginal {text}"


def rebuilt(kind: type[BaseException], text: str) -> BaseException | None:
    """Return an error of this type with this text; None if the type takes no text."""
    try:
        return kind(Message(text))
    except Exception:
        return None
