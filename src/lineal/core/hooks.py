"""What few nodes have: hooks, and tensors that retain their grad."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, ClassVar

from lineal.core import modes

if TYPE_CHECKING:
    from lineal.core.op import Node


class Extra:
    """What few nodes have: hooks, and tensors that retain their grad.

    In the backward pass come first the hooks of `tensors` (by output), then what is `retained`, then the hooks `before` the vjp
    of the node and those `after` it; a leaf has hooks for when its grad is `accumulated`. `packed` is what hooks of
    `core/saving.py` have made of what the node keeps, `metadata` what users have written down.
    """

    __slots__ = ("accumulated", "after", "before", "metadata", "packed", "retained", "tensors")

    def __init__(self) -> None:
        self.tensors: dict[int | None, HookDict] = {}
        self.before = HookDict()
        self.after = HookDict()
        self.accumulated = HookDict()
        self.retained: list[tuple[int | None, weakref.ref]] = []
        self.packed: list[Any] | None = None
        self.metadata: dict[Any, Any] = {}

    def retains(self, tensor: Any) -> bool:
        """Return whether `tensor` is to have its cotangent as its grad."""
        return any(reference() is tensor for _, reference in self.retained)


hooked_leaves: weakref.WeakSet[Node] = weakref.WeakSet()
"""The leaves with hooks, which run as soon as a leaf's cotangent is complete."""


def extra_of(node: Node) -> Extra:
    """Return the node's Extra, made on first need."""
    if node.extra is None:
        node.extra = Extra()
        if node.id == 0:
            hooked_leaves.add(node)
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


class HookDict(dict):
    """The hooks of one kind, in the order in which they run; a handle holds it weakly."""

    __slots__ = ("__weakref__",)


class RemovableHandle:
    """What registering a hook returns; `remove()` takes the hook out again. Works as a context manager too."""

    next_id: ClassVar[int] = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None):
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.extra_dict_ref = None if extra_dict is None else weakref.ref(extra_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        modes.Structure.changes += 1

    def remove(self) -> None:
        """Take the hook out; a second call does nothing."""
        for reference in (self.hooks_dict_ref, self.extra_dict_ref):
            table = None if reference is None else reference()
            if table is not None:
                table.pop(self.id, None)
        modes.Structure.changes += 1

    def __getstate__(self) -> tuple:
        return self.hooks_dict_ref(), self.id

    def __setstate__(self, state: tuple) -> None:
        table, self.id = state
        self.hooks_dict_ref = weakref.ref(HookDict() if table is None else table)
        self.extra_dict_ref = None
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def register(table: HookDict, hook: Any) -> RemovableHandle:
    """Put a hook of the backward pass into a table."""
    listener = modes.recorder.get()
    if listener is not None:
        listener.watched("a hook")
    handle = RemovableHandle(table)
    table[handle.id] = hook
    return handle
