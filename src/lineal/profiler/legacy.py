"""The profiler's older names, as in `torch.autograd.profiler`."""

from __future__ import annotations

import os
import warnings
from typing import Any, Self

from lineal.base.errors import UnsupportedError
from lineal.profiler.events import EventList, FunctionEvent, FunctionEventAvg
from lineal.profiler.recording import Recording, Wishes, record_function

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "emit_itt", "emit_nvtx", "profile", "record_function"]


class profile:  # noqa: N801
    """Record what ops, backward passes and optimizers do within the block, unless `enabled` is off."""

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_kineto: bool = False,
        use_cpu: bool = True,
        experimental_config: Any = None,
        acc_events: bool = False,
    ):
        self.enabled = enabled
        if enabled and (use_cuda or use_device not in (None, "cpu")):
            warnings.warn("profile: there is no other device than the host, whose work alone is recorded", stacklevel=2)
        self.wishes = Wishes(record_shapes or with_flops, profile_memory, with_stack, with_flops, with_modules)
        self.recording: Recording | None = None
        self.recorded: EventList | None = None

    def __enter__(self) -> Self:
        if self.enabled:
            if self.recorded is not None or self.recording is not None:
                raise RuntimeError("profile: Profiler context manager is not reentrant")
            self.recording = Recording(self.wishes)
            self.recording.begin()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.recording is not None:
            self.recorded, self.recording = self.recording.end(), None

    @property
    def function_events(self) -> EventList:
        """The events; RuntimeError if nothing was recorded."""
        if self.recorded is None:
            raise RuntimeError("Profiler didn't finish running")
        return self.recorded

    def __str__(self) -> str:
        return "<unfinished torch.autograd.profile>" if self.recorded is None else str(self.recorded)

    __repr__ = __str__

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all events, in microseconds."""
        return self.function_events.self_cpu_time_total

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
        """Return the events as a table of text."""
        widths = max_src_column_width, max_name_column_width, max_shapes_column_width
        return self.function_events.table(sort_by, row_limit, *widths, header, top_level_events_only)

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Return the averages of the events by name."""
        return self.function_events.key_averages(group_by_input_shape, group_by_stack_n)

    def total_average(self) -> FunctionEventAvg:
        """Return the sum of all events."""
        return self.function_events.total_average()

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as a trace that Chrome and Perfetto show."""
        self.function_events.export_chrome_trace(path)

    def export_stacks(self, path: str | os.PathLike[str], metric: str = "self_cpu_time_total") -> None:
        """Write lines of `stack number`, as flame graphs are drawn from."""
        self.function_events.export_stacks(path, metric)


class Emitting:
    """What would mark ops for a vendor's profiler: refused where it begins, unless it is not enabled."""

    def __init__(self, enabled: bool = True, record_shapes: bool = False):
        self.enabled = enabled

    def __enter__(self) -> Self:
        if self.enabled:
            raise UnsupportedError(f"{type(self).__name__}: it marks ops for a vendor's profiler; use torch.profiler.profile")
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class emit_nvtx(Emitting):  # noqa: N801
    """Mark ops for NVIDIA's profiler: refused."""


class emit_itt(Emitting):  # noqa: N801
    """Mark ops for Intel's profiler: refused."""
