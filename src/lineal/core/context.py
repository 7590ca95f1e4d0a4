"""What a custom function's `forward` leaves for its `backward`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lineal.base.signatures import Tensor
from lineal.core.apply import lift
from lineal.core.op import AbstractTensor, Node, as_output, changed, module_of, released


class SavedOutput(NamedTuple):
    """A tensor saved for backward that is an output: kept as its array, since the tensor would keep its own node alive."""

    index: int | None
    value: np.ndarray


class Context:
    """What `forward` leaves for `backward`: saved tensors, marks, and any attributes the user sets."""

    def __init__(self, needs: tuple[bool, ...]):
        self.needs_input_grad = needs
        self._saved: tuple = ()
        self._inputs: tuple = ()
        self._outputs: tuple = ()
        self._dirty: tuple = ()
        self._constant: tuple = ()
        self._materialize = True
        self._node: Node | None = None
        self._for_forward: tuple = ()
        self._forwards = False

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs, outputs or intermediate tensors for `backward`, which finds them in `saved_tensors`."""
        for each in tensors:
            if each is not None and not isinstance(each, AbstractTensor):
                raise TypeError(
                    f"save_for_backward: can only save variables, got {type(each).__name__}; set other things as attributes"
                )
        self._saved = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `jvp`, which finds them in `saved_tensors`."""
        self._for_forward = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """The saved tensors; RuntimeError if one was modified in place since."""
        node = self._node
        if self._forwards:
            return self._for_forward
        if node is None:
            return self._saved
        if node.kept is None:
            raise released(node)
        return tuple(unpack(node, each) for each in node.kept)

    def of(self, node: Node, name: str) -> Any:
        """Return an attribute as users ask the node for it, which PyTorch has as the context itself."""
        before, self._node = self._node, node
        try:
            return getattr(self, name)
        finally:
            self._node = before

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs `forward` changed in place; it must return them."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs have no derivative."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether `backward` gets zeros (True, the default) or None for outputs that nothing depends on."""
        self._materialize = value


def unpack(node: Node, saved: Any) -> Any:
    """Return a saved tensor, unless it was written after `node` was made."""
    if saved is None:
        return None
    if isinstance(saved, SavedOutput):
        memory = node.memories.get(saved.index) if node.memories is not None else None
        if memory is not None and memory.written > node.id:
            raise changed(node, memory, f"a saved output of shape {list(saved.value.shape)}")
        return as_output(node, saved.index, saved.value)
    if saved.memory is not None and saved.memory.written > node.id:
        raise changed(node, saved.memory, f"a saved tensor of shape {list(saved.value.shape)}")
    return saved


def cotangents(context: Any, gs: tuple) -> list:
    """Return one cotangent per result of forward: zeros or None where nothing depends on it."""
    given, xp = iter(gs), next((module_of(g) for g in gs if g is not None), np)
    full = []
    for spec in context._outputs:
        g = None if spec is None else next(given, None)
        if g is None and spec is not None and context._materialize:
            g = lift(xp.zeros(*spec))
        full.append(g)
    return full
