"""What loops cost, roughly: whether other threads are worth waking."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

from lineal.codegen.formulas import Formula, Number, Step
from lineal.compiler.nodes.node import Convolve, Map, Node, Product, Reduce, Repeat, Routine
from lineal.compiler.scheduling.grouping import Group

__all__ = ["DIVISION", "FUNCTION", "WORTH_THREADS", "nanoseconds", "of_formula", "operations"]

WORTH_THREADS = 40_000.0
"""From how many nanoseconds on a loop is split over threads."""

MANY_TURNS = 100
"""How many turns a loop is thought to take that ends when a number says so."""

ACCESS, SIMPLE, DIVISION, FUNCTION = 0.1, 0.03, 0.25, 1.0
"""Nanoseconds that four bytes from memory, and an operation of each sort, take for each element on one thread."""

DIVISIONS = frozenset("divide reciprocal sqrt rsqrt".split())
FUNCTIONS = frozenset(
    "exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh "
    "arccosh arctanh sigmoid erf erfc erfcx erfinv ndtr log_ndtr ndtri lgamma digamma trigamma i0 i0e i1 i1e hypot nextafter "
    "cbrt power fmod remainder floor_divide".split()
)
SQUARES = frozenset(map(Number, (1, 2, 1.0, 2.0)))


def nanoseconds(group: Group) -> float:
    """Return about how long the loop of a group takes on one thread."""
    elements = 1
    for size in group.space or ():
        elements *= size
    accesses = sum(
        buffer.dtype.itemsize / 4 for buffer in dict.fromkeys((*group.external(), *group.stored)) if buffer.nbytes >= elements
    )
    maps = sum(of_formula(node.formula) for node in group.nodes if isinstance(node, Map))
    return elements * (accesses * ACCESS + maps)


def operations(nodes: Iterable[Node]) -> int:
    """Return how many operations on numbers some nodes take: one per element of a map or reduction, two per product's term."""
    count = 0
    for node in nodes:
        if isinstance(node, Product):
            count += 2 * math.prod(node.out.shape) * node.a.shape[-1]
        elif isinstance(node, (Map, Reduce)):
            count += math.prod(node.space)
        elif isinstance(node, (Convolve, Routine)):
            count += 2 * node.work
        elif isinstance(node, Repeat):
            count += (node.turns or MANY_TURNS) * operations(node.schedule.nodes)
    return count


@lru_cache(4096)
def of_formula(formula: Formula) -> float:
    """Return how long a formula takes for each element; a copy as long as an addition."""
    return max(SIMPLE, sum(map(of_step, formula.steps)))


def of_step(step: Step) -> float:
    """Return how long an operation takes; a square is a product."""
    if step.operation == "power" and step.operands[1] in SQUARES:
        return SIMPLE
    return DIVISION if step.operation in DIVISIONS else FUNCTION if step.operation in FUNCTIONS else SIMPLE
