"""The recording of a profile: what is heard, and what programs say themselves, becomes events."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter_ns
from types import FrameType
from typing import Any, TypeVar

from lineal.core import modes
from lineal.profiler.events import EventList, FunctionEvent, Interval
from lineal.profiler.hearing import Heard, hearer
from lineal.profiler.stacks import stack_of
from lineal.tracing.flops import flops

__all__ = ["Recording", "Wishes", "record_function"]

F = TypeVar("F", bound=Callable[..., Any])
MICRO = 1e-3
"""Microseconds in a nanosecond."""
NONE = "none"
"""The kind of what turned out to be no event of its own."""


@dataclass(frozen=True)
class Wishes:
    """What a profile is to tell beside names and times."""

    shapes: bool = False
    memory: bool = False
    stack: bool = False
    flops: bool = False
    modules: bool = False


class Recording:
    """Hears this thread from `begin` to `end`; the events come in the order in which they began."""

    def __init__(self, wishes: Wishes):
        self.wishes = wishes
        self.events: list[FunctionEvent] = []
        self.open: list[FunctionEvent] = []
        self.thread = threading.get_ident()
        self.origin = 0
        self.hearer = hearer()

    def begin(self) -> None:
        """Begin to hear; RuntimeError if another profile does."""
        if current.get() is not None:
            raise RuntimeError("profiler: another profile is recording in this thread; end it first")
        self.before = sys.getprofile()
        if self.before is not None and not callable(self.before):
            # a profiler of Python's own, as cProfile is
            self.before.disable()
        self.token = current.set(self)
        self.hearer.choose(self.wishes.modules)
        self.hearer.began, self.hearer.ended = self.began, self.ended
        # while one is counted here, tensors are made by a function of Python's, and no door passes natively, unheard
        modes.Inference.change(1)
        self.origin = perf_counter_ns()
        self.hearer.enable()

    def end(self) -> EventList:
        """Hear no longer, and return the events."""
        self.hearer.disable()
        modes.Inference.change(-1)
        if callable(self.before):
            sys.setprofile(self.before)
        elif self.before is not None:
            self.before.enable()
        now = perf_counter_ns()
        while self.open:
            self.close(now)
        current.reset(self.token)
        return EventList((each for each in self.events if each.kind != NONE), self.wishes.memory, self.wishes.flops)

    def began(self, time: int, name: str = "", kind: str = "op") -> None:
        """Open an event, whose name is known when it ends, unless it is given."""
        event = FunctionEvent(len(self.events), name, kind, self.thread, (time - self.origin) * MICRO)
        if self.open:
            event.cpu_parent = self.open[-1]
            event.cpu_parent.cpu_children.append(event)
        self.open.append(event)
        self.events.append(event)

    def ended(self, time: int, frame: FrameType, heard: Heard | None) -> None:
        """Close the event that was opened last, unless the profile began within it."""
        if not self.open or self.open[-1].kind == "annotation":
            return
        event = self.close(time)
        if heard is None:
            self.forget(event)
            return
        event.name = event.key = heard.name
        event.kind = heard.kind
        self.tell(event, frame, heard)

    def close(self, time: int) -> FunctionEvent:
        """Close the event that was opened last, and return it."""
        event = self.open.pop()
        event.time_range = Interval(event.time_range.start, (time - self.origin) * MICRO)
        return event

    def forget(self, event: FunctionEvent) -> None:
        """Take out an event that was none; what it called stays, its parent's then."""
        parent = event.cpu_parent
        for each in event.cpu_children:
            each.cpu_parent = parent
        if parent is not None:
            parent.cpu_children.remove(event)
            parent.cpu_children.extend(event.cpu_children)
        event.kind = NONE

    def close_named(self, name: str) -> None:
        """Close what a program has named, and what was left open in it."""
        now = perf_counter_ns()
        while self.open and self.close(now).name != name:
            pass

    def tell(self, event: FunctionEvent, frame: FrameType, heard: Heard) -> None:
        """Note what is wanted of an event."""
        wishes, op = self.wishes, heard.op
        xs, ys = [x.value.shape for x in heard.xs], [getattr(y, "value", y) for y in heard.ys]
        if wishes.shapes:
            event.input_shapes = [list(each) for each in xs]
        if wishes.flops and op is not None and ys:
            event.flops = flops(op, xs, [y.shape for y in ys])
        if wishes.memory and op is not None and op.aliasing is None:
            event.self_cpu_memory_usage = sum(y.nbytes for y in ys)
        if wishes.stack:
            event.stack = stack_of(frame)


current: ContextVar[Recording | None] = ContextVar("profile", default=None)
"""The profile that records in this thread."""


class record_function:  # noqa: N801
    """Name a part of a program in profiles: a context manager, and a decorator of functions."""

    def __init__(self, name: str, args: str | None = None):
        self.name, self.args = name, args
        self.recordings: list[Recording | None] = []

    def __enter__(self) -> record_function:
        recording = current.get()
        self.recordings.append(recording)
        if recording is not None:
            recording.began(perf_counter_ns(), self.name, "annotation")
        return self

    def __exit__(self, *exception: object) -> None:
        recording = self.recordings.pop()
        if recording is not None and recording is current.get():
            recording.close_named(self.name)

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        kept: Any = named
        return kept
