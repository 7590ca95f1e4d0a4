"""Hooks on what nodes keep: a tensor is packed when an op keeps it, and unpacked when its derivative reads it.

Nobody else pays: while hooks hold, `UNUSUAL` leads every op to `apply`, which packs; the backward pass finds what was packed
among the few things of a node that stand in its `Extra`.
"""

from __future__ import annotations

import weakref
from _thread import allocate_lock
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from lineal.base.platforms import UNUSUAL
from lineal.core import modes
from lineal.core.hooks import extra_of
from lineal.core.modes import Setting
from lineal.core.op import AbstractTensor, Node, changed, final_tensor

__all__ = ["Held", "disable_saved_tensors_hooks", "pack", "packing", "saved_tensors_hooks"]

Pack = Callable[[Any], Any]
packing: ContextVar[tuple[Pack, Pack] | None] = ContextVar("saved_tensors_hooks", default=None)
"""What packs and unpacks, if hooks hold."""
barred: ContextVar[str | None] = ContextVar("saved_tensors_hooks_barred", default=None)
"""What is said to whoever wants hooks, if they are not to be had."""


class Held(NamedTuple):
    """What a node holds instead of something it keeps."""

    place: Any
    """Where it is kept: the place of an input, or ("y", place) of an output."""
    packed: Any
    unpack: Pack
    node: Node | None
    index: int | None
    source: weakref.ref | None
    """The input itself, as long as somebody else holds it."""
    wrapped: Any
    """What a custom function keeps around an output."""

    def opened(self, node: Node) -> AbstractTensor:
        """Return what was packed, with the history that it had; RuntimeError if it was written after `node` was made."""
        with Setting((modes.grad_enabled, False)):
            y = self.unpack(self.packed)
        if not isinstance(y, AbstractTensor):
            kind = type(y).__name__
            raise TypeError(f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {kind}")
        if y.memory is not None and y.memory.written > node.id:
            raise changed(node, y.memory, f"a saved tensor of shape {list(y.value.shape)}")
        made = final_tensor(y.value)
        made.node, made.index = self.node, self.index
        return made


def held(hooks: tuple[Pack, Pack], place: Any, value: np.ndarray, x: AbstractTensor | None = None, wrapped: Any = None) -> Held:
    """Return what stands for an array that is kept, of the input `x` or of an output."""
    with Setting((modes.grad_enabled, False), (packing, None)):
        packed = hooks[0](final_tensor(value) if x is None else x)
    if x is None:
        return Held(place, packed, hooks[1], None, None, None, wrapped)
    return Held(place, packed, hooks[1], x.node, x.index, weakref.ref(x), wrapped)


def pack(node: Node) -> None:
    """Let a new node hold packed what it keeps, if hooks hold."""
    hooks = packing.get()
    if hooks is None:
        return
    found = []
    if node.kept.__class__ is tuple:
        for place, each in enumerate(node.kept):
            if isinstance(each, AbstractTensor):
                found.append(held(hooks, place, each.value, each))
            elif hasattr(each, "value"):
                found.append(held(hooks, place, each.value, None, each))
    several = node.y.__class__ is tuple
    for place, value in enumerate(() if node.y is None else node.y if several else (node.y,)):
        found.append(held(hooks, ("y", place if several else None), value))
    if found:
        extra_of(node).packed = found
        empty(node, found)


def empty(node: Node, found: list[Held]) -> None:
    """Let a node keep nothing of what it holds packed."""
    places = {each.place for each in found}
    if node.kept.__class__ is tuple:
        node.kept = tuple([None if place in places else each for place, each in enumerate(node.kept)])
    if any(each.place.__class__ is tuple for each in found):
        node.y = None


def unpack(node: Node, found: list[Held]) -> None:
    """Let a node keep again what it holds packed."""
    inputs = {each.place: each for each in found if each.place.__class__ is not tuple}
    outputs = {each.place[1]: each.opened(node).value for each in found if each.place.__class__ is tuple}
    if inputs:
        kept = list(node.kept)
        for place, each in inputs.items():
            kept[place] = each.opened(node) if each.wrapped is None else each.wrapped._replace(value=each.opened(node).value)
        node.kept = tuple(kept)
    if outputs:
        if not any(isinstance(each.packed, AbstractTensor) for each in found if each.place.__class__ is tuple):
            # what was packed does not change when the output is written
            node.memories = None
        node.y = outputs[None] if None in outputs else tuple([outputs[place] for place in sorted(outputs)])


def repack(node: Node, touches: Callable[[Any], bool]) -> None:
    """Pack copies of what a node holds of inputs that are about to be written by the op that made it."""
    hooks = packing.get()
    if node.extra is None or node.extra.packed is None or hooks is None:
        return
    for number, each in enumerate(node.extra.packed):
        x = None if each.source is None else each.source()
        if x is not None and touches(x):
            node.extra.packed[number] = held(hooks, each.place, x.value.copy())._replace(node=x.node, index=x.index)


class saved_tensors_hooks(Setting):  # noqa: N801
    """Within the block, what ops keep for the backward pass is what `pack_hook` makes of it; `unpack_hook` gives it back."""

    count = 0
    lock = allocate_lock()

    def __init__(self, pack_hook: Pack, unpack_hook: Pack):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook
        super().__init__((packing, (pack_hook, unpack_hook)), (modes.recorder, None))

    def __enter__(self) -> Any:
        refusal = barred.get()
        if refusal is not None:
            raise RuntimeError(refusal)
        listener = modes.recorder.get()
        if listener is not None:
            listener.foreign("what is kept for the backward pass is packed by hooks")
        self.hold(1)
        self.values = (self.values[0], (modes.recorder, listener or modes.Unhearing()))
        super().__enter__()

    def __exit__(self, *exception: object) -> None:
        self.hold(-1)
        super().__exit__(*exception)

    @classmethod
    def hold(cls, by: int) -> None:
        """Count how many hold in all threads; while some do, ops go to `apply`."""
        with cls.lock:
            cls.count += by
            (UNUSUAL.add if cls.count else UNUSUAL.discard)(cls)

    def again(self) -> Setting:
        return saved_tensors_hooks(self.pack_hook, self.unpack_hook)


class disable_saved_tensors_hooks(Setting):  # noqa: N801
    """Within the block, `saved_tensors_hooks` raises RuntimeError with a message; so does this where hooks hold already."""

    def __init__(self, error_message: str):
        super().__init__((barred, error_message))

    def __enter__(self) -> Any:
        if packing.get() is not None:
            raise RuntimeError(self.values[0][1])
        super().__enter__()
