"""Periods: where the equations of a trace, told apart by tokens, repeat one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Stretch", "stretches"]

LONGEST = 2048
"""How many equations a turn has at most."""


class Stretch(NamedTuple):
    """`turns` times `period` equations that begin at `start`."""

    start: int
    period: int
    turns: int

    @property
    def stop(self) -> int:
        """The number of the first equation behind it."""
        return self.start + self.turns * self.period


def stretches(tokens: Sequence[int], fewest: int) -> Iterator[Stretch]:
    """Yield the stretches of at least `fewest` turns with equal tokens, those with the shortest turns first."""
    row = np.asarray(tokens, np.int64)
    for period in range(1, min(len(row) // fewest, LONGEST) + 1):
        same = row[period:] == row[:-period]
        wanted = (fewest - 1) * period
        if np.count_nonzero(same) < wanted:
            continue
        edges = np.flatnonzero(np.diff(same.astype(np.int8), prepend=0, append=0))
        for first, last in edges.reshape(-1, 2).tolist():
            if last - first >= wanted:
                yield Stretch(first, period, (last - first) // period + 1)
