"""Fresh variables for a transform, and results freed from them again.

A transform differentiates by aliases of its arguments. What it returns keeps its history only where that leads to something
outside: an argument or captured tensor that requires grad, or the variable of an enclosing transform.
"""

from __future__ import annotations

from typing import Any

from lineal.base import tree
from lineal.core import AbstractTensor, Leaf, Node, Op, apply, modes, synchronize
from lineal.tensors.autograd_methods import Detach

__all__ = ["alias", "fresh", "free", "leads_outside", "outputs", "places_of", "with_aux"]

Argnums = int | tuple[int, ...]


class Alias(Op):
    """y = x, as another variable over the same memory; x̄ = ȳ."""

    aliasing = "memory"
    key = "Variable"
    grad_name = "AliasBackward0"
    any_dtype = True

    def eager(self, xp, x):
        return x.view()

    def vjp(self, needs, g, y, x):
        return (g,)


def alias(nest: Any) -> Any:
    """Return `nest` with another tensor over the same memory, of the same history, in place of every tensor."""
    return tree.transform(lambda x: apply(Alias(), x) if isinstance(x, AbstractTensor) else x, nest)


def fresh(nest: Any, history: bool) -> tuple[Any, set[Node]]:
    """Return `nest` with a variable in place of every tensor, and the leaves among them; `history` links them outside."""
    leaves: set[Node] = set()

    def variable(x: Any) -> Any:
        if not isinstance(x, AbstractTensor):
            return x
        with modes.Setting((modes.grad_enabled, history)):
            y: Any = apply(Alias(), x)
        if y.node is None:
            leaves.add(y.requires_grad_().node)
        return y

    return tree.transform(variable, nest), leaves


def places_of(name: str, argnums: Argnums, count: int) -> tuple[int, ...]:
    """Return which of `count` arguments `argnums` means, counted from 0; RuntimeError if one is not there, or twice."""
    places = argnums if isinstance(argnums, tuple) else (argnums,)
    if not places:
        raise RuntimeError(f"{name}: argnums must be non-empty")
    for place in places:
        if isinstance(place, bool) or not isinstance(place, int):
            raise RuntimeError(f"{name}: argnums must be int or Tuple[int, ...], got {argnums!r}")
        if not -count <= place < count:
            raise RuntimeError(f"{name}: Got argnum={place}, but only {count} positional inputs")
    places = tuple(place % count for place in places)
    if len(set(places)) != len(places):
        raise RuntimeError(f"{name}: argnums elements must be unique, got {argnums}")
    return places


def outputs(name: str, nest: Any) -> list:
    """Return the tensors that a function gave, with the history that writes through other views have left them."""
    ys = list(tree.leaves(nest))
    for y in ys:
        if not isinstance(y, AbstractTensor):
            raise RuntimeError(f"{name}: Expected f(*args) to return only tensors, got unsupported type {type(y)}")
        synchronize(y)
    return ys


def with_aux(name: str, result: Any, has_aux: bool) -> tuple[Any, Any]:
    """Return what a function gave as its output and the auxiliary rest."""
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return result


def leads_outside(roots: Any, leaves: set[Node]) -> bool:
    """Return whether the history of the tensors `roots` leads to a leaf that is not among `leaves`."""
    stack = [each.node for each in roots if each.node is not None]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if isinstance(node, Leaf) and node not in leaves:
            return True
        for edge in node.edges:
            if edge is not None and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return False


def leads_to(roots: Any, leaves: set[Node]) -> bool:
    """Return whether the history of the tensors `roots` leads to one of `leaves`, or, if they are none, anywhere."""
    stack = [each.node for each in roots if each.node is not None]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if node in leaves:
            return True
        fresh_edges = [edge for edge in node.edges if edge is not None and edge not in seen]
        seen.update(fresh_edges)
        stack += fresh_edges
    return False


def free(nest: Any, leaves: set[Node], history: bool) -> Any:
    """Return `nest` with tensors detached whose history does not lead outside."""

    def settle(y: Any) -> Any:
        if isinstance(y, AbstractTensor):
            synchronize(y)
        if not isinstance(y, AbstractTensor) or y.node is None:
            return y
        return y if history and leads_outside((y,), leaves) else apply(Detach(), y)

    return tree.transform(settle, nest)
