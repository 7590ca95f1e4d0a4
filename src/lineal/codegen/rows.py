"""Formulas over rows of large arrays: each thread does all of a formula's passes over one row, which stays in its cache.

Arrays lie in order: rows of n elements, one number for each row, or, if they have one dimension only, a row that all rows
share; a result of one dimension is a sum over the rows. `rowformulas` says what formulas are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.folds import folded, identity
from lineal.codegen.formulas import NUMPY, Formula, Step
from lineal.codegen.kinds import FLOATS, Kind, int64, kind_of, pointer
from lineal.codegen.large import UNWRITABLE, Native, mapped, whole_numbers
from lineal.codegen.parallel import shared
from lineal.codegen.rowformulas import REDUCTIONS, Expression, RowFormula, row_formula
from lineal.codegen.values import Value

__all__ = ["along", "rowwise"]

SIDE = 2
"""How many vectors are combined side by side."""
MOST = 32
"""How many numbers are added one after the other to one in the row's own kind."""
SHORTEST, LONGEST, FEWEST = 16, 1 << 16, 16
"""How many elements a row has at least and at most, and how many rows there are at least."""

CHUNKS = 64
"""How many parts the rows are cut into at most, each with sums of its own, which do not depend on the number of threads."""

ROWS, SHARED, SINGLE, NUMBER, SUMMED = "rows", "shared", "single", "number", "summed"
"""How an array lies beside rows: SINGLE is one number for each row, NUMBER one for all."""

FOLDS = {"row_max": np.maximum, "row_sum": np.add}
Combine = Callable[[Value, Value], Value]


class Row:
    """The code for one row; `places` are the addresses of the formula's inputs and results at this row."""

    def __init__(self, e: Emitter, formula: RowFormula, kind: Kind, n: Value, places: Sequence[Value], ways: Sequence[str]):
        self.e, self.formula, self.kind, self.n = e, formula, kind, n
        self.lanes = e.lanes(kind)
        count = len(formula.inputs)
        self.outs = list(zip(formula.results, places[count:], ways[count:]))
        self.lying = dict(enumerate(places[:count]))
        """Where rows lie that have been given, or made."""
        self.single: dict[int, Value] = {n: e.load(places[n], kind) for n in formula.single if n < count}
        kept = [place for place in formula.kept if formula.kind(place) is kind]
        self.kept = dict(zip(kept, (place for _, place, way in self.outs if way == ROWS)))
        """Where rows are put that are read again, until the results are written there."""

    def write(self) -> None:
        """Write the passes over the row: one for each reduction, and one for the results."""
        formula = self.formula
        for place, step in enumerate(formula.steps, len(formula.inputs)):
            if step.operation in REDUCTIONS:
                source = step.source
                self.single[place] = self.max(source) if step.operation == "row_max" else self.sum(source)
                if source in self.kept:
                    self.lying[source] = self.kept.pop(source)
            elif place in formula.single:
                self.single[place] = self.value(place)
        for result, place, way in self.outs:
            self.put(result, place, way)

    def put(self, result: int, place: Value, way: str) -> None:
        """Write a result to its place, or add it to the sums there."""
        if way == SINGLE:
            self.e.store(self.single[result], place, kind=self.kind)
            return
        for block in self.e.blocks(self.n, self.lanes, unroll=2):
            value = self.value(result, block)
            block.store(block.load(place, self.kind) + value if way == SUMMED else value, place, self.kind)

    def value(self, place: int, block: Any = None) -> Value:
        """Return a value in the lanes of a block, or a number of the row, made of what there is."""
        reads, part = self.formula.part(place, (*self.single, *self.lying))
        given = [self.single[n] if n in self.single else block.load(self.lying[n], self.kind) for n in reads]
        return part(self.e.math, *given)

    def fold(self, begin: Value, end: Value, combine: Combine, start: float, place: int) -> Value:
        """Return a value in part of the row combined, in lanes; write it to memory if it is to be kept there."""
        e, first, into = self.e, self.e.const(start, self.formula.kind(place), self.lanes), self.kept.get(place)
        parts = [e.variable(first) for _ in range(SIDE)]
        for block in e.blocks(end, self.lanes, begin, unroll=SIDE, carried=parts):
            value = e.splat(self.value(place, block), block.lanes)
            if into is not None:
                block.store(value, into, self.kind)
            part = parts[block.turn]
            part.value = combine(part.value, block.keep(value, first))
        return reduce(combine, [each.value for each in parts])

    def sum(self, place: int) -> Value:
        """Return the sum of a value over the row: in pieces, which are added up in float64, unless it is float64 itself."""
        e, kind, size = self.e, self.formula.kind(place), self.lanes * SIDE * MOST
        if kind is kinds.float64:
            return e.reduce(self.fold(e.index(0), self.n, e.add, 0.0, place), e.add)
        total = e.variable(e.const(0.0, kinds.float64, self.lanes))
        with e.loop(self.n, 0, size, carried=[total]) as begin:
            piece = self.fold(begin, e.math.minimum(begin + size, self.n), e.add, 0.0, place)
            total.value = total.value + e.cast(piece, kinds.float64)
        return e.cast(e.reduce(total.value, e.add), kind)

    def max(self, place: int) -> Value:
        """Return the largest value in the row; NaN if there is one."""
        found = self.fold(self.e.index(0), self.n, self.e.math.maximum, -math.inf, place)
        return self.e.reduce(found, self.e.math.maximum)


