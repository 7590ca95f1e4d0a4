"""The hooks of a module, in tables."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lineal.core.hooks import RemovableHandle
from lineal.core.modes import Structure


class Members(dict):
    """A table of a module's, whose changes are counted, since programs rely upon it."""

    def __setitem__(self, key: Any, value: Any) -> None:
        Structure.changes += 1
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        Structure.changes += 1
        super().__delitem__(key)

    def __ior__(self, other: Any) -> Any:
        Structure.changes += 1
        return super().__ior__(other)

    def clear(self) -> None:
        Structure.changes += 1
        super().clear()

    def pop(self, *given: Any) -> Any:
        Structure.changes += 1
        return super().pop(*given)

    def popitem(self, *given: Any) -> Any:
        Structure.changes += 1
        return super().popitem(*given)

    def setdefault(self, *given: Any) -> Any:
        Structure.changes += 1
        return super().setdefault(*given)

    def update(self, *given: Any, **named: Any) -> None:
        Structure.changes += 1
        super().update(*given, **named)


class HookTable(Members, OrderedDict):
    """The hooks of one kind, in the order in which they run."""

    def add(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        """Register `hook`, last or first, and return its handle."""
        handle = RemovableHandle(self)
        self[handle.id] = hook
        if prepend:
            self.move_to_end(handle.id, last=False)
        return handle
