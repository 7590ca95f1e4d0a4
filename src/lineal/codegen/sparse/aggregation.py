"""Aggregates of the nodes of a graph: each is a node and its neighbours, so far as they are free.

Vaněk, Mandel and Brezina, Computing 56 (1996), algorithm 5.1. In a first pass nodes whose neighbours are all free take them; in
a second nodes that are left go to an aggregate of a neighbour; in a third what still is left makes aggregates of its own. What
comes depends on the order of the nodes alone.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64
from lineal.codegen.native import Native, entered
from lineal.codegen.values import Value

__all__ = ["aggregated"]


class Aggregates:
    """Writes the code; its arrays are the pointers, the neighbours, each node's aggregate (−1 at first), and their number."""

    def __init__(self) -> None:
        self.e = e = Emitter()
        with entered(e, "aggregate", 4) as ((pointers, neighbours, found, count), table):
            nodes = e.load(table, int64)
            with e.loop(nodes) as node, e.when(e.load(found, int64, node) < 0):
                taken = self.farthest(pointers, neighbours, found, node)
                with e.when(taken < 0):
                    self.take(pointers, neighbours, found, count, node)
            # an aggregate of the second pass is written as −2 − its number, so that it does not spread
            with e.loop(nodes) as node, e.when(e.load(found, int64, node) == -1):
                near = self.farthest(pointers, neighbours, found, node)
                with e.when(near >= 0):
                    e.store(-2 - near, found, node)
            with e.loop(nodes) as node:
                here = e.load(found, int64, node)
                with e.when(here < -1):
                    e.store(-2 - here, found, node)
            with e.loop(nodes) as node, e.when(e.load(found, int64, node) < 0):
                self.take(pointers, neighbours, found, count, node)

    def farthest(self, pointers: Value, neighbours: Value, found: Value, node: Value) -> Value:
        """Return the largest number among the aggregates of a node's neighbours; −1 or less if all are free."""
        e = self.e
        begin, end = (e.load(pointers, int64, node + n) for n in (0, 1))
        largest = e.variable(e.const(-1, int64))
        with e.loop(end, begin, carried=[largest]) as k:
            there = e.load(found, int64, e.load(neighbours, int64, k))
            largest.value = e.math.maximum(largest.value, there)
        return largest.value

    def take(self, pointers: Value, neighbours: Value, found: Value, count: Value, node: Value) -> None:
        """Give a node, and its neighbours that are free, an aggregate of their own."""
        e = self.e
        begin, end = (e.load(pointers, int64, node + n) for n in (0, 1))
        number = e.load(count, int64)
        e.store(number, found, node)
        with e.loop(end, begin) as k:
            neighbour = e.load(neighbours, int64, k)
            with e.when(e.load(found, int64, neighbour) == -1):
                e.store(number, found, neighbour)
        e.store(number + 1, count)


@lru_cache(1)
def native() -> Native:
    """Return the compiled code."""
    return Native(Aggregates().e, "aggregate")


def aggregated(pointers: np.ndarray, neighbours: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the aggregate of each node of a symmetric graph, and how many there are; the arrays are int64 and right."""
    nodes = len(pointers) - 1
    found, count = np.full(nodes, -1, np.int64), np.zeros(1, np.int64)
    code = native()
    code((pointers, neighbours, found, count), code.table(0, nodes))
    return found, int(count[0])
