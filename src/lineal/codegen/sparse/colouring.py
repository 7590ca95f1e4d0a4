"""Colours of the nodes of a graph, so that no neighbours share one: each node takes the first that is free, in their order."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64
from lineal.codegen.native import Native, entered

__all__ = ["coloured"]


class Colours:
    """Writes the code; its arrays are pointers, neighbours, colours (−1 at first), and who last saw a colour taken."""

    def __init__(self) -> None:
        self.e = e = Emitter()
        with entered(e, "colour", 4) as ((pointers, neighbours, colours, taken), table), e.loop(e.load(table, int64)) as node:
            begin, end = (e.load(pointers, int64, node + n) for n in (0, 1))
            with e.loop(end, begin) as k:
                colour = e.load(colours, int64, e.load(neighbours, int64, k))
                with e.when(colour >= 0):
                    e.store(node, taken, colour)
            # of its neighbours and itself there is one more than neighbours, so that a colour is free among as many
            free = e.variable(e.const(0, int64))
            with e.loop(end, begin, carried=[free]):
                free.value = free.value + e.select(e.load(taken, int64, free.value) == node, e.const(1, int64), 0)
            e.store(free.value, colours, node)


@lru_cache(1)
def native() -> Native:
    """Return the compiled code."""
    return Native(Colours().e, "colour")


def coloured(pointers: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Return the colour of each node of a symmetric graph, from 0 on; the arrays are int64 and right."""
    nodes = len(pointers) - 1
    colours = np.full(nodes, -1, np.int64)
    taken = np.full(max(np.diff(pointers).max(initial=0), 0) + 1, -1, np.int64)
    code = native()
    code((pointers, neighbours, colours, taken), code.table(0, nodes))
    return colours
