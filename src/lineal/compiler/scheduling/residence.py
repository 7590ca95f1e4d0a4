"""What lies in a program's arena, where and when, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineal.compiler.nodes.buffers import Buffer
from lineal.compiler.scheduling.memory import lifetimes

__all__ = ["held", "residence"]

MOST = 20
"""How many arrays are shown, the largest first."""


def times(schedule: Any) -> tuple[dict[Buffer, int], dict[Buffer, int]]:
    """Return by which kernel each array is made, and which uses it last; moves come after all kernels."""
    born, dies = lifetimes(schedule.groups)
    dies.update((buffer, len(schedule.groups)) for buffer, _ in schedule.moves)
    return born, dies


def held(schedule: Any) -> list[int]:
    """Return how many bytes of the arena are in use while each kernel runs, and at the end while results are moved."""
    born, dies = times(schedule)
    found = [0] * (len(schedule.groups) + 1)
    for buffer in schedule.offsets:
        for now in range(born[buffer], dies[buffer] + 1):
            found[now] += buffer.nbytes
    return found


def residence(schedule: Any, names: dict[Buffer, str]) -> Iterator[str]:
    """Yield when the arena of a schedule is fullest, and the largest arrays there, by these names, with place and time."""
    born, dies = times(schedule)
    bytes_at = held(schedule)
    fullest = max(range(len(bytes_at)), key=bytes_at.__getitem__)
    made = sum(buffer.nbytes for buffer in schedule.results)
    yield f"{schedule.arena:,} bytes of memory during a call and {made:,} bytes of results;"
    yield f"fullest at kernel {fullest}, with {bytes_at[fullest]:,} bytes of {len(schedule.offsets)} arrays"
    for buffer in sorted(schedule.offsets, key=lambda each: (-each.nbytes, schedule.offsets[each]))[:MOST]:
        what = f"{names.get(buffer, repr(buffer))}: {buffer.dtype}{list(buffer.shape)}"
        where = f"{buffer.nbytes:,} bytes at {schedule.offsets[buffer]:,}"
        yield f"  {what}, {where}, kernels {born[buffer]} to {dies[buffer]}"
