"""Reductions of large arrays: pieces of an array folded on all threads, the pieces' results by NumPy.

An array is (outer, n, inner), and n is reduced. Along a row (inner = 1) a piece is folded in vectors, several side by side; of
columns, several rows at a time are added onto a row of results. Pieces depend on sizes only, so that results do not depend on
the number of threads; they are short, and sums of them are taken in float64, so that hardly a digit is lost.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import FLOATS, Kind, int64, kind_of, pointer
from lineal.codegen.large import UNWRITABLE, Native, whole_numbers
from lineal.codegen.parallel import shared
from lineal.codegen.strides import Form, Steps, form_of, merged, steps_of
from lineal.codegen.values import Value

__all__ = ["folded"]

KNOWN = FLOATS | {"int32", "int64", "uint8", "bool"}
PIECE, ROWS = 1024, 128
"""How many elements of a row, or rows of columns, make a piece."""
SIDE, TOGETHER = 4, 8
"""How many vectors of a row, and how many rows of columns, are folded side by side."""
SHORTEST = 16
"""How many elements a row, or the row of results, has at least."""

Term = Callable[..., Any]
Combine = Callable[[Any, Value, Value], Value]
FOLDS: dict[str, tuple[Combine, float]] = {
    "add": (lambda m, a, b: a + b, 0),
    "multiply": (lambda m, a, b: a * b, 1),
    "maximum": (lambda m, a, b: m.maximum(a, b), -math.inf),
    "minimum": (lambda m, a, b: m.minimum(a, b), math.inf),
    "logical_and": (lambda m, a, b: a & b, 1),
    "logical_or": (lambda m, a, b: a | b, 0),
}


def neutral(number: float, kind: Kind) -> float | int:
    """Return what a fold starts with; of whole numbers the least or greatest stands for an infinity."""
    if kind.family == "f" or not math.isinf(number):
        return number
    limits = np.iinfo(kind.dtype)
    return int(limits.max if number > 0 else limits.min)


def identity(m: Any, place: Any, x: Any) -> Any:
    """Return x."""
    return x


class Fold:
    """The code that folds term(m, place, *xs) piece by piece; `place` is where along n an element stands."""

    def __init__(self, fold: str, term: Term, kinds: Sequence[Kind], moves: Sequence[Steps], result: Kind, rows: bool):
        self.term, self.kinds, self.moves, self.result, self.rows = term, kinds, moves, result, rows
        self.e = e = Emitter()
        combine, start = FOLDS[fold]
        self.combine = lambda a, b: combine(e.math, a, b)
        self.start = neutral(start, result)
        self.lanes = min(e.lanes(kind) for kind in (kinds[0], result) if kind.family != "b" or kind is kinds[0])
        names = [f"p{n}" for n in range(len(kinds) + 1)]
        with e.function("fold", [*[(name, pointer) for name in names], ("table", pointer)]) as (*given, table):
            shared(e, "fold", e.load(table, int64), [*given, table], self.pieces, grain=1)

    def pieces(self, first: Value, last: Value, *places: Value) -> None:
        """Write the loop over the pieces range(first, last)."""
        *inputs, out, table = places
        e = self.e
        each, n, inner, size, *steps = (e.load(table, int64, number) for number in range(1, 5 + 2 * len(inputs)))
        with e.loop(last, first) as piece:
            outer = e.math.floor_divide(piece, each)
            begin = (piece - outer * each) * size
            end = e.math.minimum(begin + size, n)
            moved = [e.address(place, outer * steps[2 * k], kind) for k, (place, kind) in enumerate(zip(inputs, self.kinds))]
            if self.rows:
                e.store(self.along(begin, end, moved), e.address(out, piece, self.result), kind=self.result)
            else:
                self.down(begin, end, inner, moved, steps[1::2], e.address(out, piece * inner, self.result))

    def valued(self, place: Value, xs: Sequence[Value]) -> Value:
        """Return the term of some elements as the kind of the result."""
        return self.e.cast(self.term(self.e.math, place, *xs), self.result)

    def along(self, begin: Value, end: Value, inputs: Sequence[Value]) -> Value:
        """Write the fold of part of a row; return its value."""
        e, lanes = self.e, self.lanes
        # an expression needs registers of its own
        side = SIDE if self.term is identity else SIDE // 2
        known = [None if move[0] else e.load(place, kind) for place, kind, move in zip(inputs, self.kinds, self.moves)]
        sums = [e.variable(e.const(self.start, self.result, lanes)) for _ in range(side)]
        for block in e.blocks(end, lanes, begin, unroll=side, carried=sums):
            xs = [block.load(place, kind) if x is None else x for place, kind, x in zip(inputs, self.kinds, known)]
            value = e.splat(self.valued(block.numbers(int64), xs), lanes)
            total = sums[block.turn]
            total.value = self.combine(total.value, block.keep(value, e.const(self.start, self.result, lanes)))
        return e.reduce(reduce(self.combine, [each.value for each in sums]), self.combine)

    def down(self, begin: Value, end: Value, inner: Value, inputs: Sequence[Value], steps: Sequence[Value], out: Value) -> None:
        """Write the fold of some rows onto the row of results at `out`."""
        e = self.e
        for block in e.blocks(inner, self.lanes):
            block.store(e.const(self.start, self.result, self.lanes), out, self.result)
        last = end - (TOGETHER - 1)
        with e.loop(last, begin, TOGETHER) as row:
            self.add(row, TOGETHER, inner, inputs, steps, out)
        with e.loop(end, row) as row:
            self.add(row, 1, inner, inputs, steps, out)

    def add(self, row: Value, count: int, inner: Value, inputs: Sequence[Value], steps: Sequence[Value], out: Value) -> None:
        """Write the loop that folds `count` rows onto the results."""
        e = self.e
        rows = [
            [e.address(place, (row + n) * step, kind) for place, kind, step in zip(inputs, self.kinds, steps)]
            for n in range(count)
        ]
        for block in e.blocks(inner, self.lanes):
            values = [block.load(out, self.result)]
            for n, places in enumerate(rows):
                xs = [block.load(place, kind, 1 if move[1] else 0) for place, kind, move in zip(places, self.kinds, self.moves)]
                values.append(e.splat(self.valued(row + n, xs), self.lanes))
            while len(values) > 2:
                values = [values[0], *(self.combine(a, b) for a, b in zip(values[1::2], values[2::2]))]
            block.store(self.combine(*values), out, self.result)


@lru_cache(1024)
def fold(name: str, term: Term, dtypes: tuple, moves: tuple, result: np.dtype, rows: bool) -> Native | None:
    """Return the compiled fold of an expression, or None if it cannot be written."""
    try:
        written = Fold(name, term, [kind_of(each) for each in dtypes], moves, kind_of(result), rows)
        return Native(written.e, "fold", len(dtypes) + 1)
    except UNWRITABLE:
        return None


class Plan(NamedTuple):
    """How a fold runs for inputs of certain shapes and strides: the shape of the pieces' results is (outer, pieces, inner)."""

    native: Native
    pieces: tuple[int, int, int]
    shape: tuple[int, ...]
    rest: tuple[int, ...]
    """The axes that are left to NumPy."""
    table: ctypes.Array


