"""Copies that bring matrices into the order of strips and panels."""

from __future__ import annotations

from lineal.codegen.dense.tiles import Tiles
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.values import Value

__all__ = ["Copies", "transposed"]

MATRICES = [
    ("source", pointer), ("source_step", int64), ("to", pointer), ("to_step", int64), ("rows", int64), ("columns", int64),
]  # fmt: skip


def transposed(e: Emitter, block: list[Value]) -> list[Value]:
    """Return the columns of a square block of vectors: pairs of them exchange halves, then quarters, and so on."""
    lanes = len(block)
    step = lanes // 2
    while step:
        low = [n if not n & step else n - step + lanes for n in range(lanes)]
        high = [n + step if not n & step else n + lanes for n in range(lanes)]
        made = list(block)
        for n in range(lanes):
            if not n & step:
                made[n] = e.shuffle(block[n], low, block[n + step])
                made[n + step] = e.shuffle(block[n], high, block[n + step])
        block = made
        step //= 2
    return block


class Copies(Tiles):
    """Writes the functions that copy."""

    def write(self) -> None:
        super().write()
        self.write_sweep()
        self.write_solves()
        self.write_turn()
        self.write_copy()
        self.write_clear()
        self.write_strips()
        self.write_swap()

    def write_turn(self) -> None:
        """Write turn(source, source_step, to, to_step, rows, columns): to[j][i] = source[i][j], in square blocks."""
        e, kind, size = self.e, self.kind, min(self.lanes, self.high)
        with e.function("turn", MATRICES, internal=True) as (source, source_step, to, to_step, rows, columns):
            ends = [e.math.floor_divide(n, size) * size for n in (rows, columns)]
            with e.loop(ends[0], 0, size) as i, e.loop(ends[1], 0, size) as j:
                first, target = self.moved(source, i * source_step + j), self.moved(to, j * to_step + i)
                block = [e.load(self.moved(first, source_step * n), kind, 0, size) for n in range(size)]
                for n, vector in enumerate(transposed(e, block)):
                    e.store(vector, self.moved(target, to_step * n))
            places = (source, source_step, to, to_step)
            self.turn_singly(places, (ends[0], rows), (e.index(0), columns))
            self.turn_singly(places, (e.index(0), ends[0]), (ends[1], columns))

    def turn_singly(self, places: tuple, rows: tuple[Value, Value], columns: tuple[Value, Value]) -> None:
        """Write the transposition of what does not fill square blocks, number by number."""
        e, (source, source_step, to, to_step) = self.e, places
        with e.loop(rows[1], rows[0]) as i, e.loop(columns[1], columns[0]) as j:
            e.store(e.load(source, self.kind, i * source_step + j), to, j * to_step + i)

    def write_copy(self) -> None:
        """Write copy(source, source_step, to, to_step, rows, columns): to[i][j] = source[i][j]."""
        e = self.e
        with (
            e.function("copy", MATRICES, internal=True) as (source, source_step, to, to_step, rows, columns),
            e.loop(rows) as i,
        ):
            self.copy_row(self.moved(source, i * source_step), self.moved(to, i * to_step), columns)

    def write_clear(self) -> None:
        """Write clear(to, to_step, rows, columns): zeros."""
        e = self.e
        parameters = [("to", pointer), ("to_step", int64), ("rows", int64), ("columns", int64)]
        with e.function("clear", parameters, internal=True) as (to, to_step, rows, columns), e.loop(rows) as i:
            row = self.moved(to, i * to_step)
            for block in e.blocks(columns, self.lanes):
                block.store(e.const(0.0, self.kind, self.lanes), row)

    def write_strips(self) -> None:
        """Write strips(source, source_step, to, strip, rows, depth): strips of the transpose of `depth` rows.

        The rows must have room for whole strips.
        """
        e, kind, high = self.e, self.kind, self.high
        parameters = [
            ("source", pointer), ("source_step", int64), ("to", pointer), ("strip", int64), ("rows", int64), ("depth", int64),
        ]  # fmt: skip
        function = e.function("strips", parameters, internal=True)
        with function as (source, step, to, strip, rows, depth), e.loop(rows, 0, high) as i:
            first, target = self.moved(source, i), self.moved(to, e.bits("ashr", i, self.strip_shift) * strip)
            with e.loop(depth) as k:
                e.store(e.load(self.moved(first, k * step), kind, 0, high), self.moved(target, k * high))

    def write_swap(self) -> None:
        """Write swap(matrix, step, pivots, first, count, columns): exchange rows first… with the pivots, counted from 1."""
        e, kind = self.e, self.kind
        parameters = [
            ("matrix", pointer), ("step", int64), ("pivots", pointer), ("first", int64), ("count", int64), ("columns", int64),
        ]  # fmt: skip
        function = e.function("swap", parameters, internal=True)
        with function as (matrix, step, pivots, first, count, columns), e.loop(first + count, first) as i:
            other = e.cast(e.load(pivots, int32, i), int64) - 1
            with e.when(other != i):
                x, y = self.moved(matrix, i * step), self.moved(matrix, other * step)
                for block in e.blocks(columns, self.lanes):
                    a, b = block.load(x, kind), block.load(y, kind)
                    block.store(b, x)
                    block.store(a, y)
