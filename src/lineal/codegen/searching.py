"""How many elements of a sorted sequence come before each number: a vector of numbers halves the sequence together.

Numbers are compared in the order of `selection.ordered`, of which NaN is the largest.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int64, kind_of
from lineal.codegen.native import UNWRITABLE, Native, entered
from lineal.codegen.parallel import WORTH_THREADS, shared
from lineal.codegen.selection import key_of, ordered
from lineal.codegen.values import Value

__all__ = ["searched"]

LANES = 8
RUN = 1 << 12
"""How many numbers of one sequence are a thread's at a time."""


class Search:
    """Writes search(sequence, numbers, y, table); numbers are parts of one length, each with its sequence, or all with one."""

    def __init__(self, kind: Kind, right: bool):
        self.kind, self.right, self.e = kind, right, Emitter()
        e = self.e
        with entered(e, "search", 3) as (given, table):
            worth = e.load(table, int64, 1) >= WORTH_THREADS
            shared(e, "search", e.load(table, int64), [*given, table], self.parts, grain=1, worth=worth)

    def parts(self, first: Value, last: Value, sequences: Value, numbers: Value, y: Value, table: Value) -> None:
        """Write the loop over the parts range(first, last)."""
        e, kind = self.e, self.kind
        total, length, n, step, halvings = (e.load(table, int64, 1 + place) for place in range(5))
        with e.loop(last, first) as part:
            sequence = e.address(sequences, part * step, kind)
            end = e.math.minimum((part + 1) * length, total)
            for block in e.blocks(end, LANES, part * length):
                found = self.halved(ordered(e, block.load(numbers, kind), key_of(kind)), sequence, n, halvings)
                block.store(found, y, int64)

    def halved(self, numbers: Value, sequence: Value, n: Value, halvings: Value) -> Value:
        """Write the search for a vector of numbers, in a sequence of at least one element."""
        e = self.e
        begin, size = e.variable(e.const(0, int64, LANES)), e.variable(n)
        with e.loop(halvings, carried=[begin, size]):
            half = size.value >> 1
            middle = begin.value + e.splat(half, LANES)
            # of one element nothing is halved: the one before its half is itself
            before = self.before(sequence, e.math.maximum(middle - 1, 0), numbers) & (e.splat(half, LANES) > 0)
            begin.value = e.select(before, middle, begin.value)
            size.value = size.value - half
        return e.select(self.before(sequence, begin.value, numbers), begin.value + 1, begin.value)

    def before(self, sequence: Value, places: Value, numbers: Value) -> Value:
        """Return whether what stands at places of the sequence comes before the numbers."""
        e = self.e
        everywhere = e.iota(kinds.int32, LANES) < e.splat(e.const(LANES, kinds.int32), LANES)
        here = ordered(e, e.gathered(sequence, places, self.kind, everywhere), key_of(self.kind))
        return here <= numbers if self.right else here < numbers


@lru_cache(64)
def native(storage: np.dtype, right: bool) -> Native | None:
    """Return the compiled function, or None if it cannot be written."""
    try:
        kind = kind_of(storage)
        return None if kind is kinds.uint64 else Native(Search(kind, right).e, "search")
    except UNWRITABLE:
        return None


def searched(sequence: np.ndarray, numbers: np.ndarray, right: bool) -> np.ndarray | None:
    """Return the places of numbers in one sequence, or in the rows of sequences, of one dtype; None where NumPy has to."""
    n = sequence.shape[-1]
    found = native(sequence.dtype, right) if n and numbers.size and sequence.dtype == numbers.dtype else None
    if found is None:
        return None
    length, step = (RUN, 0) if sequence.ndim == 1 else (numbers.shape[-1], n)
    y = np.empty(numbers.shape, np.int64)
    sequence, numbers = (each if each.flags.c_contiguous else np.ascontiguousarray(each) for each in (sequence, numbers))
    rows, turns = -(-numbers.size // length), math.ceil(math.log2(n)) if n > 1 else 0
    made = found.filled((sequence, numbers), (y,), numbers.size, rows, numbers.size, length, n, step, turns)
    return None if made is None else made[0]
