"""A matrix in a thread's own memory, its rows in vectors; complex numbers as pairs, multiplied without shuffling the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind
from lineal.codegen.values import Value, Variable

Index = int | Value
Count = TypeVar("Count", int, Value)
# a number, or a vector of them: itself, or its real and imaginary part
Parts = tuple[Value, ...]
# the multiple of a row that belongs to another one
Factor = Callable[[Value], Parts]
# a vector of that one
Source = Callable[[Value], Value]
# the vectors that have to be changed as far as a row: the first one, and that after the last
Extent = Callable[[Value], tuple[Index, Index]]

# how many rows share a row that is loaded once
TILE = 4


def spread(chunks: Count) -> Count:
    """Return how many vectors apart rows of so many begin: odd, so that columns spread over a cache."""
    return chunks | 1


def tiles(e: Emitter, start: Index, stop: Index, carried: Sequence[Variable] = ()) -> Iterator[tuple[Value, int]]:
    """Write the body for a range in tiles, then for single numbers: yield where one begins and how many numbers it has."""
    with e.loop(e.index(stop) - (TILE - 1), start, TILE, carried=carried) as at:
        yield at, TILE
    with e.loop(stop, at, carried=carried) as single:
        yield single, 1


def product(a: Parts, b: Parts) -> Parts:
    """Return a b."""
    if len(a) == 1:
        return (a[0] * b[0],)
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def size(a: Parts) -> Value:
    """Return |a|, or |Re a| + |Im a|, by which LAPACK compares complex numbers."""
    return abs(a[0]) if len(a) == 1 else abs(a[0]) + abs(a[1])


def divisor(e: Emitter, b: Parts) -> tuple[Parts, Value]:
    """Return f and d with a / b = a f / d for every a, f of size 1.   Smith (1962), Commun. ACM 5, algorithm 116."""
    if len(b) == 1:
        return (e.like(1.0, b[0]),), b[0]
    wide = abs(b[0]) >= abs(b[1])
    large, small = e.select(wide, b[0], b[1]), e.select(wide, b[1], b[0])
    ratio = small / large
    one = e.like(1.0, ratio)
    return (e.select(wide, one, ratio), -e.select(wide, ratio, one)), large + small * ratio


class Rows:
    """A matrix at an address, its numbers in `parts`; `length` of these from row to row."""

    def __init__(self, e: Emitter, kind: Kind, parts: int, base: Value, length: Value):
        self.e = e
        self.kind = kind
        self.parts = parts
        self.base = base
        self.length = length
        self.lanes = e.lanes(kind)

    def place(self, i: Index, j: Index, part: int = 0) -> Value:
        """Return where a part of an element lies, counted from the first."""
        return self.length * i + self.e.index(j) * self.parts + part

    def number(self, i: Index, j: Index) -> Parts:
        """Return one element."""
        return tuple([self.e.load(self.base, self.kind, self.place(i, j, part)) for part in range(self.parts)])

    def put(self, i: Index, j: Index, value: Parts) -> None:
        """Write one element."""
        for part, each in enumerate(value):
            self.e.store(each, self.base, self.place(i, j, part))

    def column(self, i: Index, j: Index) -> Parts:
        """Return `TILE` elements of a column, from row i on."""
        at = [self.e.address(self.base, self.e.index(j) * self.parts + part, self.kind) for part in range(self.parts)]
        return tuple([self.e.load(each, self.kind, i, TILE, stride=self.length) for each in at])

    def vector(self, i: Index, chunk: Index) -> Value:
        """Return one vector of a row."""
        return self.e.load(self.base, self.kind, self.length * i + self.e.index(chunk) * self.lanes, self.lanes)

    def put_vector(self, i: Index, chunk: Index, value: Value) -> None:
        """Write one vector of a row."""
        self.e.store(value, self.base, self.length * i + self.e.index(chunk) * self.lanes)

    def turned(self, x: Value) -> Value:
        """Return a vector of complex numbers times i."""
        e, numbers = self.e, range(self.lanes)
        swapped = e.shuffle(x, [lane ^ 1 for lane in numbers])
        return e.shuffle(-swapped, [lane + self.lanes * (lane & 1) for lane in numbers], swapped)

    def times(self, x: Value, turned: Value | None, factor: Parts) -> Value:
        """Return a vector times a number."""
        y = x * self.e.splat(factor[0], self.lanes)
        return y if turned is None else y + turned * self.e.splat(factor[1], self.lanes)

    def both(self, x: Value) -> tuple[Value, Value | None]:
        """Return a vector, and that times i if its numbers are complex."""
        return x, None if self.parts == 1 else self.turned(x)

    def less(self, x: Value, y: Value, turned: Value | None, factor: Parts) -> Value:
        """Return x less a multiple of y."""
        e = self.e
        x = x - y * e.splat(factor[0], self.lanes)
        return x if turned is None else x - turned * e.splat(factor[1], self.lanes)

    def exchange(self, i: Value, j: Value, first: Index, last: Index) -> None:
        """Exchange two rows, from one vector to another."""
        with self.e.loop(last, first) as c:
            x, y = self.vector(i, c), self.vector(j, c)
            self.put_vector(i, c, y)
            self.put_vector(j, c, x)

    def fill(self, i: Index, first: Index, last: Index, source: Value, count: Value, squares: Variable | None = None) -> None:
        """Copy so many numbers of memory to the vectors of a row, and zeros after them; add their squares if asked to."""
        e = self.e
        width = count * self.parts
        with e.loop(last, first, carried=[] if squares is None else [squares]) as c:
            start = (c - first) * self.lanes
            x = e.load(source, self.kind, start, self.lanes, mask=e.first_lanes(width - start, self.lanes))
            self.put_vector(i, c, x)
            if squares is not None:
                squares.value = squares.value + x * x

    def copy_out(self, i: Index, first: Index, target: Value, count: Value) -> None:
        """Copy so many numbers of a row, from a vector on, to memory."""
        e = self.e
        for block in e.blocks(count * self.parts, self.kind):
            start = self.length * i + e.index(first) * self.lanes + block.index
            block.store(e.load(self.base, self.kind, start, block.lanes, mask=block.mask), target)


def subtract(target: Rows, rows: tuple[Index, Index], factor: Factor, source: Source, extent: Extent) -> None:
    """Subtract from each of some rows its multiple of the row that `source` has; `extent` tells from which vector to which."""
    e = target.e
    for at, count in tiles(e, *rows):
        factors = [factor(at + r) for r in range(count)]
        first, last = extent(at + (count - 1))
        with e.loop(last, first) as c:
            y, turned = target.both(source(c))
            for r, each in enumerate(factors):
                target.put_vector(at + r, c, target.less(target.vector(at + r, c), y, turned, each))


def summed(e: Emitter, x: Value) -> Value:
    """Return the sum of a vector's lanes."""
    return e.reduce(x, lambda a, b: a + b)


def largest(e: Emitter, xs: Sequence[Value]) -> Value:
    """Return the largest of some values, NaN if one is."""
    found = xs[0]
    for each in xs[1:]:
        found = e.math.maximum(found, each)
    return found
