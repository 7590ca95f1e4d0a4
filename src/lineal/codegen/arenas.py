"""Memory that programs have for a call alone: those that do not run at once have the same, as large as the largest wants it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["LENT", "Arenas", "shared"]

LENT = 1 << 20
"""From how many bytes on an arena is lent for a call; to lend one takes half a microsecond."""


class Arenas:
    """Blocks of memory, as many as were needed at once."""

    def __init__(self) -> None:
        self.free: list[np.ndarray] = []

    def lending(self, run: Callable[..., Any], nbytes: int) -> Callable[..., Any]:
        """Return `run` with a block of so many bytes for each call in the place of its last argument."""
        free = self.free

        def call(*given: Any) -> Any:
            try:
                block = free.pop()
            except IndexError:
                block = NONE
            if block.size < nbytes:
                # the smaller one goes before there is a larger one
                block = NONE
                block = np.empty(nbytes, np.uint8)
            try:
                return run(*given[:-1], block[:nbytes])
            finally:
                free.append(block)

        return call


NONE = np.empty(0, np.uint8)
living: weakref.WeakValueDictionary[str, Arenas] = weakref.WeakValueDictionary()


def shared() -> Arenas:
    """Return the arenas of all programs of the process, which live as long as one of the programs does."""
    return living.setdefault("arenas", Arenas())
