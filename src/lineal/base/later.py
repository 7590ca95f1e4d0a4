"""Modules that are imported when something of them is first asked for, from whichever thread.

`lazy_loader.load` is not used, because before Python 3.11.9 and 3.12.3 the standard library's LazyLoader, on which it builds,
shows a second thread a module whose import has only begun (https://github.com/python/cpython/issues/114763).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["module"]


class Later:
    """Stands for a module; its import takes the interpreter's lock for it, so that other threads wait."""

    __slots__ = ("loaded", "path")

    def __init__(self, path: str):
        self.path = path

    def __getattr__(self, name: str) -> Any:
        if name == "loaded":
            # not there yet: this is asked for below, for the first time
            self.loaded = import_module(self.path)
            return self.loaded
        return getattr(self.loaded, name)

    def __repr__(self) -> str:
        return f"<module {self.path!r}, imported when it is used>"


def module(path: str) -> Any:
    """Return what stands for the module of this name."""
    return Later(path)
