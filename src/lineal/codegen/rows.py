"""Formulas over rows of large arrays: each thread does all of a formula's passes over one row, which stays in its cache.

    def softmax(row):
        top = row.max(lambda m, x: x)
        scale = 1 / row.sum(lambda m, x: m.exp(x - top), "y")
        row.put("y", lambda m, y: y * scale)

A formula's terms name the arrays that they read, and write those that they are told to. Arrays lie in order: rows of n
elements, one number for each row, or, if they have one dimension only, a row that all rows share; a result of one dimension is
a sum over the rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import FLOATS, Kind, int64, kind_of, pointer
from lineal.codegen.large import UNWRITABLE, Native, whole_numbers
from lineal.codegen.parallel import shared
from lineal.codegen.values import Value

__all__ = ["Row", "rowwise"]

SIDE = 2
"""How many vectors are combined side by side."""
MOST = 32
"""How many numbers are added one after the other to one in the row's own kind."""
SHORTEST, LONGEST, FEWEST = 16, 1 << 16, 16
"""How many elements a row has at least and at most, and how many rows there are at least."""

CHUNKS = 64
"""How many parts the rows are cut into at most, each with sums of its own, which do not depend on the number of threads."""

ROWS, SHARED, SINGLE, SUMMED = "rows", "shared", "single", "summed"
Formula = Callable[..., None]
Term = Callable[..., Any]


class Row:
    """The code for one row: arrays by name, each with its address at this row and how it lies in memory."""

    def __init__(self, e: Emitter, kind: Kind, n: Value, places: dict[str, tuple[Value, str]], numbers: dict[str, Value]):
        self.e = e
        self.math = e.math
        self.kind, self.wide = kind, kinds.float64
        self.lanes = e.lanes(kind)
        self.n = n
        self.count = e.cast(n, kind)
        self.places = places
        self.known = numbers | {name: e.load(place, kind) for name, (place, way) in places.items() if way == SINGLE}

    def __getitem__(self, name: str) -> Value:
        """Return a number of the formula, or that of this row."""
        return self.known[name]

    def value(self, term: Term, block: Any) -> Value:
        """Return a term's value in the lanes of a block."""
        code = term.__code__
        names = code.co_varnames[1 : code.co_argcount]
        xs = (self.known[name] if name in self.known else block.load(self.places[name][0], self.kind) for name in names)
        return self.e.splat(term(self.math, *xs), block.lanes)

    def fold(
        self, begin: Value, end: Value, combine: Callable[[Value, Value], Value], start: float, term: Term, into: str | None
    ) -> Value:
        """Return a term's values in part of the row combined, in lanes; with `into`, write them to that array too."""
        e, first = self.e, self.e.const(start, self.kind, self.lanes)
        parts = [e.variable(first) for _ in range(SIDE)]
        for block in e.blocks(end, self.lanes, begin, unroll=SIDE, carried=parts):
            value = self.value(term, block)
            if into is not None:
                block.store(value, self.places[into][0], self.kind)
            part = parts[block.turn]
            part.value = combine(part.value, block.keep(value, first))
        return reduce(combine, [each.value for each in parts])

    def sum(self, term: Term, into: str | None = None) -> Value:
        """Return the sum of a term over the row, in pieces, which are added up in float64; `into` as in `fold`."""
        e, size = self.e, self.lanes * SIDE * MOST
        total = e.variable(e.const(0.0, self.wide, self.lanes))
        with e.loop(self.n, 0, size, carried=[total]) as begin:
            piece = self.fold(begin, e.math.minimum(begin + size, self.n), e.add, 0.0, term, into)
            total.value = total.value + e.cast(piece, self.wide)
        return e.cast(e.reduce(total.value, e.add), self.kind)

    def exact_sum(self, term: Term) -> Value:
        """Return the sum of a term over the row, in float64 from the first number to the last."""
        e, first = self.e, self.e.const(0.0, self.wide, self.lanes)
        parts = [e.variable(first) for _ in range(SIDE)]
        for block in e.blocks(self.n, self.lanes, unroll=SIDE, carried=parts):
            part, value = parts[block.turn], e.cast(self.value(term, block), self.wide)
            part.value = part.value + block.keep(value, first)
        return e.reduce(reduce(e.add, [each.value for each in parts]), e.add)

    def max(self, term: Term, into: str | None = None) -> Value:
        """Return the largest value of a term in the row; NaN if there is one."""
        found = self.fold(self.e.index(0), self.n, self.math.maximum, -math.inf, term, into)
        return self.e.reduce(found, self.math.maximum)

    def add(self, name: str, term: Term) -> None:
        """Add a term's values to the sums `name` over the rows."""
        place = self.places[name][0]
        for block in self.e.blocks(self.n, self.lanes, unroll=2):
            block.store(block.load(place, self.kind) + self.value(term, block), place, self.kind)

    def put(self, name: str, term: Term | Value) -> None:
        """Write a term's values, or the one number of this row, to the array `name`."""
        place = self.places[name][0]
        if isinstance(term, Value):
            self.e.store(term, place, kind=self.kind)
            return
        for block in self.e.blocks(self.n, self.lanes, unroll=2):
            block.store(self.value(term, block), place, self.kind)


