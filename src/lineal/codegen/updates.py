"""Formulas over lists of tensors, in place, as optimizers use them: one loop over pieces of all of them, over all threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np

from lineal.codegen.cpython.listcall import LAYOUT, Lodging, listcall
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import FLOATS, float64, int64, kind_of, pointer
from lineal.codegen.native import UNWRITABLE, Native
from lineal.codegen.parallel import WORTH_THREADS, shared, worthwhile
from lineal.codegen.threads import pool
from lineal.codegen.values import Value

__all__ = ["Lodging", "Plan", "planned", "squaring"]

Scalar = Callable[..., Any]
PIECE = 1 << 14
"""How many elements a piece has at most."""
LONG = 1 << 18
"""From how many elements on others may have the GIL meanwhile: they take some 50 µs."""


class Rounding(Emitter):
    """An Emitter whose operations are rounded one by one, as NumPy's are."""

    def operate(self, operation: str, a: Any, b: Any) -> Value:
        a, b = self.meet(a, b)
        return self.exactly(operation, a, b) if a.kind.family == "f" else super().operate(operation, a, b)


class Pieces:
    """The code of a loop over pieces of so many arrays in each row, shared by the threads."""

    def __init__(self, storage: np.dtype, arrays: int, exact: bool = False):
        self.kind, self.arrays = kind_of(storage), arrays
        self.e = e = Rounding() if exact else Emitter()
        # the table has how many pieces and elements there are, how far the numbers of a row are from those of the next, and
        # each piece's row, start and stop
        with e.function("pieces", [("arrays", pointer), ("table", pointer)]) as (places, table):
            pieces, work = (e.load(table, int64, n) for n in range(2))
            shared(e, "pieces", pieces, [places, table], self.loop, grain=1, worth=worthwhile(e, work))

    def loop(self, first: Value, last: Value, arrays: Value, table: Value) -> None:
        """Write the loop over the pieces range(first, last); the first of the arrays has the numbers."""
        e = self.e
        singles, step = e.load(arrays, pointer), e.load(table, int64, 2)
        with e.loop(last, first) as piece:
            row, start, stop = (e.load(table, int64, piece * 3 + (3 + n)) for n in range(3))
            places = [e.load(arrays, pointer, row * self.arrays + (1 + n)) for n in range(self.arrays)]
            self.piece(places, (start, stop), singles, row * step, piece)

    def piece(self, places: list[Value], ends: tuple[Value, Value], singles: Value, first: Value, piece: Value) -> None:
        """Write what is done with one piece of arrays, whose numbers begin with the one at `first`."""
        raise NotImplementedError


class Updates(Pieces):
    """The first `count` arrays take the values of an expression of all arrays and so many numbers."""

    def __init__(self, scalar: Scalar, storage: np.dtype, arrays: int, numbers: int, count: int, exact: bool):
        self.scalar, self.numbers, self.count = scalar, numbers, count
        super().__init__(storage, arrays, exact)

    def piece(self, places: list[Value], ends: tuple[Value, Value], singles: Value, first: Value, piece: Value) -> None:
        e, kind = self.e, self.kind
        numbers = [e.load(singles, kind, first + n) for n in range(self.numbers)]
        for block in e.blocks(ends[1], kind, ends[0], unroll=2):
            ys = self.scalar(e.math, *[block.load(place, kind) for place in places], *numbers)
            for y, place in zip(ys, places[: self.count], strict=True):
                block.store(y, place, kind)


class Squares(Pieces):
    """The numbers, one for each piece, take the sum of the squares of its elements, in float64."""

    def piece(self, places: list[Value], ends: tuple[Value, Value], singles: Value, first: Value, piece: Value) -> None:
        e, lanes = self.e, self.e.lanes(float64)
        totals = [e.variable(e.splat(e.const(0.0, float64), lanes)) for _ in range(2)]
        for block in e.blocks(ends[1], lanes, ends[0], unroll=2, carried=totals):
            x = e.cast(block.load(places[0], self.kind), float64)
            totals[block.turn].value = totals[block.turn].value + block.keep(x * x, 0.0)
        e.store(e.reduce(totals[0].value + totals[1].value, lambda a, b: a + b), singles, piece)


