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
        self.retained: list[tuple[int | None, weakref.ref]] = []

    def retains(self, tensor: Any) -> bool:
        """Return whether `tensor` is to have its cotangent as its grad."""
        return any(reference() is tensor for _, reference in self.retained)


def extra_of(node: Node) -> Extra:
    """Return the node's Extra, made on first need."""
    if node.extra is None:
        node.extra = Extra()
    return node.extra


def retain(tensor: Any) -> None:
    """Let the node of `tensor` make the cotangent that arrives there the tensor's grad."""
    extra = extra_of(tensor.node)
    if not extra.retains(tensor):
        extra.retained.append((tensor.index, weakref.ref(tensor)))


def retain_anew(tensor: Any, before: Node | None) -> None:
    """Retain the grad of a tensor that has got another node, as it was at the node `before`: `retain_grad` is the tensor's."""
    extra = None if before is None else before.extra
    if extra is not None and tensor.node is not before and extra.retains(tensor):
        extra.retained = [each for each in extra.retained if each[1]() is not tensor]
        if tensor.node is not None:
            retain(tensor)


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