class Rows:
    """The code of a formula for all rows of arrays that lie in certain ways."""

    def __init__(self, formula: Formula, names: Sequence[str], ways: Sequence[str], numbers: int, kind: Kind):
        self.formula, self.ways, self.kind = formula, ways, kind
        self.names, self.numbers = names[: len(ways)], names[len(ways) :]
        self.e = e = Emitter()
        with e.function("rows", [*[(f"p{n}", pointer) for n in range(len(names))], ("table", pointer)]) as (*given, table):
            shared(e, "rows", e.load(table, int64), [*given, table], self.write, grain=1)

    def write(self, first: Value, last: Value, *places: Value) -> None:
        """Write the loop over the rows of the chunks range(first, last)."""
        *given, table = places
        e, kind, count = self.e, self.kind, len(self.ways)
        rows, n, size = (e.load(table, int64, place) for place in (1, 2, 3))
        numbers = {name: e.load(place, kind) for name, place in zip(self.numbers, given[count:])}
        with e.loop(last, first) as chunk, e.loop(e.math.minimum((chunk + 1) * size, rows), chunk * size) as row:
            moved = {ROWS: row * n, SHARED: 0, SINGLE: row, SUMMED: chunk * n}
            at = {name: (e.address(place, moved[way], kind), way) for name, place, way in zip(self.names, given, self.ways)}
            self.formula(Row(e, kind, n, at, numbers))


@lru_cache(256)
def compiled(formula: Formula, names: tuple[str, ...], ways: tuple[str, ...], storage: np.dtype) -> Native | None:
    """Return the compiled formula, or None if it cannot be written."""
    try:
        return Native(Rows(formula, names, ways, len(names) - len(ways), kind_of(storage)).e, "rows", len(names))
    except UNWRITABLE:
        return None


def way_of(x: np.ndarray, rows: int, n: int) -> str | None:
    """Return how an array lies beside rows of n elements."""
    sizes = {ROWS: rows * n, SINGLE: rows} if x.ndim > 1 else {SHARED: n}
    return next((way for way, size in sizes.items() if x.size == size and x.flags.c_contiguous and x.flags.aligned), None)


def rowwise(
    formula: Formula, n: int, given: dict[str, np.ndarray], results: dict[str, tuple[int, ...]], **numbers: float
) -> tuple[np.ndarray, ...] | None:
    """Return the arrays `results`, of these shapes, that a formula makes of arrays of rows of n; None where NumPy has to.

    Results of shape (n,) are sums over the rows.
    """
    x = next(iter(given.values()))
    storage, rows = x.dtype, x.size // n if n else 0
    if storage.name not in FLOATS or not SHORTEST <= n <= LONGEST or rows < FEWEST:
        return None
    if any(each.dtype != storage for each in given.values()):
        return None
    size = -(-rows // CHUNKS)
    chunks = -(-rows // size)
    summed = [len(shape) == 1 for shape in results.values()]
    made = [
        np.zeros((chunks, n), storage) if sums else np.empty(shape, storage) for sums, shape in zip(summed, results.values())
    ]
    ways = [way_of(each, rows, n) for each in given.values()]
    ways += [SUMMED if sums else way_of(each, rows, n) for sums, each in zip(summed, made)]
    singles = [np.array(number, storage) for number in numbers.values()]
    native = None if None in ways else compiled(formula, (*given, *results, *numbers), tuple(ways), storage)  # type: ignore[arg-type]
    if native is None:
        return None
    native((*given.values(), *made, *singles), whole_numbers(chunks, rows, n, size))
    return tuple(each.sum(0, np.float64).astype(storage) if sums else each for sums, each in zip(summed, made))
