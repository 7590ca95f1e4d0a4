"""What all code for compressed matrices shares: how the entries of a line are found, and indices that are out of range.

A matrix of M lines has M + 1 pointers, of which two neighbours say between which entries a line lies, and an index for each
entry, which says where along the line it stands. Users may write to both after they have been checked, so code looks at each
one that it reads: it takes those out of range for 0, and says so at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, float64, int64, kind_of, uint64
from lineal.codegen.values import Value, Variable

__all__ = ["WORTH_LINES", "Lines", "refuse", "wide_of"]

AHEAD = 256
"""How many entries ahead memory is asked for."""
WORTH_LINES = 1 << 14
"""From how many multiplications on lines are shared by threads."""


def wide_of(kind: Kind) -> Kind:
    """Return the kind that numbers are summed up in."""
    return float64 if kind.family == "f" else kind


class Lines:
    """Writes code for lines whose entries are of one kind, and whose pointers and indices are of another."""

    def __init__(self, values: np.dtype, places: np.dtype, e: Emitter | None = None):
        self.kind, self.places = kind_of(values), kind_of(places)
        self.wide = wide_of(self.kind)
        self.e = e or Emitter()

    def first(self, pointers: Value, line: Value, count: Value, failed: Value) -> Variable:
        """Return a variable of where a line begins among `count` entries; 0 if its pointer makes no sense."""
        e = self.e
        begin = e.cast(e.load(pointers, self.places, line), int64)
        right = e.cast(begin, uint64) <= e.cast(count, uint64)
        with e.when(~right):
            e.store(e.const(1, int64), failed)
        return e.variable(e.select(right, begin, 0))

    @contextmanager
    def line(
        self, pointers: Value, line: Value, count: Value, failed: Value, begins: Variable
    ) -> Iterator[tuple[Value, Value]]:
        """Write what is done to a line that begins where the one before has ended; yield between which entries it lies."""
        e, begin = self.e, begins.value
        end = e.cast(e.load(pointers, self.places, line + 1), int64)
        right = e.cast(end - begin, uint64) <= e.cast(count - begin, uint64)
        with e.when(~right):
            e.store(e.const(1, int64), failed)
        end = e.select(right, end, begin)
        yield begin, end
        begins.value = end

    @contextmanager
    def place(
        self,
        indices: Value,
        k: Value,
        bound: Value,
        failed: Value,
        *,
        low: Value | None = None,
        carried: Sequence[Variable] = (),
    ) -> Iterator[Value]:
        """Write what is done where an index is in range; yield where along its line entry k stands, counted from `low`."""
        e = self.e
        index = e.cast(e.load(indices, self.places, k), int64)
        index = index if low is None else index - low
        with e.if_else(e.cast(index, uint64) < e.cast(bound, uint64), carried=carried) as (inside, outside):
            with inside:
                yield index
            with outside:
                e.store(e.const(1, int64), failed)

    def fetch(self, values: Value, indices: Value, k: Value) -> None:
        """Ask for entries some way ahead of entry k: the processor's own foresight ends at every page."""
        self.e.fetch(self.e.address(values, k + AHEAD, self.kind))
        self.e.fetch(self.e.address(indices, k + AHEAD, self.places))

    def number(self, base: Value, k: Value) -> Value:
        """Return a number as the kind that is summed up."""
        return self.e.cast(self.e.load(base, self.kind, k), self.wide)


def refuse(failed: np.ndarray, name: str) -> None:
    """Raise the error for indices out of range, which were in range when the matrix was made."""
    if failed[0]:
        raise RuntimeError(f"{name}: indices of a sparse tensor are out of range; they have been written to since it was made")
