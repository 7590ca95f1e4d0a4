"""Triangular systems: of many right-hand sides, whose columns are split over the threads, and of one."""

from __future__ import annotations

from lineal.codegen.dense.factors import Factors
from lineal.codegen.dense.tiles import DEPTH, PANELS, reserved
from lineal.codegen.kinds import int64, pointer
from lineal.codegen.parallel import tasks
from lineal.codegen.values import Value

__all__ = ["SOLVE", "SOLVE_ONE", "Triangular"]

# `transposed`: not the matrix lies in memory, but its transpose; `stairs`: column j of the right-hand sides is 0 above row j
SOLVE = [
    ("matrix", pointer), ("step", int64), ("size", int64), ("transposed", int64), ("out", pointer), ("out_step", int64),
    ("columns", int64), ("width", int64), ("strips", pointer), ("stairs", int64),
]  # fmt: skip
SOLVE_ONE = [("matrix", pointer), ("step", int64), ("size", int64), ("transposed", int64), ("out", pointer)]


class Triangular(Factors):
    """Writes the solution of triangular systems, in place of their right-hand sides."""

    def write(self) -> None:
        super().write()
        for forward in (True, False):
            self.write_packing(forward)
            for unit in (True, False):
                self.write_stripe(forward, unit)
                self.write_system(forward, unit)
                self.write_vector(forward, unit)

    # many right-hand sides

    def write_packing(self, forward: bool) -> None:
        """Write pack.forward or pack.backward: a strip of the triangle, from its first column on."""
        e, high = self.e, self.high
        parameters = [
            ("matrix", pointer), ("step", int64), ("size", int64), ("transposed", int64), ("row", int64), ("strip", pointer),
        ]  # fmt: skip
        name = f"pack.{'forward' if forward else 'backward'}"
        with e.function(name, parameters, internal=True) as (matrix, step, size, transposed, row, strip):
            rows = e.math.minimum(size - row, high)
            first = e.index(0) if forward else row
            count = row + rows if forward else size - row
            to = self.moved(strip, first * high)
            with e.when(rows < high):
                e.call("clear", None, to, e.index(high), self.rounded(count), e.index(high))
                with e.loop(high, rows) as i:
                    e.store(e.const(1.0, self.kind), strip, (row + i) * high + i)
            with e.if_else(transposed != 0) as (then, otherwise):
                with then:
                    source = self.moved(matrix, first * step + row)
                    e.call("copy", None, source, step, to, e.index(high), count, rows)
                with otherwise:
                    source = self.moved(matrix, row * step + first)
                    e.call("turn", None, source, step, to, e.index(high), rows, count)

    def write_stripe(self, forward: bool, unit: bool) -> None:
        """Write stripe.NAME: the solution for some columns, block of rows after block of rows."""
        e, name = self.e, self.solver(forward, unit)
        parameters = [
            ("size", int64), ("strips", pointer), ("strip", int64), ("out", pointer), ("step", int64),
            ("columns", int64), ("first", int64),
        ]  # fmt: skip
        with e.function(f"stripe.{name}", parameters, internal=True) as (size, strips, strip, out, step, columns, first):
            right = reserved(e, self.kind, PANELS * DEPTH * self.wide)
            with e.loop(size, first, DEPTH) as turn:
                at = turn if forward else e.bits("and", size - 1 - turn, -DEPTH)
                count = self.small(size - at)
                block = self.moved(strips, at * self.high)
                own = self.moved(block, e.bits("ashr", at, self.strip_shift) * strip)
                here = self.moved(out, at * step)
                e.call(f"solve.{name}", None, count, own, strip, right, here, step, columns)
                if forward:
                    below = at + count
                    left = self.moved(block, e.bits("ashr", below, self.strip_shift) * strip)
                    rest = (size - below, right, self.moved(out, below * step))
                else:
                    left, rest = block, (at, right, out)
                e.call("sweep", None, count, left, strip, *rest, step, columns)

    def write_system(self, forward: bool, unit: bool) -> None:
        """Write system.NAME(matrix, …): pack the triangle, then solve stripe by stripe."""
        e, name = self.e, self.solver(forward, unit)
        packing, high = f"pack.{'forward' if forward else 'backward'}", self.high

        def pack(number, matrix, step, size, transposed, strips):
            with e.loop(e.math.minimum(number * DEPTH + DEPTH, size), number * DEPTH, high) as row:
                e.call(packing, None, matrix, step, size, transposed, row, self.moved(strips, row * self.rounded(size)))

        def solve(number, size, out, out_step, columns, width, strips, stairs):
            start = number * width
            some = e.math.minimum(columns - start, width)
            first = e.bits("and", start * stairs, -DEPTH)
            strip = self.rounded(size) * high
            e.call(f"stripe.{name}", None, size, strips, strip, self.moved(out, start), out_step, some, first)

        with e.function(f"system.{name}", SOLVE) as given:
            matrix, step, size, transposed, out, out_step, columns, width, strips, stairs = given
            whole = e.index(DEPTH)
            tasks(e, f"pack.{name}", self.pieces(size, whole), (matrix, step, size, transposed, strips), pack)
            captured = (size, out, out_step, columns, width, strips, stairs)
            tasks(e, f"system.{name}", self.pieces(columns, width), captured, solve)

    # one right-hand side: every number of the matrix is used once, so nothing is packed

    def write_vector(self, forward: bool, unit: bool) -> None:
        """Write vector.NAME(matrix, step, size, transposed, out): the solution of one system, by rows or by columns."""
        e, name = self.e, self.solver(forward, unit)
        with e.function(f"vector.{name}", SOLVE_ONE) as (matrix, step, size, transposed, out), e.loop(size) as turn:
            i = turn if forward else size - 1 - turn
            row = self.moved(matrix, i * step)
            known, open_ = ((e.index(0), i), (i + 1, size)) if forward else ((i + 1, size), (e.index(0), i))
            pivot = self.moved(row, i)
            with e.if_else(transposed == 0) as (by_rows, by_columns):
                with by_rows:
                    x = e.load(out, self.kind, i) - self.dot(row, out, *known)
                    e.store(x if unit else x / e.load(pivot, self.kind), out, i)
                with by_columns:
                    x = e.load(out, self.kind, i)
                    x = x if unit else x / e.load(pivot, self.kind)
                    e.store(x, out, i)
                    for block in e.blocks(open_[1], self.lanes, open_[0], unroll=4):
                        y = block.load(out, self.kind) - block.load(row, self.kind) * e.splat(x, self.lanes)
                        block.store(y, out)

    def dot(self, row: Value, x: Value, start: Value, stop: Value) -> Value:
        """Write the sum of products of a range."""
        e, kind = self.e, self.kind
        sums = [e.variable(e.const(0.0, kind, self.lanes)) for _ in range(4)]
        for block in e.blocks(stop, self.lanes, start, unroll=4, carried=sums):
            total = sums[block.turn]
            total.value = e.muladd(block.load(row, kind), block.load(x, kind), total.value)
        while len(sums) > 1:
            sums = [e.variable(a.value + b.value) for a, b in zip(sums[::2], sums[1::2])]
        return e.reduce(sums[0].value, lambda a, b: a + b)
