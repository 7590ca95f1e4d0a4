"""Matrices as code reads them row by row: what writes s = A x, and lets its user finish each s while it is in a register.

Rows are cut into pieces, as many as the matrix says and not the threads, so that what is added up over them does not depend on
how many threads there are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lineal.codegen.blocks import Block
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, float64
from lineal.codegen.sparse.lines import WORTH_LINES, Lines
from lineal.codegen.values import Value, Variable

__all__ = ["CompressedForm", "Form", "RowWriter", "Rows", "cut", "one_piece"]

PIECES = 256
"""Into how many pieces rows are cut at most."""
SIDE = 4
"""How many entries of a long row are summed up side by side."""
LONG = 16
"""How many entries rows have on average that are called long: there the sums would wait for each other."""

Finish = Callable[[Block, Value], None]


class RowWriter(ABC):
    """Writes the rows of A x, some numbers of which stand side by side in `lanes`."""

    e: Emitter
    kind: Kind
    wide: Kind
    """What sums are made in."""
    lanes: int

    @abstractmethod
    def write(
        self, start: Value, stop: Value, given: Sequence[Value], x: Value, finish: Finish, carried: Sequence[Variable] = ()
    ) -> None:
        """Write the units range(start, stop): `finish` gets each block of rows and its sums; `given` are arrays and numbers."""

    def read(self, block: Block, base: Value) -> Value:
        """Return the numbers of an array at a block, as the kind that is summed up."""
        return self.e.cast(block.load(base, self.kind), self.wide)


class Form(ABC):
    """What the code for a matrix depends on, but for the numbers in its table."""

    arrays: int
    """How many arrays it is made of, the last of which counts indices that are out of range."""
    numbers: int
    """How many whole numbers it is made of."""

    @abstractmethod
    def writer(self, e: Emitter) -> RowWriter:
        """Return what writes its rows."""


class Rows(NamedTuple):
    """A matrix as code takes it: its form, arrays and numbers; how many units of work and rows it has, and how many terms."""

    form: Form
    arrays: tuple[np.ndarray, ...]
    numbers: tuple[int, ...]
    units: int
    length: int
    work: int

    @property
    def failed(self) -> np.ndarray:
        """Whether an index was out of range."""
        return self.arrays[-1]

    @property
    def table(self) -> tuple[int, ...]:
        """Its numbers, and those of `Cuts`."""
        pieces = max(1, min(PIECES, self.units))
        cuts = self.units, self.length, pieces, -(-self.units // pieces), -(-self.length // pieces)
        return *self.numbers, *cuts, int(self.work >= WORTH_LINES)


class Cuts(NamedTuple):
    """Units and rows, into how many pieces they are cut, how many of each are in a piece, and whether threads share them."""

    units: Any
    length: Any
    pieces: Any
    share: Any
    width: Any
    worth: Any


@contextmanager
def cut(e: Emitter, start: Value, stop: Value, count: Value, share: Value) -> Iterator[tuple[Value, Value, Value]]:
    """Write what is done for the pieces range(start, stop); yield the number of each, its first unit and where it ends."""
    with e.loop(stop, start) as piece:
        first = e.math.minimum(piece * share, count)
        yield piece, first, e.math.minimum(first + share, count)


@dataclass(frozen=True)
class CompressedForm(Form):
    """Of a matrix compressed by rows: arrays are values, pointers, indices and failures, numbers its columns and entries."""

    values: np.dtype
    places: np.dtype
    long: bool
    arrays = 4
    numbers = 2

    def writer(self, e: Emitter) -> RowWriter:
        return CompressedRows(self, e)

    @classmethod
    def of(cls, values: np.ndarray, pointers: np.ndarray, indices: np.ndarray, columns: int) -> Rows:
        """Return a matrix's rows; all arrays lie in C order."""
        rows, arrays = len(pointers) - 1, (values, pointers, indices, np.zeros(1, np.int64))
        form = cls(values.dtype, pointers.dtype, values.size >= LONG * rows)
        return Rows(form, arrays, (columns, values.size), rows, rows, values.size + rows)


class CompressedRows(Lines, RowWriter):
    """The rows of a compressed matrix, one after the other."""

    lanes = 1

    def __init__(self, form: CompressedForm, e: Emitter):
        super().__init__(form.values, form.places, e)
        self.long = form.long

    def write(self, start, stop, given, x, finish, carried=()):
        values, pointers, indices, failed, columns, count = given
        e = self.e
        begins = self.first(pointers, start, count, failed)
        with (
            e.loop(stop, start, carried=[begins, *carried]) as row,
            self.line(pointers, row, count, failed, begins) as (begin, end),
        ):
            whole = begin + ((end - begin) & -SIDE) if self.long else begin
            totals = [e.variable(e.const(0, self.wide)) for _ in range(SIDE if self.long else 1)]
            if self.long:
                self.entries(whole, begin, totals, (values, indices, x, failed, columns))
            else:
                self.fetch(values, indices, begin)
            self.entries(end, whole, totals[:1], (values, indices, x, failed, columns))
            sums = [each.value for each in totals]
            finish(Block(e, row, 1), (sums[0] + sums[1]) + (sums[2] + sums[3]) if self.long else sums[0])

    def entries(self, stop: Value, start: Value, totals: list[Variable], given: tuple[Value, ...]) -> None:
        """Write the sum of the entries range(start, stop), one to each total by turns."""
        values, indices, x, failed, columns = given
        e = self.e
        with e.loop(stop, start, len(totals), carried=totals) as k:
            if len(totals) > 1:
                self.fetch(values, indices, k)
            for n, total in enumerate(totals):
                with self.place(indices, k + n, columns, failed, carried=[total]) as place:
                    total.value = total.value + self.number(values, k + n) * self.number(x, place)


def one_piece(e: Emitter, partial: Value, count: Value) -> Value:
    """Return the sum of so many float64 of an array, from the first to the last."""
    total = e.variable(e.const(0.0, float64))
    with e.loop(count, carried=[total]) as n:
        total.value = total.value + e.load(partial, float64, n)
    return total.value