class Rows:
    """The code of a formula for all rows of arrays that lie in certain ways: its inputs, then its results."""

    def __init__(self, formula: RowFormula, ways: Sequence[str], kind: Kind):
        self.formula, self.ways, self.kind = formula, ways, kind
        self.e = e = Emitter()
        names = [f"p{n}" for n in range(len(ways))]
        with e.function("rows", [*[(name, pointer) for name in names], ("table", pointer)]) as (*given, table):
            shared(e, "rows", e.load(table, int64), [*given, table], self.write, grain=1)

    def write(self, first: Value, last: Value, *places: Value) -> None:
        """Write the loop over the rows of the chunks range(first, last)."""
        *given, table = places
        e, kind = self.e, self.kind
        rows, n, size = (e.load(table, int64, place) for place in (1, 2, 3))
        with e.loop(last, first) as chunk, e.loop(e.math.minimum((chunk + 1) * size, rows), chunk * size) as row:
            moved: dict[str, Any] = {ROWS: row * n, SHARED: 0, SINGLE: row, SUMMED: chunk * n, NUMBER: 0}
            at = [e.address(place, moved[way], kind) for place, way in zip(given, self.ways)]
            Row(e, self.formula, kind, n, at, self.ways).write()


class Term(NamedTuple):
    """A formula as `folded` takes it."""

    formula: Formula

    def __call__(self, m: Any, place: Any, *xs: Any) -> Any:
        """Return the formula's value."""
        return self.formula(m, *xs)


@lru_cache(256)
def compiled(expression: Expression, inputs: int, ways: tuple[str, ...], storage: np.dtype) -> Native | None:
    """Return the compiled formula of so many inputs, or None if it cannot be written."""
    kind = kind_of(storage)
    single = tuple(n for n, way in enumerate(ways[:inputs]) if way in (SINGLE, NUMBER))
    try:
        formula = row_formula(expression, (kind,) * inputs, single)
        return Native(Rows(formula, ways, kind).e, "rows", len(ways))
    except UNWRITABLE:
        return None


def way_of(x: np.ndarray, rows: int, n: int) -> str | None:
    """Return how an array lies beside rows of n elements."""
    sizes = {ROWS: rows * n, SINGLE: rows} if x.ndim > 1 else {SHARED: n}
    return next((way for way, size in sizes.items() if x.size == size and x.flags.c_contiguous and x.flags.aligned), None)


@lru_cache(1024)
def formula_of(expression: Expression, storage: np.dtype, count: int) -> RowFormula | None:
    """Return the formula of so many arrays, None if their numbers are not computed with as they are."""
    return row_formula(expression, (kind_of(storage),) * count) if storage.name in FLOATS else None


def along(expression: Expression, arrays: Sequence[np.ndarray], axes: tuple[int, ...]) -> np.ndarray | None:
    """Return what a formula makes of arrays of one shape, of which rows are `axes`; None where NumPy has to.

    What is one number of a row keeps the axes, with size 1.
    """
    x = arrays[0]
    formula = formula_of(expression, x.dtype, len(arrays))
    if formula is None or any(each.shape != x.shape or each.dtype != x.dtype for each in arrays[1:]):
        return None
    if axes == (x.ndim - 1,):
        shape = (*x.shape[:-1], 1) if formula.results[0] in formula.single else x.shape
        made = rowwise(expression, x.shape[-1], arrays, (shape,))
        if made is not None:
            return made[0]
    return in_passes(formula, arrays, axes)


def in_passes(formula: RowFormula, arrays: Sequence[np.ndarray], axes: tuple[int, ...]) -> np.ndarray | None:
    """Return what `along` does by a pass over the arrays for each reduction, for what is kept, and for the result."""

    def made(place: int, known: dict[int, np.ndarray]) -> np.ndarray:
        reads, part = formula.part(place, known)
        given = [known[n] for n in reads]
        return part(NUMPY, *given) if place in formula.single else native(mapped(part, given, formula.kind(place).dtype))

    def reduced(step: Step, known: dict[int, np.ndarray]) -> np.ndarray:
        (x, *beside), part = formula.part(step.source, known)
        term = identity if part.is_copy else Term(part)
        return native(folded(FOLDS[step.operation], known[x], axes, step.kind.dtype, term, [known[n] for n in beside]))

    try:
        return formula.read(arrays, made, reduced)
    except NotImplementedError:
        return None


def native(y: np.ndarray | None) -> np.ndarray:
    """Return what a native loop has made; NotImplementedError if there is none."""
    if y is None:
        raise NotImplementedError("left to NumPy")
    return y


def rowwise(
    expression: Expression, n: int, given: Sequence[np.ndarray], results: Sequence[tuple[int, ...]], *numbers: float
) -> tuple[np.ndarray, ...] | None:
    """Return results, of these shapes, that a formula makes of arrays of rows of n, and of numbers; None where NumPy has to.

    Results of shape (n,) are sums over the rows.
    """
    x = given[0]
    storage, rows = x.dtype, x.size // n if n else 0
    if storage.name not in FLOATS or not SHORTEST <= n <= LONGEST or rows < FEWEST:
        return None
    if any(each.dtype != storage for each in given):
        return None
    size = -(-rows // CHUNKS)
    chunks = -(-rows // size)
    made = [np.zeros((chunks, n), storage) if len(shape) == 1 else np.empty(shape, storage) for shape in results]
    ways = [*(way_of(each, rows, n) for each in given), *[NUMBER] * len(numbers)]
    ways += [SUMMED if len(shape) == 1 else way_of(each, rows, n) for shape, each in zip(results, made)]
    singles = [np.array(number, storage) for number in numbers]
    native = None if None in ways else compiled(expression, len(given) + len(numbers), tuple(ways), storage)  # type: ignore[arg-type]
    if native is None:
        return None
    native((*given, *singles, *made), whole_numbers(chunks, rows, n, size))
    return tuple(y.sum(0, np.float64).astype(storage) if len(shape) == 1 else y for shape, y in zip(results, made))
