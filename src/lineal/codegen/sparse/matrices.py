"""Products of two matrices compressed by rows, in two passes (Gustavson 1978, "Two fast algorithms for sparse matrices").

The first counts the entries of each row of the product, the second sums them up, in float64, and puts them in order. Rows are
cut into pieces, each of which has a mark for every column: what row met it last, or where its entry is. Entries whose terms
cancel stay, as zeros.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lineal.codegen.kinds import Kind, int64, kind_of
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import shared
from lineal.codegen.sparse.lines import WORTH_LINES, Lines, refuse, wide_of
from lineal.codegen.values import Value, Variable

__all__ = ["matrix_product"]

PIECES, MARKS = 8, 1 << 23
"""Into how many pieces rows are cut at most, and how many marks there are at most in all, for two pieces and more."""
LONGEST = 1 << 12
"""How many entries a row has at most that is put in order by comparing each with each, if there are many more columns."""


class MatrixProducts(Lines):
    """The code of one pass over A B; the second pass `fills` the product, the first counts.

    The table has A's rows and columns, B's columns, the entries of both, the pieces and the longest row. The first pass writes
    the rows' counts where the second reads at which entry rows begin.
    """

    def __init__(self, values: np.dtype, places: np.dtype, fills: bool):
        super().__init__(values, places)
        self.fills = fills
        e = self.e
        with entered(e, "product", 13) as (given, table):
            numbers = [e.load(table, int64, n) for n in range(7)]
            shared(
                e, "product", numbers[5], [*given, *numbers], self.pieces, grain=1, pieces=16,
                worth=numbers[3] + numbers[4] >= WORTH_LINES,
            )  # fmt: skip

    def pieces(self, start: Value, stop: Value, *given: Value) -> None:
        """Write the pieces range(start, stop)."""
        e = self.e
        rows, _, columns, _, _, pieces, _ = given[13:]
        marks = given[11]
        share = e.math.floor_divide(rows + pieces - 1, pieces)
        with e.loop(stop, start) as piece:
            own = e.address(marks, piece * columns, int64)
            for block in e.blocks(columns, int64):
                block.store(e.const(-1, int64), own)
            first = e.math.minimum(piece * share, rows)
            begins = self.first(given[0], first, given[16], given[12])
            with (
                e.loop(e.math.minimum(first + share, rows), first, carried=[begins]) as row,
                self.line(given[0], row, given[16], given[12], begins) as span,
            ):
                self.row(row, piece, own, span, given)

    def row(self, row: Value, piece: Value, marks: Value, span: tuple[Value, Value], given: tuple[Value, ...]) -> None:
        """Write a row of the product, or how many entries it has."""
        e = self.e
        pointers, longest = given[6], given[19]
        base = e.load(pointers, int64, row) if self.fills else row
        met = e.variable(e.const(0, int64))
        line = [e.address(each, piece * longest, kind) for each, kind in ((given[9], self.places), (given[10], self.wide))]
        self.terms(marks, base, met, span, line, given)
        if self.fills:
            self.ordered(marks, line, met.value, base, given)
        else:
            e.store(met.value, pointers, row)

    def terms(
        self, marks: Value, base: Value, met: Variable, span: tuple[Value, Value], line: list[Value], given: tuple[Value, ...]
    ) -> None:
        """Write what is done with each product of an entry of A's row and one of the row of B that it meets."""
        _, a_indices, a_values, b_pointers, b_indices, b_values = given[:6]
        failed, (_, inner, columns, _, b_count, *_) = given[12], given[13:]
        e = self.e
        with e.loop(span[1], span[0], carried=[met]) as k, self.place(a_indices, k, inner, failed, carried=[met]) as place:
            begins = self.first(b_pointers, place, b_count, failed)
            with (
                self.line(b_pointers, place, b_count, failed, begins) as (begin, end),
                e.loop(end, begin, carried=[met]) as n,
                self.place(b_indices, n, columns, failed, carried=[met]) as column,
            ):
                mark = e.load(marks, int64, column)
                # rows come in order, so marks of earlier ones are less than where this one begins
                fresh = mark < base
                if self.fills:
                    self.term(
                        self.number(a_values, k) * self.number(b_values, n), column, (marks, mark, fresh, base), met, line
                    )
                else:
                    met.value = met.value + e.cast(fresh, int64)
                    e.store(base, marks, column)

    def term(self, term: Value, column: Value, found: tuple[Value, ...], met: Variable, line: list[Value]) -> None:
        """Write a product to the entry of its column, which it may be the first one of."""
        marks, mark, fresh, base = found
        e = self.e
        with e.if_else(fresh, carried=[met]) as (first, later):
            with first:
                e.store(base + met.value, marks, column)
                e.store(column, line[0], met.value, kind=self.places)
                e.store(term, line[1], met.value)
                met.value = met.value + 1
            with later:
                e.store(e.load(line[1], self.wide, mark - base) + term, line[1], mark - base)

    def ordered(self, marks: Value, line: list[Value], count: Value, base: Value, given: tuple[Value, ...]) -> None:
        """Write the entries of a row in the order of their columns: by their marks, or each after those that are less."""
        e, columns = self.e, given[15]
        with e.if_else(e.math.floor_divide(count * count, e.lanes(self.places)) > columns) as (many, few):
            with many:
                place = e.variable(base)
                with e.loop(columns, carried=[place]) as column:
                    mark = e.load(marks, int64, column)
                    with e.when(mark >= base, carried=[place]):
                        self.put(place.value, column, e.load(line[1], self.wide, mark - base), given)
                        place.value = place.value + 1
            with few, e.loop(count) as n:
                column = e.load(line[0], self.places, n)
                self.put(base + self.less(line[0], column, count), column, e.load(line[1], self.wide, n), given)

    def less(self, columns: Value, column: Value, count: Value) -> Value:
        """Return how many columns of a row are less than one."""
        e, lanes = self.e, self.e.lanes(self.places)
        less = e.variable(e.const(0, int64))
        for block in e.blocks(count, lanes, carried=[less]):
            found = block.load(columns, self.places) < e.splat(column, lanes)
            less.value = less.value + e.count(found if block.mask is None else found & block.mask)
        return less.value

    def put(self, place: Value, column: Value, entry: Value, given: tuple[Value, ...]) -> None:
        """Write an entry to its place in the product."""
        self.e.store(column, given[7], place, kind=self.places)
        self.e.store(entry, given[8], place, kind=self.kind)


