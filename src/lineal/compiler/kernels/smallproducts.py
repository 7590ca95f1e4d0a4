"""Small products: C = A B in code for these very sizes.

A tile of C stays in registers while k runs: its rows are numbers of A in every lane times vectors of B. A matrix B that lies by
columns is first turned into memory of the call, 16 by 16 numbers at a time in registers; if C has one column, Cᵀ = Bᵀ Aᵀ is
computed instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lineal.codegen.dense.copies import transposed
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int32, kind_of
from lineal.codegen.values import Value
from lineal.compiler.kernels.partials import reserved
from lineal.compiler.nodes.node import Product

__all__ = ["Matrix", "SmallProduct", "transposed"]

Number = int | Value

CHAINS = 8
"""How many sums run side by side at least, so that additions do not wait for each other."""

PIECE = 256
"""How many products are added one after the other, before their sum is added to that of the others: so few digits are lost."""


@dataclass(frozen=True)
class Matrix:
    """A matrix in memory: its address, and how far rows and columns are apart."""

    address: Value
    rows: int | Value
    columns: int | Value

    @property
    def by_rows(self) -> bool:
        """Whether what stands side by side in a row does so in memory."""
        return isinstance(self.columns, int) and self.columns == 1

    @property
    def by_columns(self) -> bool:
        """Whether what stands one below the other in a column is side by side in memory."""
        return isinstance(self.rows, int) and self.rows == 1

    @property
    def turned(self) -> Matrix:
        """The transpose."""
        return Matrix(self.address, self.columns, self.rows)


class SmallProduct:
    """Writes the product of an m × k by a k × n matrix."""

    def __init__(self, e: Emitter, node: Product):
        self.e = e
        self.node = node
        self.kind = kind_of(node.out.dtype)
        self.m, self.n = node.out.shape[-2:]
        self.k = node.a.shape[-1]
        self.registers = 16 if e.target.x86 and not e.target.avx512 else 32

    def write(self, a: Value, b: Value, c: Value) -> None:
        """Write the product of the matrices that begin at two addresses into the memory at a third."""
        left = Matrix(a, *self.node.a.strides[-2:])
        right = Matrix(b, *self.node.b.strides[-2:])
        out = Matrix(c, *self.node.out.strides[-2:])
        if self.n == 1 and self.m > 1:
            left, right, out = right.turned, left.turned, out.turned
            self.m, self.n = self.n, self.m
        self.lanes = min(self.e.lanes(self.kind), 1 << max(0, (self.n - 1).bit_length()))
        if self.n > 1 and not right.by_rows:
            if self.m == 1 and right.by_columns and self.k >= self.e.lanes(self.kind):
                self.dots(left, right, out)
                return
            if self.m > 1:
                right = self.packed(right)
        self.tiles(left, right, out)

    def chains(self, rows: int, vectors: int) -> int:
        """Return how many sums each number of a tile has."""
        return max(1, min(CHAINS // (rows * vectors), self.k // 2))

    # a matrix that lies by columns

    def packed(self, right: Matrix) -> Matrix:
        """Write the copying of B into rows of this call's memory."""
        e, kind, lanes = self.e, self.kind, self.lanes
        row = -(-self.n // lanes) * lanes
        memory = reserved(e, row * self.k * kind.itemsize)
        whole = lanes if lanes > 1 and right.by_columns else 0
        ends = (self.n // lanes * lanes, self.k // lanes * lanes) if whole else (0, 0)
        if ends[0] and ends[1]:
            self.pack_whole(right, memory, row, ends)
        else:
            ends = (0, 0)
        self.copy(right, memory, row, (0, ends[0]), (ends[1], self.k))
        self.copy(right, memory, row, (ends[0], self.n), (0, self.k))
        return Matrix(memory, row, 1)

    def pack_whole(self, right: Matrix, memory: Value, row: Number, ends: tuple[Number, Number]) -> None:
        """Write the copying of B's whole blocks, which end at these columns and k, turned in registers."""
        e, kind, lanes = self.e, self.kind, self.lanes
        with e.loop(ends[0], 0, lanes) as j, e.loop(ends[1], 0, lanes) as k:
            start = e.address(e.address(right.address, j * right.columns, kind), k, kind)
            block = [e.load(e.address(start, n * right.columns, kind), kind, 0, lanes) for n in range(lanes)]
            to = e.address(e.address(memory, k * row, kind), j, kind)
            for n, vector in enumerate(transposed(e, block)):
                e.store(vector, e.address(to, n * row, kind))

    def copy(self, right: Matrix, memory: Value, row: Number, columns: tuple[Any, Any], ks: tuple[Any, Any]) -> None:
        """Write the copying of the rest of B, number by number."""
        e, kind = self.e, self.kind
        if not e.general and (columns[0] >= columns[1] or ks[0] >= ks[1]):
            return
        with e.loop(columns[1], columns[0]) as j, e.loop(ks[1], ks[0]) as k:
            x = e.load(e.address(right.address, j * right.columns + k * right.rows, kind), kind)
            e.store(x, e.address(memory, k * row + j, kind))

    # one row times the columns of a matrix

    def dots(self, left: Matrix, right: Matrix, out: Matrix) -> None:
        """Write C of one row, each of its numbers a sum over k in vectors."""
        e, kind = self.e, self.kind
        lanes = e.lanes(kind)
        with e.loop(self.n) as j:
            column = e.address(right.address, j * right.columns, kind)
            wide = 4 if e.general or self.k >= 8 * lanes else 1
            total = e.variable(e.const(0.0, kind, lanes))
            with e.loop(self.k, 0, PIECE * lanes * wide, carried=[total]) as first:
                last = e.math.minimum(first + PIECE * lanes * wide, self.k)
                total.value = total.value + self.dot(left, column, first, last, wide)
            e.store(e.reduce(total.value, lambda a, b: a + b), e.address(out.address, j * out.columns, kind))

    def dot(self, left: Matrix, column: Value, first: Value, last: Value, wide: int) -> Value:
        """Write a piece of the sum over k of a row times a column; return it in lanes."""
        e, kind = self.e, self.kind
        lanes = e.lanes(kind)
        sums = [e.variable(e.const(0.0, kind, lanes)) for _ in range(wide)]
        for block in e.blocks(last, lanes, first, unroll=wide, carried=sums):
            x, y = block.load(left.address, kind, left.columns), block.load(column, kind)
            total = sums[block.turn % wide]
            total.value = e.muladd(e.splat(x, block.lanes), y, total.value)
        whole = sums[0].value
        for each in sums[1:]:
            whole = whole + each.value
        return whole

    # tiles of C

    def tiles(self, left: Matrix, right: Matrix, out: Matrix) -> None:
        """Write C tile by tile."""
        whole = self.n // self.lanes
        wide = 2 if whole >= 2 else 1
        if self.m <= 4:
            wide = max(1, min(whole, 8 // self.m if right.by_rows else 1))
        high = max(1, min(self.m, self.registers // 2 // wide))
        if self.m % high:
            high = max(1, -(-self.m // -(-self.m // high)))
        for start, stop, count in parts(self.m, high):
            self.row_of_tiles(left, right, out, (start, stop, count), whole, wide)

    def row_of_tiles(self, left: Matrix, right: Matrix, out: Matrix, rows: tuple[int, int, int], whole: int, wide: int) -> None:
        """Write the tiles of some rows, `rows` being the first, the last and how many a tile has."""
        e, kind, lanes = self.e, self.kind, self.lanes
        start, stop, count = rows
        with e.loop(stop, start, count) as i:
            above = Matrix(e.address(left.address, i * left.rows, kind), left.rows, left.columns)
            under = Matrix(e.address(out.address, i * out.rows, kind), out.rows, out.columns)
            for first, last, vectors in parts(whole, wide):
                with e.loop(last * lanes, first * lanes, vectors * lanes) as j:
                    self.tile(above, right, under, j, count, vectors, None)
            if self.n % lanes:
                mask = e.first_lanes(e.const(self.n % lanes, int32), lanes)
                self.tile(above, right, under, e.index(whole * lanes), count, 1, mask)

    def tile(self, left: Matrix, right: Matrix, out: Matrix, j: Value, rows: int, vectors: int, mask: Value | None) -> None:
        """Write one tile: `rows` rows of so many vectors, from column j on."""
        e, kind = self.e, self.kind
        column = e.address(right.address, j * right.columns, kind)
        for n, total in enumerate(self.sums_of(left, right, column, (rows, vectors, mask))):
            i, v = divmod(n, vectors)
            to = e.address(out.address, j * out.columns + (i * out.rows + v * self.lanes * out.columns), kind)
            e.store(total, to, kind=kind, stride=out.columns if self.lanes > 1 else 1, mask=mask)

    def sums_of(self, left: Matrix, right: Matrix, column: Value, tile: tuple) -> list[Value]:
        """Write the sums over k of a tile of so many rows and vectors, in pieces if they are long; return them."""
        e, (rows, vectors, _) = self.e, tile
        chains = self.chains(rows, vectors)
        whole, span = self.k // chains * chains, PIECE * chains
        if not e.general and whole <= 2 * span:
            return self.chained(left, right, column, (e.index(0), whole), chains, range(whole, self.k), tile)
        totals = [e.variable(e.const(0.0, self.kind, self.lanes)) for _ in range(rows * vectors)]
        with e.loop(whole, 0, span, carried=totals) as k:
            piece = k, e.math.minimum(k + span, whole)
            for total, more in zip(totals, self.chained(left, right, column, piece, chains, range(0), tile)):
                total.value = total.value + more
        with e.loop(self.k, whole, carried=totals) as k:
            self.step(left, right, column, k, totals, *tile)
        return [each.value for each in totals]

    def chained(
        self, left: Matrix, right: Matrix, column: Value, ks: tuple, chains: int, rest: range, tile: tuple
    ) -> list[Value]:
        """Write the sums over range(*ks), several chains side by side, and the `rest`."""
        e, (rows, vectors, _) = self.e, tile
        sums = [[e.variable(e.const(0.0, self.kind, self.lanes)) for _ in range(rows * vectors)] for _ in range(chains)]
        flat = [each for chain in sums for each in chain]
        with e.loop(ks[1], ks[0], chains, carried=flat) as k:
            for turn in range(chains):
                self.step(left, right, column, k + turn if turn else k, sums[turn], *tile)
        for turn, k in enumerate(rest):
            self.step(left, right, column, e.index(k), sums[turn], *tile)
        for chain in sums[1:]:
            for total, more in zip(sums[0], chain):
                total.value = total.value + more.value
        return [each.value for each in sums[0]]

    def step(
        self, left: Matrix, right: Matrix, column: Value, k: Value, sums: list, rows: int, vectors: int, mask: Value | None
    ) -> None:
        """Write what one k adds to a tile."""
        e, kind, lanes = self.e, self.kind, self.lanes
        row = e.address(column, k * right.rows, kind)
        stride = right.columns if lanes > 1 else 1
        found = [
            e.load(e.address(row, v * lanes * right.columns, kind), kind, 0, lanes, stride=stride, mask=mask)
            for v in range(vectors)
        ]
        place = e.address(left.address, k * left.columns, kind)
        for i in range(rows):
            x = e.splat(e.load(e.address(place, i * left.rows, kind), kind), lanes)
            for v in range(vectors):
                total = sums[i * vectors + v]
                total.value = e.muladd(x, found[v], total.value)


def parts(size: int, step: int) -> list[tuple[int, int, int]]:
    """Return the ranges of a whole number of steps, and of what is left: first, last, step."""
    whole = size // step * step if step else 0
    found = [(0, whole, step)] if whole else []
    return [*found, (whole, size, size - whole)] if size > whole else found
