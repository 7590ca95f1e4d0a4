"""The handle by which a registered hook is taken away again."""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from typing import Any

from lineal.core.modes import Structure

_next_id = itertools.count().__next__


class HookTable(OrderedDict):
    """The hooks of one kind, in the order in which they run."""

    def add(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        """Register `hook`, last or first, and return its handle."""
        handle = RemovableHandle(self)
        self[handle.id] = hook
        Structure.changes += 1
        if prepend:
            self.move_to_end(handle.id, last=False)
        return handle


class RemovableHandle:
    """Takes one hook out of its table, by `remove()` or at the end of a `with` block."""

    def __init__(self, table: HookTable):
        self.id = _next_id()
        self.table = weakref.ref(table)

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        table = self.table()
        if table is not None:
            table.pop(self.id, None)
            Structure.changes += 1

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()
