"""Where in a program events come from, and the file that flame graphs are drawn from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from types import FrameType
from typing import Any

from lineal.core import sites

__all__ = ["stack_of", "write_stacks"]

METRICS = ("self_cpu_time_total", "self_cuda_time_total", "self_xpu_time_total", "self_privateuse1_time_total")
DEEPEST = 64
"""How many of the program's frames are told."""
BLANKS = str.maketrans(" ;\t\n", "____")
"""What parts a stack in the file may not stand in it."""


def stack_of(frame: FrameType | None) -> list[str]:
    """Return the program's lines that have led to a frame, the innermost first, as `train.py(12): step`."""
    found: list[str] = []
    own = os.path.dirname(os.path.dirname(sites.__file__))
    while frame is not None and len(found) < DEEPEST:
        code = frame.f_code
        if not code.co_filename.startswith((own, "<frozen ")):
            found.append(f"{code.co_filename}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back
    return found


def write_stacks(path: str | os.PathLike[str], events: Iterable[Any], metric: str) -> None:
    """Write a line for each stack, its outermost frame first, with the microseconds that were spent there."""
    if metric not in METRICS:
        raise ValueError(f"export_stacks: metric should be one of: {list(METRICS)}, got {metric!r}")
    spent: Counter[str] = Counter()
    for event in events:
        if event.stack:
            spent[";".join(each.translate(BLANKS) for each in reversed(event.stack))] += int(getattr(event, metric))
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{stack} {time}\n" for stack, time in spent.items() if time > 0)
