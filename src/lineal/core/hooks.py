"""What few nodes have: hooks, and tensors that retain their grad."""

from __future__ import annotations

import itertools
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

from lineal.core import modes

if TYPE_CHECKING:
    from lineal.core.op import Node


class Extra:
    """What few nodes have: hooks, and tensors that retain their grad."""

    __slots__ = ("after", "before", "retained", "tensors")

    def __init__(self) -> None:
        self.tensors: list[tuple[int | None, dict]] = []
        self.before: dict = {}
        self.after: dict = {}
        self.retained: dict[int | None, weakref.ref] = {}


def extra_of(node: Node) -> Extra:
    """Return the node's Extra, made on first need."""
    if node.extra is None:
        node.extra = Extra()
    return node.extra


class Handle:
    """What registering a hook returns; `remove()` takes the hook out again. Works as a context manager too."""

    _next: ClassVar[Any] = itertools.count().__next__

    def __init__(self, table: dict, hook: Any):
        listener = modes.recorder.get()
        if listener is not None:
            listener.opaque("a hook")
        self.table = table
        self.id = Handle._next()
        table[self.id] = hook
        modes.Structure.changes += 1

    def remove(self) -> None:
        """Take the hook out."""
        self.table.pop(self.id, None)
        modes.Structure.changes += 1

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()
