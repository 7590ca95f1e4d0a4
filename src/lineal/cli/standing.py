"""The surroundings of a script that a command runs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path


@contextlib.contextmanager
def standing_in(name: str, folder: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Let a program find its name, its arguments and the modules beside it, as if Python had been called with it."""
    before = sys.argv, sys.path[:]
    sys.argv, sys.path[0:0] = [name, *arguments], [str(folder)]
    try:
        yield
    finally:
        sys.argv, sys.path[:] = before
