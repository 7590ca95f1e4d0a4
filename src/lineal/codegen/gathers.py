"""Reads and writes at places along one axis, in one pass over the indices and over all threads.

Arrays are (outer, n, inner) and (outer, m, inner); an index says for each element of the second where along n it is in the
first. NumPy would make an array of places first, three times as large as the numbers, and then look each of them up. Threads
share what the axis does not cross, so that numbers that meet in one place come in the order of the index for any number of
them. Sums of floating numbers are taken in float64 and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from lineal.codegen.blocks import Block
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, float64, int64, kind_of, uint64
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import WORTH_THREADS, shared
from lineal.codegen.target import host
from lineal.codegen.values import Value, Variable

__all__ = ["added", "put", "taken"]

Ints = tuple[int, ...]

STRIP = 64
"""How many elements along the inner axes a thread takes at a time."""
TOGETHER = 8
"""How many indices are looked at together."""
SHARE = 16
"""Sums pass over all of the first array: it has at most so many elements for each that is added."""
WORDS = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64"}
WIDTH = 8
"""How many bytes an index has."""
SUMS = frozenset("float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8".split())


class Plan(NamedTuple):
    """How an action is done: its code and table, and how many sums are taken beside the array."""

    code: Native
    table: np.ndarray
    totals: int


class Line(NamedTuple):
    """What a thread works on: one place along the outer axes, and some elements along the inner ones."""

    first: Value
    index: Value
    second: Value
    begin: Value
    end: Value


class Along:
    """The code of one action, "take", "put" or "add", on numbers of a kind; `single` if there is one element along inner."""

    def __init__(self, action: str, kind: Kind, single: bool):
        self.action, self.kind, self.single = action, kind, single
        self.wide = float64 if action == "add" and kind.family == "f" else kind
        self.apart = action == "add" and kind.family == "f"
        """Whether sums are taken beside the array and added to it in the end."""
        self.e = e = Emitter(host())
        with entered(e, "along", 5) as (given, table):
            outer, m, inner = e.load(table, int64, 0), e.load(table, int64, 2), self.inner(table)
            strips = e.math.floor_divide(inner + (STRIP - 1), STRIP)
            worth = outer * m * inner >= WORTH_THREADS
            shared(e, "along", outer * strips, [*given, table], self.lines, grain=1, pieces=16, worth=worth)

    def inner(self, table: Value) -> Value:
        """Return how many elements there are along the inner axes: one loop less where LLVM knows that it is one."""
        return self.e.index(1) if self.single else self.e.load(table, int64, 3)

    def lines(
        self, start: Value, stop: Value, a: Value, index: Value, b: Value, totals: Value, failed: Value, table: Value
    ) -> None:
        """Write the work of a range of lines; `failed` becomes 1 where an index is out of range."""
        e = self.e
        n, m, step, inner = (*[e.load(table, int64, place) for place in (1, 2, 4)], self.inner(table))
        strips = e.math.floor_divide(inner + (STRIP - 1), STRIP)
        with e.loop(stop, start) as number:
            outer = e.math.floor_divide(number, strips)
            begin = e.index(0) if self.single else (number - outer * strips) * STRIP
            first, second = e.address(a, outer * n * inner, self.kind), e.address(b, outer * m * inner, self.kind)
            line = Line(first, e.address(index, outer * step, int64), second, begin, e.math.minimum(begin + STRIP, inner))
            total = e.address(totals, outer * n * inner, self.wide) if self.apart else first
            self.pass_over(line, (n, inner), lambda block, at: self.clear(block, e.address(total, at, self.wide)))
            self.walk(line, total, failed, table)
            self.pass_over(line, (n, inner), lambda block, at: self.add(block, *self.moved(at, first, total)))

    def moved(self, at: Value, first: Value, total: Value) -> tuple[Value, Value]:
        """Return where a row of the array, and of its sums, begins."""
        return self.e.address(first, at, self.kind), self.e.address(total, at, self.wide)

    def clear(self, block: Block, total: Value) -> None:
        """Write the beginning of sums: -0.0 and not 0.0, which would take the sign of sums of nothing but -0.0."""
        block.store(self.e.const(-0.0, float64), total)

    def add(self, block: Block, target: Value, total: Value) -> None:
        """Write the addition of sums to what they belong to."""
        block.store(self.e.cast(block.load(target, self.kind), float64) + block.load(total, float64), target, self.kind)

    def pass_over(self, line: Line, sizes: tuple[Value, Value], work: Callable[[Block, Value], None]) -> None:
        """Write what is done to all that a line may add to, where sums are taken apart, vector by vector."""
        e, (n, inner) = self.e, sizes
        if not self.apart:
            return
        # where there is one element along inner, those along n lie side by side
        rows, begin, end = (e.index(1), e.index(0), n) if self.single else (n, line.begin, line.end)
        with e.loop(rows) as i:
            for block in e.blocks(end, float64, begin):
                work(block, i * inner)

    def walk(self, line: Line, target: Value, failed: Value, table: Value) -> None:
        """Write the work of one line, row of indices by row."""
        e = self.e
        m, along, across = (e.load(table, int64, place) for place in (2, 5, 6))
        inner = self.inner(table)
        wrong = e.variable(e.const(0, int64))
        given = target, e.load(table, int64, 1), inner
        if self.single:
            self.row(line._replace(begin=e.index(0), end=m), given, along, wrong)
        else:
            with e.loop(m, carried=[wrong]) as j:
                index, second = e.address(line.index, j * along, int64), e.address(line.second, j * inner, self.kind)
                here = line._replace(index=index, second=second)
                with e.if_else(across == 0, carried=[wrong]) as (alike, otherwise):
                    with alike:
                        self.shared_row(here, given, wrong)
                    with otherwise:
                        self.row(here, given, across, wrong)
        with e.when(wrong.value != 0):
            e.store(wrong.value, failed)

    def shared_row(self, line: Line, given: tuple[Value, Value, Value], wrong: Variable) -> None:
        """Write the work of a row of elements that share one index."""
        e = self.e
        target, n, inner = given
        place = e.load(line.index, int64)
        outside = e.cast(place, uint64) >= e.cast(n, uint64)
        wrong.value = wrong.value | e.cast(outside, int64)
        with e.when(~outside):
            first, total = e.address(line.first, place * inner, self.kind), e.address(target, place * inner, self.wide)
            for block in e.blocks(line.end, self.wide, line.begin):
                if self.action == "take":
                    block.store(block.load(first, self.kind), line.second, self.kind)
                elif self.action == "put":
                    block.store(block.load(line.second, self.kind), first, self.kind)
                else:
                    term = e.cast(block.load(line.second, self.kind), self.wide)
                    block.store(block.load(total, self.wide) + term, total, self.wide)

    def row(self, line: Line, given: tuple[Value, Value, Value], step: Value, wrong: Variable) -> None:
        """Write the work of a row of indices, some at a time; those of which one is out of range are left."""
        e = self.e
        target, n, inner = given
        whole = line.begin + e.math.floor_divide(line.end - line.begin, TOGETHER) * TOGETHER
        for start, stop, count in ((line.begin, whole, TOGETHER), (whole, line.end, 1)):
            with e.loop(stop, start, count, carried=[wrong]) as k:
                numbers = [k + each for each in range(count)]
                places = [e.load(line.index, int64, each * step) for each in numbers]
                outside = e.cast(places[0], uint64) >= e.cast(n, uint64)
                for each in places[1:]:
                    outside = outside | (e.cast(each, uint64) >= e.cast(n, uint64))
                wrong.value = wrong.value | e.cast(outside, int64)
                with e.when(~outside):
                    for here, place in zip(numbers, places):
                        self.element(line, target, here, place if self.single else place * inner + here)

    def element(self, line: Line, target: Value, here: Value, there: Value) -> None:
        """Write the work of one element."""
        e = self.e
        if self.action == "take":
            e.store(e.load(line.first, self.kind, there), line.second, here, kind=self.kind)
        elif self.action == "put":
            e.store(e.load(line.second, self.kind, here), line.first, there, kind=self.kind)
        else:
            term = e.cast(e.load(line.second, self.kind, here), self.wide)
            e.store(e.load(target, self.wide, there) + term, target, there)


@lru_cache(64)
def native(action: str, name: str, single: bool) -> Native:
    """Return the code of an action on a kind."""
    return Native(Along(action, kind_of(name), single).e, "along")


def steps_of(shape: Ints, strides: Ints, dim: int) -> Ints | None:
    """Return the steps of an index along the outer axes, along `dim` and along the inner ones; None if it has others."""
    found = []
    for part in (range(dim), range(dim, dim + 1), range(dim + 1, len(shape))):
        moving = [(shape[axis], strides[axis]) for axis in part if shape[axis] != 1]
        if any(step != size * further for (_, step), (size, further) in pairwise(moving)):
            return None
        found.append(moving[-1][1] // WIDTH if moving else 0)
    return tuple(found)


@lru_cache(4096)
def planned(action: str, storage: np.dtype, whole: Ints, dim: int, shape: Ints, strides: Ints) -> Plan | None:
    """Return how an action on an array of the shape `whole` is done at an index that lies so; None where NumPy has to."""
    name = WORDS.get(storage.itemsize) if action != "add" else storage.name if storage.name in SUMS else None
    around = shape[:dim] == whole[:dim] and shape[dim + 1 :] == whole[dim + 1 :]
    steps = steps_of(shape, strides, dim)
    if name is None or not around or steps is None or 0 in whole:
        return None
    outer, inner = math.prod(shape[:dim]), math.prod(shape[dim + 1 :])
    code = native(action, name, inner == 1)
    table = code.table(math.prod(shape), outer, whole[dim], shape[dim], inner, *steps)
    return Plan(code, table, math.prod(whole) if action == "add" and storage.kind in "fV" else 0)


def done(action: str, a: np.ndarray, dim: int, index: np.ndarray, b: np.ndarray) -> bool:
    """Do an action; return False where NumPy has to. `index` has b's shape, and a's but for `dim`."""
    if index.dtype != np.int64 or index.shape != b.shape or a.dtype != b.dtype:
        return False
    plan = planned(action, a.dtype, a.shape, dim, index.shape, index.strides)
    if plan is None or not (a.flags.c_contiguous and b.flags.c_contiguous):
        return False
    failed = np.zeros(1, np.int64)
    made = plan.code((a, index, b, np.empty(plan.totals), failed), plan.table)
    if failed[0]:
        raise IndexError(f"index out of bounds for dimension {dim} with size {a.shape[dim]}")
    return made


def taken(x: np.ndarray, dim: int, index: np.ndarray) -> np.ndarray | None:
    """Return x[… index[… i …] …] along `dim`; None where NumPy has to."""
    y = np.empty(index.shape, x.dtype)
    return y if done("take", x, dim, index, y) else None


def put(y: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray) -> bool:
    """Let y[… index[… i …] …] along `dim` be source[… i …], the last of those that meet; return False where NumPy has to."""
    return done("put", y, dim, index, source)


def added(y: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray) -> bool:
    """Add source[… i …] to y[… index[… i …] …] along `dim`; return False where NumPy has to."""
    return y.size <= SHARE * index.size and done("add", y, dim, index, source)
