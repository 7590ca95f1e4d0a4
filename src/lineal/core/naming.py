"""By which names the nodes of several ops are known."""

from __future__ import annotations

from typing import Any

from lineal.core.op import Node, node_class

__all__ = ["renamed"]


def renamed(y: Any, name: str) -> Any:
    """Return the result of several ops, or a tuple of views, its node now named like the one that PyTorch makes of them."""
    node = y.node if y.__class__ is not tuple else y[0].node if y else None
    if node.__class__ is Node:
        node.__class__ = node_class(name, Node)  # type: ignore[union-attr]
    return y