@lru_cache(256)
def updates(scalar: Scalar, storage: np.dtype, arrays: int, numbers: int, count: int, exact: bool) -> Native | None:
    """Return the compiled updates, None if they cannot be written; `exact` ones round every operation by itself."""
    if storage.name not in FLOATS:
        return None
    try:
        return Native(Updates(scalar, storage, arrays, numbers, count, exact).e, "pieces")
    except UNWRITABLE:
        return None


@lru_cache
def squares(storage: np.dtype) -> Native | None:
    """Return the compiled sums of squares; None where there are none, or float64 is too narrow for them."""
    return Native(Squares(storage, 1).e, "pieces") if storage.name in FLOATS and storage != np.float64 else None


class Plan:
    """How a formula is done over lists of tensors: `lists` lists with rows of such shapes, `count` of them written.

    The numbers are the same for all rows, or each row has its own (`apart`).
    """

    def __init__(self, native: Native, call: Callable[..., Any], storage: np.dtype, shapes: Sequence[tuple], ways: tuple):
        lists, numbers, count, apart = ways
        sizes = [int(np.prod(shape)) for shape in shapes]
        pieces = [(n, start, min(start + PIECE, size)) for n, size in enumerate(sizes) for start in range(0, size, PIECE)]
        self.alone = threading.Lock()
        self.native, self.call, self.storage, self.work = native, call, storage, sum(sizes)
        places = len(shapes) * lists
        self.numbers = np.array([len(pieces), self.work, numbers if apart else 0, *chain.from_iterable(pieces)], np.int64)
        self.shapes = np.array([word for shape in shapes for word in (len(shape), *shape)], np.int64)
        self.lengths = np.append(np.repeat(np.array(sizes, np.int64) * storage.itemsize, lists), 0)
        self.places, self.objects = np.zeros(places + 2, np.int64), np.zeros(places, np.int64)
        # no order yet: the last place lies before all memory
        self.places[-1] = -1
        self.lists, self.count, self.order = lists, count, np.full(places, 2 * places)
        self.firsts = np.searchsorted([row for row, *_ in pieces], range(len(sizes)))
        kept = (self.places, self.objects, self.order, self.lengths, self.shapes, self.numbers)
        words = (
            native.address,
            self.work >= LONG,
            len(shapes),
            lists,
            count,
            id(storage),
            *[each.ctypes.data for each in kept],
        )
        self.table = np.array(words, np.int64)
        assert len(words) == len(LAYOUT)

    def run(self, singles: np.ndarray, writer: tuple, clock: int, lists: Sequence[list[Any]]) -> bool:
        """Do it, and note who writes, and when; return False, having done nothing, where the lists are none of the plan's."""
        if self.work >= WORTH_THREADS:
            pool().follow()
        if self.work < LONG:
            return self.done(singles, writer, clock, lists)
        if not self.alone.acquire(False):
            return False
        try:
            return self.done(singles, writer, clock, lists)
        finally:
            self.alone.release()

    def done(self, singles: np.ndarray, writer: tuple, clock: int, lists: Sequence[list[Any]]) -> bool:
        """Do what `run` does, while no other thread does it with the same tables."""
        done = self.call(self.table, singles, writer, clock, *lists)
        if done is None:
            # memory comes and goes: another order is enough, unless arrays overlap
            places = np.argsort(self.places[1:-1], kind="stable")
            self.order[:] = places * 2 + (places % self.lists < self.count)
            done = self.call(self.table, singles, writer, clock, *lists)
        return bool(done)


def planned(scalar: Scalar, arrays: Sequence[np.ndarray], lodging: Lodging, ways: tuple, exact: bool) -> Plan | None:
    """Return the plan for lists of tensors whose first has these arrays; None where NumPy has to do it.

    The `ways` are how many lists there are, how many numbers, how many lists are written, and whether each row has numbers.
    """
    lists, numbers, count, _ = ways
    return made(updates(scalar, arrays[0].dtype, lists, numbers, count, exact), arrays, lodging, ways)


def squaring(arrays: Sequence[np.ndarray], lodging: Lodging) -> Plan | None:
    """Return the plan for the sums of squares of a list of tensors with these arrays; None where NumPy has to do it."""
    return made(squares(arrays[0].dtype), arrays, lodging, (1, 0, 0, False))


def made(native: Native | None, arrays: Sequence[np.ndarray], lodging: Lodging, ways: tuple) -> Plan | None:
    call = listcall(lodging)
    if call is None or native is None:
        return None
    return Plan(native, call, arrays[0].dtype, [each.shape for each in arrays], ways)
