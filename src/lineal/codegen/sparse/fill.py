"""Where elimination up to a level of fill leaves entries.

Row i of U gets one in column j if a path leads from i to j through rows before both, of at most level + 1 steps (Hysom and
Pothen, "Level-based incomplete LU factorization: graph model and algorithms", 2002, theorem 1). So each row is a search of
its own, breadth first: through rows before it, as far as the level allows.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64
from lineal.codegen.native import Native, entered
from lineal.codegen.values import Value, Variable

__all__ = ["filled_above"]


class Searches:
    """Writes the code; its arrays are pointers, indices, marks (−1 at first), a queue, and where and what it finds.

    The table has the rows, the level, and whether indices are written or counted alone.
    """

    def __init__(self) -> None:
        self.e = e = Emitter()
        with entered(e, "search", 6) as ((pointers, indices, marks, queue, starts, found), table):
            rows, level, writes = (e.load(table, int64, n) for n in range(3))
            with e.loop(rows) as row:
                e.store(row, queue)
                e.store(row, marks, row)
                first, last, total = (e.variable(e.const(n, int64)) for n in (0, 1, 0))
                with e.loop(level + 1, carried=[first, last, total]):
                    stop = last.value
                    with e.loop(stop, first.value, carried=[last, total]) as k:
                        node = e.load(queue, int64, k)
                        begin, end = (e.load(pointers, int64, node + n) for n in (0, 1))
                        with e.loop(end, begin, carried=[last, total]) as entry:
                            there = e.load(indices, int64, entry)
                            with e.when(e.load(marks, int64, there) != row, carried=[last, total]):
                                e.store(row, marks, there)
                                self.reached(there, row, starts, found, writes, queue, last, total)
                    first.value = stop
                with e.when(writes == 0):
                    e.store(e.load(starts, int64, row) + total.value, starts, row + 1)

    def reached(
        self,
        there: Value,
        row: Value,
        starts: Value,
        found: Value,
        writes: Value,
        queue: Value,
        last: Variable,
        total: Variable,
    ) -> None:
        """Put a row before this one into the queue; count, and write down, one behind it."""
        e = self.e
        with e.if_else(there > row, carried=[last, total]) as (behind, before):
            with behind:
                with e.when(writes != 0):
                    e.store(there, found, e.load(starts, int64, row) + total.value)
                total.value = total.value + 1
            with before:
                e.store(there, queue, last.value)
                last.value = last.value + 1


@lru_cache(1)
def native() -> Native:
    """Return the compiled code."""
    return Native(Searches().e, "search")


def filled_above(pointers: np.ndarray, indices: np.ndarray, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pointers and indices, in any order, of the entries above the diagonal; the arrays are int64 and right."""
    rows = len(pointers) - 1
    queue, starts, found = np.empty(rows + 1, np.int64), np.zeros(rows + 1, np.int64), np.empty(0, np.int64)
    code = native()
    for writes in (0, 1):
        if writes:
            found = np.empty(starts[-1], np.int64)
        marks = np.full(rows, -1, np.int64)
        code((pointers, indices, marks, queue, starts, found), code.table(0, rows, level, writes))
    return starts, found
