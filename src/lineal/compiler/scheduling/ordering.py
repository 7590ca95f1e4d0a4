"""Ordering: whatever may give a call back to eager code comes before the first effect, which nobody may do again."""

from __future__ import annotations

from typing import Any

from lineal.base import later
from lineal.compiler.nodes.buffers import Buffer
from lineal.compiler.nodes.node import Host, Node

__all__ = ["before_effects"]

shapes: Any = later.module("lineal.compiler.lowering.rules.shapes")


def before_effects(nodes: list[Node]) -> list[Node]:
    """Return the nodes; those that may stop the program, and what they need, come before the first that has an effect.

    NotImplementedError if what stops the program depends on what an effect gave. Only ops of the host's may: they raise.
    """
    if not any(is_effect(node) for node in nodes):
        return nodes
    later: set[Buffer] = set()
    for node in nodes:
        if is_effect(node) or not later.isdisjoint(node.reads):
            later.update(node.writes)
            if isinstance(node, Host) and not shapes.may_change(node.op):
                node.final = True
            elif node.stops:
                raise NotImplementedError(
                    f"what it does next depends on numbers ({node.equation or 'a check'}) that an op with an effect gave"
                )
    wanted: set[Buffer] = set()
    early: set[int] = set()
    for node in reversed(nodes):
        stops = node.stops and not (isinstance(node, Host) and node.final)
        if stops or not wanted.isdisjoint(node.writes):
            early.add(id(node))
            wanted.update(node.reads)
    return [*(node for node in nodes if id(node) in early), *(node for node in nodes if id(node) not in early)]


def is_effect(node: Node) -> bool:
    """Return whether a node does something besides computing."""
    return isinstance(node, Host) and node.op.effect is not None
