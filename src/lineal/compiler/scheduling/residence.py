"""What lies in a program's arena, where and when, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineal.compiler.nodes.buffers import Buffer
from lineal.compiler.scheduling.memory import lifetimes

__all__ = ["residence"]

MOST = 20
"""How many arrays are shown, the largest first."""


def residence(schedule: Any, names: dict[Buffer, str]) -> Iterator[str]:
    """Yield when the arena of a schedule is fullest, and the largest arrays there, by these names, with place and time."""
    born, dies = lifetimes(schedule.groups)
    dies.update((buffer, len(schedule.groups)) for buffer, _ in schedule.moves)
    held = [0] * (len(schedule.groups) + 1)
    for buffer in schedule.offsets:
        for now in range(born[buffer], dies[buffer] + 1):
            held[now] += buffer.nbytes
    fullest = max(range(len(held)), key=held.__getitem__)
    made = sum(buffer.nbytes for buffer in schedule.results)
    yield f"{schedule.arena:,} bytes of memory during a call and {made:,} bytes of results;"
    yield f"fullest at kernel {fullest}, with {held[fullest]:,} bytes of {len(schedule.offsets)} arrays"
    for buffer in sorted(schedule.offsets, key=lambda each: (-each.nbytes, schedule.offsets[each]))[:MOST]:
        what = f"{names.get(buffer, repr(buffer))}: {buffer.dtype}{list(buffer.shape)}"
        where = f"{buffer.nbytes:,} bytes at {schedule.offsets[buffer]:,}"
        yield f"  {what}, {where}, kernels {born[buffer]} to {dies[buffer]}"
