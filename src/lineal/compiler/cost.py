"""What loops cost, roughly: whether other threads are worth waking."""

from __future__ import annotations

import math
from collections.abc import Iterable

from lineal.compiler.grouping import Group
from lineal.compiler.nodes import Map, Node, Product, Reduce, Repeat

__all__ = ["WORTH_THREADS", "nanoseconds", "operations"]

WORTH_THREADS = 40_000.0
"""From how many nanoseconds on a loop is split over threads."""

MANY_TURNS = 100
"""How many turns a loop is thought to take that ends when a number says so."""

ACCESS, SIMPLE, DIVISION, FUNCTION = 0.1, 0.03, 0.25, 1.0
"""Nanoseconds that four bytes from memory, and a map, take for each element on one thread."""

DIVISIONS = frozenset("div sqrt rsqrt reciprocal".split())
SIMPLE_LABELS = frozenset(
    "add sub mul neg copy cast kept where relu maximum minimum abs sign eq ne lt le gt ge square addcmul lerp mean class "
    "gather relu_backward square_backward clamp clamp_min clamp_max drop keep fma muladd threshold nll_loss".split()
)


def nanoseconds(group: Group) -> float:
    """Return about how long the loop of a group takes on one thread."""
    elements = 1
    for size in group.space or ():
        elements *= size
    accesses = sum(base.dtype.itemsize / 4 for base in {*group.external(), *group.stored} if base.nbytes >= elements)
    maps = sum(of_label(node.label) for node in group.nodes if isinstance(node, Map))
    return elements * (accesses * ACCESS + maps)


def operations(nodes: Iterable[Node]) -> int:
    """Return how many operations on numbers some nodes take: one per element of a map or reduction, two per product's term."""
    count = 0
    for node in nodes:
        if isinstance(node, Product):
            count += 2 * math.prod(node.out.shape) * node.a.shape[-1]
        elif isinstance(node, (Map, Reduce)):
            count += math.prod(node.space)
        elif isinstance(node, Repeat):
            count += (node.turns or MANY_TURNS) * operations(node.schedule.nodes)
    return count


def of_label(label: str) -> float:
    """Return how long a map of this label takes for each element."""
    return SIMPLE if label in SIMPLE_LABELS else DIVISION if label in DIVISIONS else FUNCTION
