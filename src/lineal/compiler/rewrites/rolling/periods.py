"""Periods: where the equations of a trace, told apart by tokens, repeat one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

__all__ = ["Stretch", "runs", "stretches"]

LONGEST = 2048
"""How many equations a turn has at most."""
SPARSE, AT_ONCE = 8, 1024
"""Of how many equations one is compared at first, and how many of these at a time, for all periods."""


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
    row = np.asarray(tokens, np.int32)
    for period in likely(row, min(len(row) // fewest, LONGEST), fewest) if len(row) >= fewest else ():
        for first, last in runs(row[period:] == row[:-period], (fewest - 1) * period):
            yield Stretch(first, period, (last - first) // period + 1)


def likely(row: np.ndarray, longest: int, fewest: int) -> list[int]:
    """Return the periods after which enough tokens are the same, as far as every eighth one tells."""
    ended = np.concatenate((row, np.full(longest, -1, row.dtype)))
    some, later = row[::SPARSE, None], sliding_window_view(ended, longest + 1)[::SPARSE, 1:]
    counts = np.zeros(longest, np.int64)
    for first in range(0, len(some), AT_ONCE):
        counts += (later[first : first + AT_ONCE] == some[first : first + AT_ONCE]).sum(0)
    periods = np.arange(1, longest + 1)
    return periods[counts >= (fewest - 1) * periods // SPARSE].tolist()


def runs(facts: np.ndarray, least: int) -> list[list[int]]:
    """Return where what holds at least so many times one after the other begins and ends."""
    ended = np.zeros(len(facts) + 2, bool)
    ended[1:-1] = facts
    edges = np.flatnonzero(ended[1:] != ended[:-1]).reshape(-1, 2)
    return edges[edges[:, 1] - edges[:, 0] >= least].tolist()
