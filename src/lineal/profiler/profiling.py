"""`profile`: a context in which what a program computes is recorded, step by step if it has a schedule."""

from __future__ import annotations

import json
import os
import socket
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Self

from lineal.base.errors import UnsupportedError
from lineal.profiler.chrome import write_trace
from lineal.profiler.events import EventList
from lineal.profiler.recording import Recording, Wishes, record_function
from lineal.profiler.schedules import ProfilerAction, ProfilerActivity

__all__ = ["kineto_available", "profile", "supported_activities", "tensorboard_trace_handler"]

NONE, WARMUP, RECORD, SAVE = ProfilerAction


def supported_activities() -> set[ProfilerActivity]:
    """Return what can be recorded."""
    return {ProfilerActivity.CPU}


def kineto_available() -> bool:
    """Return whether PyTorch's library of profiles is there: lineal records by itself."""
    return False


class profile:  # noqa: N801
    """Record what ops, backward passes, compiled functions and optimizers do in this thread, and how long they take.

    With a `schedule`, `step()` tells that a step is done, and `on_trace_ready(profile)` is called whenever a recording ends.
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Callable[[], str] | None = None,
    ):
        require_plain(experimental_config=experimental_config, execution_trace_observer=execution_trace_observer)
        self.activities = supported_activities() if activities is None else set(activities)
        if not self.activities:
            raise AssertionError("profile: No valid profiler activities found")
        if use_cuda or self.activities - supported_activities():
            warnings.warn("profile: there is no other device than the host, whose work alone is recorded", stacklevel=2)
        self.wishes = Wishes(record_shapes or with_flops, profile_memory, with_stack, with_flops, with_modules)
        self.schedule, self.on_trace_ready = schedule, on_trace_ready
        self.record_shapes, self.with_flops, self.with_stack = record_shapes, with_flops, with_stack
        self.profile_memory, self.with_modules, self.acc_events = profile_memory, with_modules, acc_events
        self.step_num = 0
        self.current_action = self.planned()
        self.recording: Recording | None = None
        self.recorded: EventList | None = None
        self.metadata: dict[str, Any] = {}
        self.named_step: record_function | None = None

    def planned(self) -> ProfilerAction:
        """Return what is to be done in the present step."""
        return RECORD if self.schedule is None else self.schedule(self.step_num)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin with what is planned for the first step."""
        self.recorded = None
        self.go_on(NONE, self.current_action)

    def stop(self) -> None:
        """End; what was recorded is handed over."""
        self.go_on(self.current_action, None)

    def step(self) -> None:
        """Say that a step is done, and begin the next one."""
        before, self.step_num = self.current_action, self.step_num + 1
        self.current_action = self.planned()
        self.go_on(before, self.current_action)

    def go_on(self, before: ProfilerAction, after: ProfilerAction | None) -> None:
        """Begin or end a recording, between two steps."""
        if self.named_step is not None:
            self.named_step.__exit__()
            self.named_step = None
        if self.recording is not None and (before is SAVE or after not in (RECORD, SAVE)):
            self.recorded, self.recording = self.kept(self.recording.end()), None
            if self.on_trace_ready is not None and (before is SAVE or after is None):
                self.on_trace_ready(self)
        if after in (RECORD, SAVE) and self.recording is None:
            self.recording = Recording(self.wishes)
            self.recording.begin()
        if self.schedule is not None and self.recording is not None:
            self.named_step = record_function(f"ProfilerStep#{self.step_num}")
            self.named_step.__enter__()

    def kept(self, events: EventList) -> EventList:
        """Return the events of a recording, behind those of the ones before if all are wanted."""
        if self.acc_events and self.recorded is not None:
            events[:0] = self.recorded
        return events

    def events(self) -> EventList:
        """Return the events of the last recording that ended; AssertionError if there is none."""
        if self.recorded is None:
            raise AssertionError("profile: nothing was recorded yet; ask when the block, or a recording, has ended")
        return self.recorded

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Return the averages of the events by name, by shapes too, by as many lines of the stack too."""
        return self.events().key_averages(group_by_input_shape, group_by_stack_n)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as a trace that Chrome and Perfetto show; a path that ends in `.gz` is compressed."""
        write_trace(path, self.events(), self.metadata)

    def export_stacks(self, path: str | os.PathLike[str], metric: str = "self_cpu_time_total") -> None:
        """Write lines of `stack number`, as flame graphs are drawn from; the profile must be one `with_stack`."""
        self.events().export_stacks(path, metric)

    def export_memory_timeline(self, path: str, device: str | None = None) -> None:
        """Refuse: when memory is freed is not recorded."""
        raise UnsupportedError("profile.export_memory_timeline: the bytes of results are recorded, not when they are freed")

    def add_metadata(self, key: str, value: str) -> None:
        """Add a word to the traces that are written."""
        self.metadata[key] = str(value)

    def add_metadata_json(self, key: str, value: str) -> None:
        """Add a value, given as JSON, to the traces that are written."""
        self.metadata[key] = json.loads(value)


def require_plain(**given: Any) -> None:
    """Refuse what only PyTorch's tracing library does."""
    for name, value in given.items():
        if value is not None:
            raise UnsupportedError(f"profile: {name}= is of the tracing library of PyTorch's, which is not here; leave it out")


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """Return what writes each recording into a folder, as TensorBoard looks for it: `worker.time.pt.trace.json`."""

    def write(recorded: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json{'.gz' if use_gzip else ''}"
        recorded.export_chrome_trace(os.path.join(dir_name, name))

    return write
