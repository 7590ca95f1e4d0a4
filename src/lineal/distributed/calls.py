"""What a rank is about to do, in a form that all ranks can compare: a digest, and words in case they differ."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Hashable
from functools import lru_cache
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.core.sites import Site, describe, site

__all__ = ["Call", "shown"]


class Call:
    """One call of a function that all ranks of a group call: its name, and all that must be the same on every rank."""

    __slots__ = ("details", "digest", "name", "place")

    def __init__(self, name: str, *details: Hashable):
        self.name, self.details = name, details
        self.digest = digest_of(name, *details)
        self.place: Site | None = None

    def placed(self) -> Call:
        """Remember the user's line, which another thread could not find."""
        self.place = site(1)
        return self

    def text(self) -> str:
        """Return the call in words, and where it stands in the program."""
        where = describe(self.place or site(1))
        words = [each for each in map(shown, self.details) if each]
        return f"{self.name}({', '.join(words)}) at {where}"


def shown(detail: Any) -> str:
    """Return a detail of a call in words; "" for what only a digest is made of."""
    if isinstance(detail, np.dtype):
        return str(dtypes.of(detail)).removeprefix("lineal.").removeprefix("torch.")
    if isinstance(detail, tuple) and all(isinstance(each, int) for each in detail):
        return str(list(detail))
    return "" if detail is None else str(detail)


@lru_cache(4096)
def digest_of(name: str, *details: Hashable) -> int:
    """Return 63 bits that tell one call from another, the same in every process."""
    text = repr((name, *map(shown, details)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), sys.byteorder) >> 1
