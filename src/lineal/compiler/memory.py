"""Memory: where each intermediate result lies in the one arena of a program."""

from __future__ import annotations

from lineal.compiler.grouping import Group, windows
from lineal.compiler.nodes import Base

__all__ = ["planned"]

ALIGNMENT = 64


def planned(groups: list[Group], internal: set[Base], lasting: set[Base]) -> tuple[dict[Base, int], int]:
    """Return the offset in bytes of each of the `internal` bases, and the arena's size; what never lives together may overlap.

    What lies inside of another base lives as that one; the `lasting` bases are read again when everything else is done.
    """
    born: dict[Base, int] = {}
    dies: dict[Base, int] = {}
    for now, group in enumerate(groups):
        for node in group.nodes:
            for window in windows(node):
                dies[window.base.root] = now
            for base in node.writes:
                born.setdefault(base.root, now)
                dies[base.root] = now
    dies.update(dict.fromkeys(lasting, len(groups)))
    placed: list[tuple[int, int, Base]] = []
    offsets: dict[Base, int] = {}
    for base in sorted(internal | lasting, key=lambda each: -each.nbytes):
        size = -(-max(base.nbytes, 1) // ALIGNMENT) * ALIGNMENT
        overlapping = sorted(
            (start, stop) for start, stop, other in placed if born[other] <= dies[base] and born[base] <= dies[other]
        )
        offset = 0
        for start, stop in overlapping:
            if offset + size <= start:
                break
            offset = max(offset, stop)
        offsets[base] = offset
        placed.append((offset, offset + size, base))
    return offsets, max((stop for _, stop, _ in placed), default=0)
