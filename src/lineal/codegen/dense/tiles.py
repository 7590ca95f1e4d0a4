"""What large dense algorithms spend their time in: tiles of C that lose a product, or a product and then a triangle's inverse.

A tile is `high` rows by `wide` columns, held in registers. Its left factor is a strip: the `high` rows of a column next to
each other, column after column. Its right factor is a panel: rows of `wide` numbers. (Goto and van de Geijn, 2008.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int64, pointer
from lineal.codegen.values import Value

__all__ = ["DEPTH", "Place", "Tiles", "reserved"]

DEPTH = 128
"""How many columns of the left factor go into one product at most: a panel of so many rows stays in the first cache."""
PANELS = 4
"""How many panels share a strip while it is in the first cache."""


class Place(NamedTuple):
    """Where a matrix begins, and how many elements its rows are apart."""

    at: Value
    step: int | Value


# what a function of a tile is given; a tile that only loses a product ignores triangle and solution
PARAMETERS = [
    ("depth", int64), ("left", pointer), ("left_step", int64), ("right", pointer), ("right_step", int64),
    ("triangle", pointer), ("solution", pointer), ("out", pointer), ("out_step", int64),
]  # fmt: skip


def reserved(e: Emitter, kind: Kind, count: int) -> Value:
    """Return the address of memory of this call for so many numbers."""
    name = e.name()
    e.frame.slots.append(f"  {name} = alloca [{count} x {kind.memory}], align 64")
    return Value(e, name, pointer)


class Tiles:
    """Writes the functions of tiles of one kind of number into a module."""

    def __init__(self, e: Emitter, kind: Kind):
        self.e = e
        self.kind = kind
        self.lanes = e.lanes(kind)
        # 24 sums, 3 right factors and a left one fill the 32 registers of AVX-512, half as many the 16 of older processors
        self.high = 8 if e.target.avx512 else 4
        # panels are made of whole strips
        self.vectors = (4 if self.lanes == 1 else 2 if self.lanes == 2 else 3) if e.target.x86 else 4
        self.wide = self.vectors * self.lanes
        self.whole = (self.vectors, self.lanes)
        self.narrow = (1, self.high)

    def write(self) -> None:
        """Write all functions."""
        self.write_tile("product", self.whole, None)
        self.write_tile("product.narrow", self.narrow, None)
        self.write_tile("forward.unit.narrow", self.narrow, (True, True))
        for forward in (True, False):
            for unit in (True, False):
                self.write_tile(self.solver(forward, unit), self.whole, (forward, unit))
        self.write_partial()

    @staticmethod
    def solver(forward: bool, unit: bool) -> str:
        return f"{'forward' if forward else 'backward'}{'.unit' if unit else ''}"

    def moved(self, place: Value, index: int | Value) -> Value:
        return self.e.address(place, index, self.kind)

    # one tile

    def write_tile(self, name: str, shape: tuple[int, int], solve: tuple[bool, bool] | None) -> None:
        """Write out -= left · right; with `solve` = (forward, unit) then out and solution = triangle⁻¹ out."""
        e = self.e
        vectors, lanes = shape
        with e.function(name, PARAMETERS, internal=True) as (depth, a, a_step, b, b_step, triangle, solution, c, c_step):
            rows = [self.moved(c, c_step * i if i else 0) for i in range(self.high)]
            for row in rows:
                self.prefetch(row)
            sums = self.product(depth, Place(a, a_step), Place(b, b_step), shape)
            places = [[self.moved(row, v * lanes) for v in range(vectors)] for row in rows]
            values = [
                [e.load(place, self.kind, 0, lanes) - sums[i * vectors + v] for v, place in enumerate(line)]
                for i, line in enumerate(places)
            ]
            if solve is not None:
                self.substitute(values, Place(triangle, a_step), Place(solution, b_step), lanes, *solve)
            for line, at in zip(values, places):
                for value, place in zip(line, at):
                    e.store(value, place)

    def prefetch(self, row: Value) -> None:
        for byte in range(0, self.wide * self.kind.itemsize, 64):
            self.e.fetch(self.e.offset(row, byte), writing=True)

    def product(self, depth: Value, a: Place, b: Place, shape: tuple[int, int]) -> list[Value]:
        """Write the product of a strip and a panel; return its vectors."""
        e, kind = self.e, self.kind
        vectors, lanes = shape
        sums = [e.variable(e.const(0.0, kind, lanes)) for _ in range(self.high * vectors)]
        with e.loop(depth, carried=sums) as k:
            row, column = self.moved(b.at, k * b.step), self.moved(a.at, k * a.step)
            right = [e.load(self.moved(row, v * lanes), kind, 0, lanes) for v in range(vectors)]
            for i in range(self.high):
                x = e.splat(e.load(column, kind, i), lanes)
                for v in range(vectors):
                    total = sums[i * vectors + v]
                    total.value = e.muladd(x, right[v], total.value)
        return [each.value for each in sums]

    def substitute(self, values: list[list[Value]], triangle: Place, to: Place, lanes: int, forward: bool, unit: bool) -> None:
        """Write the substitution within a tile: the triangle lies as the strip's further columns."""
        e, kind = self.e, self.kind
        order = range(self.high) if forward else range(self.high - 1, -1, -1)
        for n, i in enumerate(order):
            column = self.moved(triangle.at, triangle.step * i if i else 0)
            if not unit:
                pivot = e.splat(e.load(column, kind, i), lanes)
                values[i] = [x / pivot for x in values[i]]
            for v, x in enumerate(values[i]):
                e.store(x, self.moved(to.at, to.step * i + v * lanes if i else v * lanes))
            for later in order[n + 1 :]:
                factor = e.splat(e.load(column, kind, later), lanes)
                values[later] = [y - factor * x for x, y in zip(values[i], values[later])]

    # tiles at the edges

    def write_partial(self) -> None:
        """Write partial(function, …, rows, columns): a function of tiles for a smaller one, copied to a whole one and back."""
        e, kind = self.e, self.kind
        parameters = [("function", pointer), *PARAMETERS, ("rows", int64), ("columns", int64)]
        with e.function("partial", parameters, internal=True) as (function, *given, c, c_step, rows, columns):
            tile = reserved(e, kind, self.high * self.wide)
            for i in range(self.high * self.vectors):
                e.store(e.const(0.0, kind, self.lanes), tile, i * self.lanes)
            with e.loop(rows) as i:
                self.copy_row(self.moved(c, i * c_step), self.moved(tile, i * self.wide), columns)
            e.call_pointer(function, *given, tile, e.const(self.wide, int64))
            with e.loop(rows) as i:
                self.copy_row(self.moved(tile, i * self.wide), self.moved(c, i * c_step), columns)

    def copy_row(self, source: Value, to: Value, count: int | Value) -> None:
        """Write the copying of so many numbers."""
        for block in self.e.blocks(count, self.lanes):
            block.store(block.load(source, self.kind), to)

    def tile(self, name: str, depth: Value, places: Sequence[Value], size: tuple[Value, Value]) -> None:
        """Write the call of a function of tiles for size = (rows, columns) of C, whole or partial.

        `places` are left, right, triangle, solution, out and the step of out; strips and panels are dense.
        """
        e = self.e
        left, right, triangle, solution, out, step = places
        high, wide = e.index(self.high), e.index(self.wide)
        arguments = (depth, left, high, right, wide, triangle, solution, out, step)
        with e.if_else((size[0] >= high) & (size[1] >= wide)) as (then, otherwise):
            with then:
                e.call(name, None, *arguments)
            with otherwise:
                rows, columns = e.math.minimum(size[0], high), e.math.minimum(size[1], wide)
                e.call("partial", None, e.symbol(name), *arguments, rows, columns)

    # many tiles

    def write_sweep(self) -> None:
        """Write sweep(depth, left, strip, rows, right, out, step, columns): out -= strips · panels, `strip` numbers a strip."""
        e = self.e
        parameters = [
            ("depth", int64), ("left", pointer), ("strip", int64), ("rows", int64),
            ("right", pointer), ("out", pointer), ("step", int64), ("columns", int64),
        ]  # fmt: skip
        with e.function("sweep", parameters, internal=True) as (depth, left, strip, rows, right, out, step, columns):
            shift = self.strip_shift
            with e.loop(rows, 0, self.high) as i:
                a, under = self.moved(left, e.bits("ashr", i, shift) * strip), self.moved(out, i * step)
                with e.loop(columns, 0, self.wide) as j:
                    b = self.moved(right, j * DEPTH)
                    self.tile("product", depth, (a, b, a, b, self.moved(under, j), step), (rows - i, columns - j))

    @property
    def strip_shift(self) -> int:
        """The logarithm of `high`: rows shifted by it are strips."""
        return self.high.bit_length() - 1

    def write_solves(self) -> None:
        """Write solve.NAME(depth, left, strip, right, out, step, columns) for all solvers of tiles.

        Rows of `out` are divided by the triangle in the strips; the solutions are also left in panels.
        """
        for forward in (True, False):
            for unit in (True, False):
                self.write_solve(self.solver(forward, unit), forward)

    def write_solve(self, name: str, forward: bool) -> None:
        e, high = self.e, self.high
        parameters = [
            ("depth", int64), ("left", pointer), ("strip", int64), ("right", pointer),
            ("out", pointer), ("step", int64), ("columns", int64),
        ]  # fmt: skip
        with e.function(f"solve.{name}", parameters, internal=True) as (depth, left, strip, right, out, step, columns):
            strips = e.bits("ashr", depth + (high - 1), self.strip_shift)
            with e.loop(columns, 0, self.wide) as j, e.loop(strips) as turn:
                s = turn if forward else strips - 1 - turn
                row = s * high
                a, b = self.moved(left, s * strip), self.moved(right, j * DEPTH)
                here = (self.moved(a, row * high), self.moved(b, row * self.wide))
                after = e.math.minimum(row + high, depth)
                first = (a, b) if forward else (self.moved(a, after * high), self.moved(b, after * self.wide))
                under = self.moved(self.moved(out, row * step), j)
                count = row if forward else depth - after
                self.tile(name, count, (*first, *here, under, step), (depth - row, columns - j))
