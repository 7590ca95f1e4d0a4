"""Memory: where each intermediate result lies in the one arena of a program."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lineal.compiler.nodes.buffers import Buffer
from lineal.compiler.scheduling.grouping import Group, views
from lineal.compiler.scheduling.rows import Rows

__all__ = ["lifetimes", "planned"]

ALIGNMENT = 64


def planned(groups: list[Group], internal: set[Buffer], lasting: set[Buffer]) -> tuple[dict[Buffer, int], int]:
    """Return the offset in bytes of each of the `internal` buffers, and the arena's size; what never lives at once may overlap.

    What lies inside of another buffer lives as that one; the `lasting` buffers are read again when everything else is done.
    """
    born, dies = lifetimes(groups)
    dies.update(dict.fromkeys(lasting, len(groups)))
    order = sorted(sorted(internal | lasting, key=lambda each: each.number), key=lambda each: -each.nbytes)
    lives = np.array([(born[buffer], dies[buffer]) for buffer in order], np.int64).reshape(-1, 2)
    places: list[tuple[int, int]] = []
    offsets: dict[Buffer, int] = {}
    for n, buffer in enumerate(order):
        size = -(-max(buffer.nbytes, 1) // ALIGNMENT) * ALIGNMENT
        together = (lives[:n, 0] <= lives[n, 1]) & (lives[n, 0] <= lives[:n, 1])
        offset = 0
        for start, stop in sorted([places[each] for each in np.flatnonzero(together)]):
            if offset + size <= start:
                break
            offset = max(offset, stop)
        offsets[buffer] = offset
        places.append((offset, offset + size))
    return offsets, max([stop for _, stop in places], default=0)


def lifetimes(groups: Sequence[Group | Rows]) -> tuple[dict[Buffer, int], dict[Buffer, int]]:
    """Return when each buffer that lies in no other is first written, and when it is last written or read."""
    born: dict[Buffer, int] = {}
    dies: dict[Buffer, int] = {}
    for now, group in enumerate(groups):
        for node in group.nodes:
            for view in views(node):
                dies[view.buffer.root] = now
            for buffer in node.writes:
                born.setdefault(buffer.root, now)
                dies[buffer.root] = now
    return born, dies
