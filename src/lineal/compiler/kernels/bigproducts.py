"""Large products: C = A B in blocks that stay in the caches, its columns (or rows) on different threads.

For a block of k, each thread lays its columns of B side by side in panels as wide as a tile of C; for every few rows of A,
copied next to each other, tiles then run over the panels. After the first block of k, tiles add to what C holds. (Goto and
van de Geijn, 2008.)
"""

from __future__ import annotations

from dataclasses import replace

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int32
from lineal.codegen.parallel import shared
from lineal.codegen.values import Value
from lineal.compiler.kernels.partials import reserved
from lineal.compiler.kernels.smallproducts import Matrix, SmallProduct, transposed
from lineal.compiler.nodes.node import Product

__all__ = ["BigProduct"]

DEPTH = 256
"""About how many k make a block: a panel of B then comes from the second cache at most once for every strip of A."""

PANELS = 8
"""How many panels of B a thread keeps packed."""

WORTH_THREADS = 1 << 21
"""From how many multiplications on several threads are worth it."""

VECTORS = 2
"""How many vectors wide a tile is."""


class BigProduct(SmallProduct):
    """Writes the product of an m × k by a k × n matrix in blocks."""

    def __init__(self, e: Emitter, node: Product):
        super().__init__(e, node)
        self.lanes = e.lanes(self.kind)
        self.high = min(self.m, (self.registers - 8) // VECTORS)
        self.wide = VECTORS * self.lanes
        self.depth = -(-self.k // max(1, round(self.k / DEPTH)))

    def write_in(self, name: str, a: Value, b: Value, c: Value) -> None:
        """Write the product into the function `name`, with columns or rows of C on different threads."""
        across = self.n >= self.m // 2

        def work(start: Value, stop: Value, *places: Value) -> None:
            whole = (self.e.index(0), self.e.index(self.n))
            self.columns(self.matrices(*places), (start, stop) if across else whole, (0, self.m) if across else (start, stop))

        # where the last panel is one vector wide, any thread's may be
        narrow = self.lanes if self.n % self.wide == self.lanes else self.wide
        size, grain = (self.n, narrow) if across else (self.m, self.high)
        if self.m * self.n * self.k < WORTH_THREADS:
            work(self.e.index(0), self.e.index(size), a, b, c)
        else:
            shared(self.e, name, size, (a, b, c), work, grain=grain, pieces=1)

    def write(self, a: Value, b: Value, c: Value) -> None:
        """Write the product on one thread."""
        self.columns(self.matrices(a, b, c), (self.e.index(0), self.e.index(self.n)), (0, self.m))

    def matrices(self, *places: Value) -> tuple[Matrix, ...]:
        """Return A, B and C, which begin at these places."""
        windows = (self.node.a, self.node.b, self.node.out)
        return tuple(Matrix(place, *each.strides[-2:]) for place, each in zip(places, windows))

    def columns(self, matrices: tuple, span: tuple[Value, Value], rows: tuple) -> None:
        """Write a range of columns, some panels at a time, for a range of rows."""
        e, block = self.e, self.wide * PANELS
        panels, strip = self.memory()
        with e.loop(span[1], span[0], block) as j, e.loop(self.k, 0, self.depth) as k:
            depth = e.math.minimum(e.index(self.k) - k, self.depth)
            last = e.math.minimum(j + block, span[1])
            self.pack(self.moved(matrices[1], k, j), panels, depth, last - j)
            self.strips(matrices, panels, strip, (k, depth), (j, last), rows)

    def memory(self) -> tuple[Value, Value]:
        """Return memory for some panels of B and for a strip of A."""
        size = self.depth * self.kind.itemsize
        return reserved(self.e, size * self.wide * PANELS), reserved(self.e, size * self.high)

    def moved(self, matrix: Matrix, i: Value, j: Value) -> Matrix:
        """Return the part of a matrix that begins at row i and column j."""
        return replace(matrix, address=self.e.address(matrix.address, i * matrix.rows + j * matrix.columns, self.kind))

    # copies

    def pack(self, b: Matrix, panels: Value, depth: Value, count: Value) -> None:
        """Write the copying of `count` columns into panels; the last one is filled up with what is there."""
        e, wide = self.e, self.wide
        full = e.math.floor_divide(count, wide) * wide
        with e.loop(full, 0, wide) as j:
            panel = e.address(panels, j * self.depth, self.kind)
            source = self.moved(b, e.index(0), j)
            if b.by_rows:
                self.pack_rows(source, panel, depth, self.wide)
            else:
                self.pack_columns(source, panel, depth)
        self.pack_rest(b, panels, depth, full, count)

    def pack_rest(self, b: Matrix, panels: Value, depth: Value, full: Value, count: Value) -> None:
        """Write the copying of the columns from `full` on, which do not fill a panel."""
        e, rest = self.e, self.n % self.wide
        if rest:
            with e.when(full < count):
                panel = e.address(panels, full * self.depth, self.kind)
                self.pack_rows(self.moved(b, e.index(0), full), panel, depth, rest)

    def pack_rows(self, b: Matrix, panel: Value, depth: Value, count: int | Value) -> None:
        """Write the copying of some columns, row by row."""
        e, kind = self.e, self.kind
        with e.loop(depth) as k:
            row, to = e.address(b.address, k * b.rows, kind), e.address(panel, k * self.wide, kind)
            for block in e.blocks(count, self.lanes):
                block.store(block.load(row, kind, b.columns), to)

    def pack_columns(self, b: Matrix, panel: Value, depth: Value) -> None:
        """Write the copying of a panel whose columns lie one after the other, turned in registers."""
        e, kind, lanes = self.e, self.kind, self.lanes
        even = e.math.floor_divide(depth, lanes) * lanes if b.by_columns else e.index(0)
        if b.by_columns:
            with e.loop(even, 0, lanes) as k, e.loop(self.wide, 0, lanes) as j:
                source = self.moved(b, k, j).address
                block = [e.load(e.address(source, n * b.columns, kind), kind, 0, lanes) for n in range(lanes)]
                to = e.address(panel, k * self.wide + j, kind)
                for n, vector in enumerate(transposed(e, block)):
                    e.store(vector, e.address(to, n * self.wide, kind))
        with e.loop(depth, even) as k, e.loop(self.wide) as j:
            e.store(e.load(self.moved(b, k, j).address, kind), e.address(panel, k * self.wide + j, kind))

    def copied(self, a: Matrix, strip: Value, depth: Value, count: int) -> Matrix:
        """Write the copying of some rows of A; return where they now are."""
        e, kind = self.e, self.kind
        if a.by_rows:
            for i in range(count):
                row, to = e.address(a.address, i * a.rows, kind), e.address(strip, i * self.depth, kind)
                for block in e.blocks(depth, self.lanes):
                    block.store(block.load(row, kind), to)
            return Matrix(strip, self.depth, 1)
        with e.loop(depth) as k:
            column, to = e.address(a.address, k * a.columns, kind), e.address(strip, k * self.high, kind)
            for block in e.blocks(count, self.lanes):
                block.store(block.load(column, kind, a.rows), to)
        return Matrix(strip, 1, self.high)

    # tiles

    def strips(self, matrices: tuple, panels: Value, strip: Value, ks: tuple, columns: tuple, rows: tuple) -> None:
        """Write the tiles of a block, some rows after the others."""
        e, high = self.e, self.high
        a, _, c = matrices
        first, last = rows
        full = e.math.floor_divide(last - e.index(first), high) * high + first
        with e.loop(full, first, high) as i:
            self.strip(a, c, panels, strip, ks, columns, i, high)
        self.strips_left(matrices, panels, strip, ks, columns, full, e.index(last))

    def strips_left(self, matrices: tuple, panels: Value, strip: Value, ks: tuple, columns: tuple, full: Value, last: Value):
        """Write the tiles of the rows from `full` on, which are fewer than a tile has."""
        a, _, c = matrices
        if self.m % self.high:
            with self.e.when(full < last):
                self.strip(a, c, panels, strip, ks, columns, full, self.m % self.high)

    def strip(self, a: Matrix, c: Matrix, panels: Value, strip: Value, ks: tuple, columns: tuple, i: Value, count: int) -> None:
        """Write the tiles of `count` rows from row i on."""
        e, (k, depth), (j, last) = self.e, ks, columns
        left = self.copied(self.moved(a, i, k), strip, depth, count)
        out = self.moved(c, i, j)
        wide = self.wide
        full = e.math.floor_divide(last - j, wide) * wide
        with e.loop(full, 0, wide) as at:
            panel = Matrix(e.address(panels, at * self.depth, self.kind), wide, 1)
            self.block(left, panel, self.moved(out, e.index(0), at), (k, depth), count, VECTORS, None)
        if e.general or self.n % wide:
            with e.when(full < last - j):
                panel = Matrix(e.address(panels, full * self.depth, self.kind), wide, 1)
                self.tiles_left(left, panel, self.moved(out, e.index(0), full), (k, depth), count, last - j - full)

    def tiles_left(self, left: Matrix, panel: Matrix, out: Matrix, ks: tuple, count: int, rest: Value) -> None:
        """Write the tiles of the columns that do not fill a panel; `rest` is how many there are."""
        e, known = self.e, self.n % self.wide
        vectors = known // self.lanes
        if vectors:
            self.block(left, panel, out, ks, count, vectors, None)
        if known % self.lanes:
            mask = e.first_lanes(e.const(known % self.lanes, int32), self.lanes)
            panel = self.moved(panel, e.index(0), e.index(vectors * self.lanes))
            out = self.moved(out, e.index(0), e.index(vectors * self.lanes))
            self.block(left, panel, out, ks, count, 1, mask)

    def block(self, left: Matrix, panel: Matrix, out: Matrix, ks: tuple, rows: int, vectors: int, mask: Value | None) -> None:
        """Write one tile for a block of k: the first block sets C, later ones add to it."""
        e, kind, (k, depth) = self.e, self.kind, ks
        places = [e.address(out.address, i * out.rows + v * self.lanes, kind) for i in range(rows) for v in range(vectors)]
        sums = [e.variable(e.const(0.0, kind, self.lanes)) for _ in places]
        with e.loop(depth, carried=sums) as n:
            self.step(left, panel, panel.address, n, sums, rows, vectors, None)
        with e.when(k > 0, carried=sums):
            for total, place in zip(sums, places):
                total.value = total.value + e.load(place, kind, 0, self.lanes, mask=mask)
        for total, place in zip(sums, places):
            e.store(total.value, place, kind=kind, mask=mask)
