"""What a profile has heard: events in time, one in another, and their averages."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from lineal.profiler.chrome import write_trace
from lineal.profiler.stacks import write_stacks
from lineal.profiler.table import table

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "Interval"]


class Interval(NamedTuple):
    """When something began and ended, in microseconds since the profile began."""

    start: float
    end: float

    def elapsed_us(self) -> float:
        """Return how long it took."""
        return self.end - self.start


class Times:
    """What an event and the average of several have: times in microseconds, memory in bytes."""

    key: str
    count: int
    cpu_time_total: float
    self_cpu_time_total: float
    cpu_memory_usage: int
    self_cpu_memory_usage: int
    flops: int
    device_time_total = self_device_time_total = cuda_time_total = self_cuda_time_total = 0
    device_memory_usage = self_device_memory_usage = cuda_memory_usage = self_cuda_memory_usage = 0

    @property
    def cpu_time(self) -> float:
        """The time of one call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def cpu_time_total_str(self) -> str:
        """The time of all calls, with its unit."""
        return duration(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        """The time of all calls without that of what they called, with its unit."""
        return duration(self.self_cpu_time_total)


def duration(microseconds: float) -> str:
    """Return a time with its unit, as in `12.345ms`."""
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:.3f}s"
    return f"{microseconds / 1e3:.3f}ms" if microseconds >= 1e3 else f"{microseconds:.3f}us"


class FunctionEvent(Times):
    """One call: its name, when it ran, what it was given, what it called."""

    count = 1
    is_async = is_remote = False

    def __init__(self, number: int, name: str, kind: str, thread: int, start: float):
        self.id, self.name, self.key, self.kind, self.thread = number, name, name, kind, thread
        self.time_range = Interval(start, start)
        self.cpu_children: list[FunctionEvent] = []
        self.cpu_parent: FunctionEvent | None = None
        self.input_shapes: list[list[int]] = []
        self.concrete_inputs: list[Any] = []
        self.stack: list[str] = []
        self.flops = 0
        self.self_cpu_memory_usage = 0

    @property
    def cpu_time_total(self) -> float:  # type: ignore[override]
        """How long it took."""
        return self.time_range.elapsed_us()

    @property
    def self_cpu_time_total(self) -> float:  # type: ignore[override]
        """How long it took without what it called."""
        return self.cpu_time_total - sum(each.cpu_time_total for each in self.cpu_children)

    @property
    def cpu_memory_usage(self) -> int:  # type: ignore[override]
        """The bytes of the results that were made."""
        return self.self_cpu_memory_usage + sum(each.cpu_memory_usage for each in self.cpu_children)

    def __repr__(self) -> str:
        return f"<FunctionEvent id={self.id} name={self.name} cpu_time={duration(self.cpu_time_total)} thread={self.thread}>"


class FunctionEventAvg(Times):
    """All calls of one name, of the same shapes or from the same lines if they were told apart."""

    def __init__(self, first: FunctionEvent):
        self.key, self.kind = first.key, first.kind
        self.input_shapes: Any = first.input_shapes
        self.stack = first.stack
        self.count = self.cpu_memory_usage = self.self_cpu_memory_usage = self.flops = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0

    def add(self, event: Times) -> None:
        """Count a call; time and memory of one that runs within another of the same name are in that one's."""
        parent = getattr(event, "cpu_parent", None)
        while parent is not None and parent.key != self.key:
            parent = parent.cpu_parent
        if parent is None:
            self.cpu_time_total += event.cpu_time_total
            self.cpu_memory_usage += event.cpu_memory_usage
        self.self_cpu_time_total += event.self_cpu_time_total
        self.self_cpu_memory_usage += event.self_cpu_memory_usage
        self.count += event.count
        self.flops += event.flops

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={duration(self.cpu_time)} input_shapes={self.input_shapes}>"
        )


class EventList(list):
    """Events, or averages of them."""

    def __init__(self, events: Iterable[Any] = (), profile_memory: bool = False, with_flops: bool = False):
        super().__init__(events)
        self.profile_memory, self.with_flops = profile_memory, with_flops

    def __str__(self) -> str:
        return self.table()

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all, in microseconds."""
        return sum(each.self_cpu_time_total for each in self)

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
    ) -> str:
        """Return the events as a table of text, the greatest of `sort_by` first: cpu_time_total, count …"""
        rows = [each for each in self if not top_level_events_only or getattr(each, "cpu_parent", None) is None]
        if sort_by is not None:
            rows.sort(key=lambda each: getattr(each, sort_by), reverse=True)
        widths = max_name_column_width, max_shapes_column_width, max_src_column_width
        return table(self, rows[: None if row_limit < 0 else row_limit], widths, header)

    def key_averages(self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Return the averages of the events by name, by shapes too, by as many lines of the stack too."""
        found: dict[Any, FunctionEventAvg] = {}
        for event in self:
            shapes = str(event.input_shapes) if group_by_input_shapes else ""
            key = event.key, shapes, *event.stack[:group_by_stack_n]
            if key not in found:
                found[key] = average = FunctionEventAvg(event)
                average.input_shapes = event.input_shapes if group_by_input_shapes else ""
                average.stack = event.stack[:group_by_stack_n]
            found[key].add(event)
        return EventList(found.values(), self.profile_memory, self.with_flops)

    def total_average(self) -> FunctionEventAvg:
        """Return the sum of all as one average, named "Total"."""
        total = FunctionEventAvg(FunctionEvent(0, "Total", "total", 0, 0.0))
        for each in self:
            total.add(each)
        return total

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as a trace that Chrome and Perfetto show."""
        write_trace(path, self, {})

    def export_stacks(self, path: str | os.PathLike[str], metric: str = "self_cpu_time_total") -> None:
        """Write lines of `stack number`, as flame graphs are drawn from; ValueError for a metric that is none."""
        write_stacks(path, self, metric)

    def supported_export_stacks_metrics(self) -> list[str]:
        """Return what `export_stacks` can count."""
        return ["self_cpu_time_total", "self_cuda_time_total", "self_xpu_time_total", "self_privateuse1_time_total"]
