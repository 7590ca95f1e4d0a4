"""The switches of a compiler that is not here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

__all__ = ["Settings"]


class Settings(ModuleType):
    """A module of switches, kept as set, and changing nothing; one that was not set is false."""

    cache_size_limit = recompile_limit = 8

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        vars(self)[name] = Settings(f"{self.__name__}.{name}")
        return vars(self)[name]

    def __bool__(self) -> bool:
        return False

    @contextlib.contextmanager
    def patch(self, changes: Any = None, **switches: Any) -> Iterator[None]:
        """Set switches within a block or a function."""
        before = vars(self).copy()
        vars(self).update({**(changes or {}), **switches})
        try:
            yield
        finally:
            vars(self).clear()
            vars(self).update(before)
