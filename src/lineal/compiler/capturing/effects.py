"""Effects: what is left to be done when a captured function has run, and what must not be so for it to be repeated."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from lineal.compiler.capturing.capture import Capture
from lineal.core import AbstractTensor, Leaf, Node, synchronize
from lineal.ops.conversion import is_literal
from lineal.ops.layout import overlapping
from lineal.tracing import Storage, Var

__all__ = [
    "grads",
    "halved",
    "leads_inside",
    "lent",
    "overlap",
    "pending",
    "rebound",
    "regraded",
    "remembering",
    "survivors",
    "written",
]


def written(capture: Capture) -> list[tuple[Any, Var]]:
    """Return the tensors from outside that took new values, with their last variables."""
    return [(each.captured, each.var) for each in capture.storages() if each.written]


def grads(capture: Capture) -> tuple[list[tuple[AbstractTensor, Var]], list[tuple[Any, Any]]]:
    """Return the leaves whose grad was made here, with its variable, and those given one from outside, or None, with it."""
    made, given = [], []
    for key, leaf in capture.graded.items():
        grad = leaf.derivative
        storage = None if grad is None or id(grad.value) not in capture.places else capture.place(grad).storage
        if grad is not None and storage is not None and storage.captured is None:
            made.append((leaf, capture.read(grad)))
        elif storage is None or capture.found.get(key, (leaf, None))[1] is not storage.captured:
            # else the leaf only has its old grad as another tensor: zero_grad(set_to_none=False)
            given.append((leaf, grad))
    return made, given


def lent(capture: Capture) -> list[tuple[int, Any]]:
    """Return the places of captured tensors that are grads, with the leaves whose grads they are."""
    places = {id(x): place for place, x in enumerate(capture.captured.values())}
    return [(places[id(grad)], leaf) for leaf, grad in capture.found.values() if id(grad) in places]


def overlap(capture: Capture) -> str | None:
    """Return why a trace cannot be repeated if memory that was written lies in two tensors, and nobody could tell."""
    outside = [each for each in capture.storages() if each.array.size]
    if not any(each.written for each in outside):
        return None
    if any(each.written and overlapping(each.array.shape, tuple(map(abs, each.array.strides))) for each in outside):
        return "a tensor from outside is written of which several elements are one in memory; clone() it first"
    spans = [(*byte_bounds(each.array), each) for each in outside]
    near: list[tuple[int, Storage]] = []
    for start, stop, each in sorted(spans, key=lambda span: span[:2]):
        near = [(end, other) for end, other in near if end > start]
        if any((each.written or other.written) and may_share(each.array, other.array) for _, other in near):
            return "two tensors from outside share memory, and one is written; use views of one tensor instead"
        near.append((stop, each))
    return None


def may_share(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether arrays may have elements in common."""
    try:
        return np.shares_memory(a, b, max_work=10_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def rebound(capture: Capture) -> str | None:
    """Return why a trace cannot be repeated if the function gave a tensor of the user's other memory."""
    for x, array in capture.alive:
        if x.value is not array:
            return f"a tensor of shape {list(x.value.shape)} was given other memory (`.data = …`); write into it with copy_()"
    return None


def rewritten_constant(capture: Capture, young: set[int]) -> str | None:
    """Return what the call did if it wrote to numbers that no op made: each call makes them anew, or they are a state's first.

    `young` are the identities of what the call made.
    """
    for x in [each.captured for each in capture.storages() if each.written and each.captured is not None]:
        if id(x) in young:
            return f"writes in place to a constant of shape {list(x.value.shape)} that it makes; clone() the constant first"
    return None


def remembering(capture: Capture) -> str | None:
    """Return why a trace cannot be repeated if a tensor from outside was written that has a history, which changes too."""
    for each in capture.storages():
        x = each.captured
        if each.written and x is not None and x.origin is not None:
            # what was written to its base, or to another view, is found out when it is next looked at
            synchronize(x)
        if each.written and x is not None and x.node is not None and not isinstance(x.node, Leaf):
            return f"a tensor of shape {list(x.value.shape)} that has a history is written in place; return a new one instead"
    return None


def regraded(capture: Capture) -> str | None:
    """Return why a trace cannot be repeated if the function lets a tensor from outside require grad, or no longer."""
    for x, node in capture.histories:
        if x.node is not node and (isinstance(x.node, Leaf) or isinstance(node, Leaf)):
            return f"a tensor of shape {list(x.value.shape)} from outside is made to require grad, or not to; do so outside"
    return None


def halved(capture: Capture) -> str | None:
    """Return why a trace cannot be repeated if one array is given as two arguments that lead elsewhere each."""
    known: dict[Var, Any] = {}
    for x, var in zip(capture.arguments, capture.inputs):
        if known.setdefault(var, x.node) is not x.node:
            return f"two arguments of shape {list(x.value.shape)} are the same memory with different histories; pass a clone()"
    return None


def leads_inside(capture: Capture, tensors: Iterable[AbstractTensor]) -> str | None:
    """Return why a trace cannot be repeated if the history of a result leads to a leaf that the function made."""
    waiting, met = [x.node for x in tensors], {id(node) for _, node in capture.histories}
    known: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in met or not pending(node, known):
            continue
        met.add(id(node))
        if isinstance(node, Leaf) and (node.variable is None or capture.was_made(node.variable)):
            return "a result can be differentiated by a tensor that the function itself lets require grad; make it outside"
        waiting += node.edges
    return None


def pending(node: Node, known: set[int]) -> bool:
    """Return whether a history has not been gone back through and freed; nodes that keep shapes alone are as those before.

    Those in `known` are; what is found to be so is entered there.
    """
    waiting, met = [node], set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, Leaf) or id(each) in met or id(each) in known:
            continue
        met.add(id(each))
        if each.kept is None:
            return False
        if each.kept.__class__ is list:
            waiting += [edge for edge in each.edges if edge is not None]
    known |= met
    return True


def holders(pairs: Iterable[tuple[Any, Any]]) -> list[int]:
    """Return how many hold the first thing of each pair, counting the pair and what looks."""
    return [sys.getrefcount(x) for x, _ in pairs]


def survivors(capture: Capture, known: set[int]) -> Callable[[bool], int]:
    """Return a function that counts the tensors made here, other than the `known`, that outlive the capture."""
    (alone,) = holders([(object(), None)])
    made = [
        weakref.ref(x)
        for (x, array), count in zip(capture.alive, holders(capture.alive))
        # what the capture alone holds goes with it
        if count > alone and id(array) not in known and capture.places[id(array)].storage.captured is None and not is_literal(x)
    ]

    def count() -> int:
        return sum(each() is not None for each in made)

    def counted(thorough: bool) -> int:
        if count():
            # a leaf made inside and its node refer to each other; what is old takes long to search
            gc.collect(2 if thorough else 1)
        return count()

    return counted
