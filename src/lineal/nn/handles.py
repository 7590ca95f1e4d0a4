"""The hooks of a module, in tables."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lineal.core.hooks import RemovableHandle


class HookTable(OrderedDict):
    """The hooks of one kind, in the order in which they run."""

    def add(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        """Register `hook`, last or first, and return its handle."""
        handle = RemovableHandle(self)
        self[handle.id] = hook
        if prepend:
            self.move_to_end(handle.id, last=False)
        return handle
