"""A profile as a trace in Chrome's JSON, which chrome://tracing and Perfetto show."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable
from typing import Any

__all__ = ["write_trace"]

CATEGORIES = {
    "annotation": "user_annotation",
    "backward": "cpu_op",
    "compiled": "cpu_op",
    "compiling": "compilation",
    "module": "python_function",
    "op": "cpu_op",
    "pass": "cpu_op",
    "step": "user_annotation",
    "write": "cpu_op",
}
"""The categories of Chrome's trace by the kinds of events."""


def write_trace(path: str | os.PathLike[str], events: Iterable[Any], metadata: dict[str, Any]) -> None:
    """Write events as a trace; a path that ends in `.gz` is compressed."""
    process = os.getpid()
    named = {"name": "process_name", "ph": "M", "pid": process, "tid": 0, "args": {"name": "lineal"}}
    trace = {
        "schemaVersion": 1,
        "deviceProperties": [],
        **metadata,
        "displayTimeUnit": "ms",
        "traceEvents": [named, *(entry(each, process) for each in events)],
        "traceName": os.fspath(path),
    }
    text = json.dumps(trace)
    if os.fspath(path).endswith(".gz"):
        with gzip.open(path, "wt", encoding="utf-8") as file:
            file.write(text)
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def entry(event: Any, process: int) -> dict[str, Any]:
    """Return a complete event of the trace."""
    told: dict[str, Any] = {"External id": event.id}
    if event.input_shapes:
        told["Input Dims"] = event.input_shapes
    if event.stack:
        told["Call stack"] = ";".join(event.stack)
    if event.flops:
        told["flops"] = event.flops
    if event.self_cpu_memory_usage:
        told["Bytes"] = event.self_cpu_memory_usage
    return {
        "ph": "X",
        "cat": CATEGORIES[event.kind],
        "name": event.name,
        "pid": process,
        "tid": event.thread,
        "ts": round(event.time_range.start, 3),
        "dur": round(event.time_range.elapsed_us(), 3),
        "args": told,
    }