@lru_cache(4096)
def planned(name: str, term: Term, forms: tuple[Form, ...], axes: tuple[int, ...], result: np.dtype) -> Plan | None:
    """Return how a reduction of inputs of these forms runs; None where NumPy has to do it."""
    if not axes or not {result.name, *(storage.name for _, _, storage in forms)} <= KNOWN:
        return None
    shape = forms[0][0]
    begin, end = last_run(axes)
    outer, n, inner = (math.prod(shape[a:b]) for a, b in ((0, begin), (begin, end), (end, len(shape))))
    walked = walk(forms, shape, begin, end)
    rows = inner == 1
    if walked is None or (n if rows else inner) < SHORTEST:
        return None
    moves, steps = walked
    native = fold(name, term, tuple(storage for _, _, storage in forms), moves, result, rows)
    if native is None:
        return None
    size = PIECE if rows else ROWS
    pieces = -(-n // size)
    kept = tuple(1 if begin <= axis < end else each for axis, each in enumerate(shape))
    table = whole_numbers(outer * pieces, pieces, n, inner, size, *steps)
    return Plan(native, (outer, pieces, inner), kept, tuple(axis for axis in axes if axis < begin), table)


def folded(
    ufunc: np.ufunc,
    x: np.ndarray,
    axes: tuple[int, ...],
    storage: np.dtype | None = None,
    term: Term = identity,
    beside: Sequence[np.ndarray] = (),
) -> np.ndarray | None:
    """Return term(m, place, x, *beside) reduced over `axes`, which stay with size 1, as `storage`; None where NumPy has to.

    `beside` are arrays that broadcast to the shape of x, which is C-contiguous; `place` is the place along the last axes of
    `axes` that are next to each other.
    """
    arrays, result = (x, *beside), x.dtype if storage is None else storage
    if not x.flags.c_contiguous:
        return None
    plan = planned(ufunc.__name__, term, tuple(map(form_of, arrays)), axes, result)
    if plan is None or not all(each.flags.aligned for each in arrays):
        return None
    y = np.empty(plan.pieces, result)
    plan.native((*arrays, y), plan.table)
    within = np.dtype(np.float64) if ufunc is np.add and result.kind == "f" else result
    y = (ufunc.reduce(y, axis=1, dtype=within) if plan.pieces[1] > 1 else y).reshape(plan.shape)
    y = ufunc.reduce(y, axis=plan.rest, dtype=within, keepdims=True) if plan.rest else y
    return y.astype(result, copy=False)


def last_run(axes: tuple[int, ...]) -> tuple[int, int]:
    """Return from where to where the last of `axes` are next to each other."""
    held = set(axes)
    begin = end = max(axes) + 1
    while begin - 1 in held:
        begin -= 1
    return begin, end


def walk(forms: tuple[Form, ...], shape: tuple[int, ...], begin: int, end: int) -> tuple[tuple, list[int]] | None:
    """Return how each array moves on along n and along inner (0 or 1), and its steps over outer and n; None if irregular."""
    moves, table = [], []
    for form in forms:
        steps = steps_of(form, shape)
        if steps is None:
            return None
        parts = [merged(shape[a:b], [steps[a:b]]) for a, b in ((0, begin), (begin, end), (end, len(shape)))]
        if any(len(part) > 1 for part in parts):
            return None
        over, along, inside = (part[0][1][0] if part else 0 for part in parts)
        if (inside if parts[2] else along) not in (0, 1):
            return None
        moves.append((along, 0) if not parts[2] else (0, inside))
        table += [over, along]
    return tuple(moves), table
