"""Fresh variables for a transform, and results freed from them again.

A transform differentiates by aliases of its arguments. What it returns keeps its history only where that leads to something
outside: an argument or captured tensor that requires grad, or the variable of an enclosing transform.
"""

from __future__ import annotations

from typing import Any

from lineal.base import tree
from lineal.core import AbstractTensor, Leaf, Node, Op, apply, modes
from lineal.tensors.autograd_methods import Detach

__all__ = ["fresh", "free", "leads_outside"]


class Alias(Op):
    """y = x, as another variable over the same memory; x̄ = ȳ."""

    aliasing = "memory"

    def eager(self, xp, x):
        return x.view()

    def vjp(self, needs, g, y, x):
        return (g,)


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


def free(nest: Any, leaves: set[Node], history: bool) -> Any:
    """Return `nest` with tensors detached whose history does not lead outside."""

    def settle(y: Any) -> Any:
        if not isinstance(y, AbstractTensor) or y.node is None:
            return y
        return y if history and leads_outside((y,), leaves) else apply(Detach(), y)

    return tree.transform(settle, nest)