@lru_cache(32)
def native(values: np.dtype, places: np.dtype, fills: bool) -> Native:
    """Return the compiled passes."""
    return Native(MatrixProducts(values, places, fills).e, "product")


Matrix = tuple[np.ndarray, np.ndarray, np.ndarray]


def matrix_product(a: Matrix, b: Matrix, columns: int) -> Matrix | None:
    """Return values, pointers and indices of A B, in order, each matrix given so; None where its rows are too long for that."""
    (a_values, a_pointers, a_indices), (b_values, b_pointers, b_indices) = a, b
    rows, inner = len(a_pointers) - 1, len(b_pointers) - 1
    pieces = max(1, min(PIECES, rows, MARKS // max(columns, 1)))
    marks, failed, none = np.empty(pieces * columns, np.int64), np.zeros(1, np.int64), np.empty(0)
    counts = np.zeros(rows + 1, np.int64)
    sizes = rows, inner, columns, a_values.size, b_values.size, pieces
    given = a_pointers, a_indices, a_values, b_pointers, b_indices, b_values
    code = native(a_values.dtype, a_pointers.dtype, False)
    work = a_values.size + b_values.size
    code((*given, counts[1:], none, none, none, none, marks, failed), code.table(work, *sizes, 0))
    refuse(failed, "product")
    longest = int(counts.max())
    if longest > LONGEST and columns > LONGEST * LONGEST:
        return None
    pointers = np.cumsum(counts)
    indices, values = np.empty(pointers[-1], a_pointers.dtype), np.empty(pointers[-1], a_values.dtype)
    line = np.empty(pieces * longest, a_pointers.dtype), np.empty(pieces * longest, wide(a_values.dtype))
    code = native(a_values.dtype, a_pointers.dtype, True)
    code((*given, pointers, indices, values, *line, marks, failed), code.table(work, *sizes, longest))
    refuse(failed, "product")
    return values, pointers.astype(a_pointers.dtype), indices


def wide(dtype: np.dtype) -> np.dtype:
    """Return the dtype that entries are summed up in."""
    found: Kind = wide_of(kind_of(dtype))
    return found.dtype
