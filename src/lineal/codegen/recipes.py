"""Recipes: short texts that tell all that code is made of, so that what was once written need not be written again.

To write a large routine takes Python some hundredths of a second, and the text is needed only to look for its object code. A
recipe names the writer, what it was given, and the state of its sources, as CPython's own bytecode files do.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lineal.codegen.formulas import Formula
from lineal.codegen.kinds import Kind
from lineal.codegen.once import once

__all__ = ["recipe", "spelled"]

SOURCES = tuple(Path(__file__).parents[1] / name for name in ("codegen", "base"))
"""The folders of what writes routines, and of what that reads."""


def recipe(*parts: Any) -> str | None:
    """Return the text of what a writer is given; None where the sources are not files, so that nobody sees them change."""
    state = sources()
    return state and f"{state}\0{spelled(parts)}"


def spelled(part: Any) -> str:
    """Return a description of data, equal only for what writes equal code: formulas print without the kinds of their values."""
    if isinstance(part, Kind):
        return part.name
    if isinstance(part, Formula):
        return spelled((part.inputs, part.steps, part.result))
    return f"({', '.join(map(spelled, part))})" if isinstance(part, tuple) else repr(part)


@once
def sources() -> str | None:
    """Return the digest of names, sizes and times of the sources; None if there are none."""
    found = sorted(line for folder in SOURCES for line in files(folder))
    return hashlib.sha256("\n".join(found).encode()).hexdigest() if found else None


def files(folder: Path) -> Iterator[str]:
    """Yield a line for each source in a folder."""
    if not folder.is_dir():
        return
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from files(Path(entry.path))
        elif entry.name.endswith(".py"):
            status = entry.stat()
            yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"
