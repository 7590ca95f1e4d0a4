"""Memory: where each intermediate result lies in the one arena of a program."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lineal.compiler.nodes.windows import Base
from lineal.compiler.scheduling.grouping import Group, windows
from lineal.compiler.scheduling.rows import Rows

__all__ = ["lifetimes", "planned"]

ALIGNMENT = 64


def planned(groups: list[Group], internal: set[Base], lasting: set[Base]) -> tuple[dict[Base, int], int]:
    """Return the offset in bytes of each of the `internal` bases, and the arena's size; what never lives together may overlap.

    What lies inside of another base lives as that one; the `lasting` bases are read again when everything else is done.
    """
    born, dies = lifetimes(groups)
    dies.update(dict.fromkeys(lasting, len(groups)))
    order = sorted(sorted(internal | lasting, key=lambda each: each.number), key=lambda each: -each.nbytes)
    lives = np.array([(born[base], dies[base]) for base in order], np.int64).reshape(-1, 2)
    places: list[tuple[int, int]] = []
    offsets: dict[Base, int] = {}
    for n, base in enumerate(order):
        size = -(-max(base.nbytes, 1) // ALIGNMENT) * ALIGNMENT
        together = (lives[:n, 0] <= lives[n, 1]) & (lives[n, 0] <= lives[:n, 1])
        offset = 0
        for start, stop in sorted([places[each] for each in np.flatnonzero(together)]):
            if offset + size <= start:
                break
            offset = max(offset, stop)
        offsets[base] = offset
        places.append((offset, offset + size))
    return offsets, max([stop for _, stop in places], default=0)


def lifetimes(groups: Sequence[Group | Rows]) -> tuple[dict[Base, int], dict[Base, int]]:
    """Return when each base that lies in no other is first written, and when it is last written or read."""
    born: dict[Base, int] = {}
    dies: dict[Base, int] = {}
    for now, group in enumerate(groups):
        for node in group.nodes:
            for window in windows(node):
                dies[window.base.root] = now
            for base in node.writes:
                born.setdefault(base.root, now)
                dies[base.root] = now
    return born, dies
