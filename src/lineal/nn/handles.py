"""The hooks of a module, in tables."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

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


class SharedHook(NamedTuple):
    """A hook for all modules, with the table of a module's in which it would be, or what it sees registered."""

    kind: str
    function: Any


class SharedHooks(HookTable):
    """The hooks for all modules."""

    _held: tuple = ()

    @property
    def held(self) -> tuple:
        """The hooks, as the same object as long as they are the same: programs rely upon it."""
        now = tuple(self.values())
        if now != self._held:
            self._held = now
        return self._held


everywhere = SharedHooks()


def hooks_of(module: Any, kind: str) -> list[Any]:
    """Return the hooks of one kind: those for all modules, then those in the module's table of that name."""
    return [*(each.function for each in everywhere.values() if each.kind == kind), *getattr(module, kind).values()]


def replaced(kind: str, module: Any, name: str, member: Any) -> Any:
    """Show the hooks for all modules what is about to be registered; return what they want instead."""
    for each in list(everywhere.values()) if everywhere else ():
        if each.kind == kind:
            instead = each.function(module, name, member)
            member = member if instead is None else instead
    return member
