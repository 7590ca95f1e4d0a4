"""Large arrays in eager mode: an elementwise expression as one native loop over all threads.

NumPy runs on one core only, and makes a pass over memory for each step of an expression of several. `config.LARGE_ARRAY` says
from where on that matters. The loops know dtypes only: sizes and steps are given at each call.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from lineal.base.platforms import HOST
from lineal.codegen.batched.heap import keep_freed_memory
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import FLOATS, Kind, int64, kind_of, pointer
from lineal.codegen.memory import STREAM_ALIGNMENT
from lineal.codegen.parallel import shared
from lineal.codegen.strides import Form, form_of, in_order, merged, steps_of
from lineal.codegen.threads import pool
from lineal.codegen.values import Value

__all__ = ["STREAMED", "UNWRITABLE", "Native", "mapped", "updated", "whole_numbers"]

Scalar = Callable[..., Any]
KNOWN = FLOATS | {"bool"}
LOOPS = 3
"""How deep the loops are: two walk over rows, the last one runs along a row in vectors."""
SHORTEST = 16
"""How many elements a row has at least."""
GRAIN = 1024
"""Threads share a loop in multiples of so many elements."""
WORTH_THREADS = 1 << 15
"""From how many elements on a loop is split over threads."""
STREAMED = 1 << 24
"""From how many bytes on a result is written past the caches, which it would not fit in."""
UNWRITABLE = (AttributeError, TypeError, NotImplementedError, KeyError, ValueError)
"""What writing an expression raises if it has no native form."""


class Native:
    """The compiled function `name` of so many arrays and a table of whole numbers."""

    def __init__(self, e: Emitter, name: str, arrays: int):
        # results as large as these come and go: their memory is not to go back to the system each time
        keep_freed_memory()
        symbols = pool().symbols()
        self.library = engine().build(e, [name], {each: symbols[each] for each in symbols if each in e.declared})
        self.function = HOST.launch(self.library[name], [ctypes.c_void_p] * (arrays + 1))

    def __call__(self, arrays: Sequence[np.ndarray], table: ctypes.Array) -> None:
        self.at([each.ctypes.data for each in arrays], table)

    def at(self, places: Sequence[int], table: ctypes.Array) -> None:
        """Run on arrays at these addresses."""
        pool().follow()
        self.function(*places, table)


def whole_numbers(*numbers: int) -> ctypes.Array:
    """Return the table of numbers that a native function reads."""
    return (ctypes.c_int64 * len(numbers))(*numbers)


class Loop:
    """The code of one expression of inputs of certain kinds, which move on by 0 or 1 elements, with one or more results."""

    def __init__(
        self, scalar: Scalar, kinds: Sequence[Kind], moves: Sequence[int], results: Sequence[Kind], flat: bool, streams: bool
    ):
        self.scalar, self.kinds, self.moves, self.results = scalar, kinds, moves, results
        self.flat, self.streams = flat, streams
        self.e = e = Emitter()
        self.lanes = min(e.lanes(kind) for kind in (*kinds, *results) if kind.family == "f")
        names = [f"p{n}" for n in range(len(kinds) + len(results))]
        with e.function("loop", [*[(name, pointer) for name in names], ("table", pointer)]) as (*given, table):
            count = e.load(table, int64)
            shared(e, "loop", count, [*given, table], self.write, grain=GRAIN, worth=count >= WORTH_THREADS)

    def write(self, start: Value, stop: Value, *places: Value) -> None:
        """Write the loop over the elements range(start, stop): over the rows, or the parts of rows, that they are."""
        *given, table = places
        if self.flat:
            self.along(start, stop, given)
        else:
            self.across(start, stop, given, table)
        if self.streams:
            self.e.drain()

    def across(self, start: Value, stop: Value, given: Sequence[Value], table: Value) -> None:
        """Write the loop over rows, or parts of them."""
        e = self.e
        inner, width, *steps = (e.load(table, int64, n) for n in range(1, 3 + 2 * len(self.kinds)))
        divide = e.math.floor_divide
        with e.loop(divide(stop + width - 1, width), divide(start, width)) as row:
            before = row * width
            outer = divide(row, inner)
            middle = row - outer * inner
            moved = [
                e.address(place, outer * steps[2 * n] + middle * steps[2 * n + 1], kind)
                for n, (place, kind) in enumerate(zip(given, self.kinds))
            ]
            moved += [e.address(place, before, kind) for place, kind in zip(given[len(moved) :], self.results)]
            self.along(e.math.maximum(start - before, 0), e.math.minimum(stop - before, width), moved)

    def along(self, start: Value, stop: Value, places: Sequence[Value]) -> None:
        """Write the loop along one row."""
        e, count = self.e, len(self.kinds)
        inputs, outs = places[:count], places[count:]
        known = [None if move else e.load(place, kind) for place, kind, move in zip(inputs, self.kinds, self.moves)]
        for block in e.blocks(stop, self.lanes, start, unroll=2):
            xs = [block.load(place, kind) if x is None else x for place, kind, x in zip(inputs, self.kinds, known)]
            ys = self.scalar(e.math, *xs)
            for y, out, kind in zip(ys if isinstance(ys, tuple) else (ys,), outs, self.results, strict=True):
                if self.streams and block.mask is None:
                    e.stream(e.cast(e.splat(y, self.lanes), kind), e.address(out, block.index, kind))
                else:
                    block.store(y, out, kind)


@lru_cache(1024)
def loop(scalar: Scalar, dtypes: tuple, moves: tuple, results: tuple, flat: bool, streams: bool = False) -> Native | None:
    """Return the loop of an expression, or None if it cannot be written."""
    try:
        written = Loop(scalar, [kind_of(each) for each in dtypes], moves, [kind_of(each) for each in results], flat, streams)
        return Native(written.e, "loop", len(dtypes) + len(results))
    except UNWRITABLE:
        return None


class Plan(NamedTuple):
    """How a loop runs for inputs of certain shapes and strides."""

    native: Native
    shape: tuple[int, ...]
    table: ctypes.Array


@lru_cache(4096)
def planned(scalar: Scalar, forms: tuple[Form, ...], result: np.dtype) -> Plan | None:
    """Return how an expression of inputs of these forms runs; None where NumPy has to do it."""
    dtypes = tuple(storage for _, _, storage in forms)
    names = {storage.name for storage in dtypes}
    if result.name not in KNOWN or not names <= KNOWN or names == {"bool"}:
        return None
    shape = np.broadcast_shapes(*[each for each, _, _ in forms])
    steps = [steps_of(form, shape) for form in forms]
    if any(each is None or not in_order(each) for each in steps):
        return None
    loops = merged(shape, steps)  # type: ignore[arg-type]
    if not 0 < len(loops) <= LOOPS or loops[-1][0] < SHORTEST or max(loops[-1][1]) > 1:
        return None
    rest = [(1, (0,) * len(forms))] * (LOOPS - len(loops)) + loops
    (_, outer), (inner, middle), (width, moves) = rest
    size, flat = math.prod(shape), len(loops) == 1
    streams = result.kind == "f" and size * result.itemsize >= STREAMED and (flat or width % STREAM_ALIGNMENT == 0)
    native = loop(scalar, dtypes, moves, (result,), flat, streams)
    if native is None:
        return None
    return Plan(native, shape, whole_numbers(size, inner, width, *chain.from_iterable(zip(outer, middle))))


def mapped(scalar: Scalar, arrays: Sequence[np.ndarray], result: np.dtype) -> np.ndarray | None:
    """Return the expression's value for arrays that broadcast; None where NumPy has to do it."""
    plan = planned(scalar, tuple(map(form_of, arrays)), result)
    if plan is None or not all(each.flags.aligned for each in arrays):
        return None
    y = np.empty(plan.shape, result)
    if y.ctypes.data % STREAM_ALIGNMENT:
        return None
    plan.native((*arrays, y), plan.table)
    return y


def updated(scalar: Scalar, arrays: Sequence[np.ndarray], numbers: Sequence[float], count: int) -> bool:
    """Put the `count` values of scalar(m, *arrays, *numbers) into the first of the arrays; return False where NumPy has to.

    The arrays do not overlap; they need one shape, in C order, and one floating dtype.
    """
    storage, shape = arrays[0].dtype, arrays[0].shape
    if any(each.dtype != storage or each.shape != shape or not each.flags.carray for each in arrays):
        return False
    native = update_loop(scalar, storage, len(arrays), len(numbers), count)
    if native is None:
        return False
    places, singles = [each.ctypes.data for each in arrays], np.array(numbers, storage)
    first = singles.ctypes.data
    native.at(
        [*places, *range(first, first + singles.nbytes, storage.itemsize), *places[:count]], whole_numbers(arrays[0].size)
    )
    return True


@lru_cache(256)
def update_loop(scalar: Scalar, storage: np.dtype, arrays: int, numbers: int, count: int) -> Native | None:
    """Return the loop of an update, None if there is none."""
    moves = (1,) * arrays + (0,) * numbers
    return loop(scalar, (storage,) * len(moves), moves, (storage,) * count, True) if storage.name in KNOWN else None
