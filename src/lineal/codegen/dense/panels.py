"""The factors of a panel: some columns of a matrix, transposed into rows of memory of their own.

Both factorisations go over a panel strip by strip, each of which first catches up with the strips before it, so that nearly
all is products of tiles.
"""

from __future__ import annotations

from lineal.codegen.dense.copies import Copies
from lineal.codegen.dense.tiles import DEPTH, reserved
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.values import Value

__all__ = ["Panels"]

PANEL = [
    ("matrix", pointer), ("step", int64), ("rows", int64), ("first", int64), ("count", int64),
    ("panel", pointer), ("panel_step", int64), ("strips", pointer),
]  # fmt: skip


class Panels(Copies):
    """Writes the factorisations of panels.

    A panel begins at the diagonal element `first` of a matrix of so many rows and has `count` columns. It is factored in
    place, and left in strips for the products that follow; `panel` is memory to work in.
    """

    def write(self) -> None:
        super().write()
        self.write_taking()
        self.write_largest()
        self.write_eliminate()
        self.write_exchange()
        self.write_catch_up()
        self.write_lu_panel()
        self.write_root()
        self.write_cholesky_panel()

    def rounded(self, count: Value) -> Value:
        """Return the rows of whole strips."""
        return self.e.bits("and", count + (self.high - 1), -self.high)

    # to the panel and back

    def write_taking(self) -> None:
        """Write take and give: the panel from the matrix, with zeros to the end of tiles, and back, with its strips."""
        e = self.e
        with e.function("take", PANEL, internal=True) as (matrix, step, rows, first, count, panel, panel_step, _):
            left = rows - first
            e.call("turn", None, self.moved(matrix, first * step + first), step, panel, panel_step, left, count)
            e.call("clear", None, self.moved(panel, left), panel_step, count, panel_step - left)
            whole = self.rounded(count)
            e.call("clear", None, self.moved(panel, count * panel_step), panel_step, whole - count, panel_step)
        with e.function("give", PANEL, internal=True) as (matrix, step, rows, first, count, panel, panel_step, strips):
            left = rows - first
            e.call("turn", None, panel, panel_step, self.moved(matrix, first * step + first), step, count, left)
            e.call("strips", None, panel, panel_step, strips, e.const(DEPTH * self.high, int64), left, count)

    # LU

    def write_largest(self) -> None:
        """Write largest(row, start, stop): the first place of the largest absolute value; NaN counts as small."""
        e, kind, lanes = self.e, self.kind, self.lanes
        with e.function("largest", [("row", pointer), ("start", int64), ("stop", int64)], int64, internal=True) as given:
            row, start, stop = given
            best = e.variable(e.splat(e.const(-1.0, kind), lanes))
            where = e.variable(e.splat(e.cast(start, int64), lanes))
            for block in e.blocks(stop, lanes, start, carried=[best, where]):
                size = block.keep(e.math.abs(block.load(row, kind)), -1.0)
                more = size > best.value
                best.value = e.select(more, size, best.value)
                where.value = e.select(more, block.numbers(int64), where.value)
            self.first_of_largest(best.value, where.value)

    def first_of_largest(self, best: Value, where: Value) -> None:
        """Write the return of the place of the largest of the lanes, the first if several are."""
        e = self.e
        size, place = e.extract(best, 0), e.extract(where, 0)
        for lane in range(1, self.lanes):
            other, there = e.extract(best, lane), e.extract(where, lane)
            better = (other > size) | ((other == size) & (there < place))
            size, place = e.select(better, other, size), e.select(better, there, place)
        e.ret(place)

    def write_eliminate(self) -> None:
        """Write eliminate(panel, panel_step, at, count, length, first, pivots, info): the LU factors of one strip.

        Its columns are exchanged as pivots are found, those of other strips are not. A column of zeros is left as it is, and
        the first one told in `info`, counted from 1.
        """
        e = self.e
        parameters = [
            ("panel", pointer), ("panel_step", int64), ("at", int64), ("count", int64), ("length", int64),
            ("first", int64), ("pivots", pointer), ("info", pointer),
        ]  # fmt: skip
        with e.function("eliminate", parameters, internal=True) as (panel, step, at, count, length, first, pivots, info):
            rows = [self.moved(panel, (at + i) * step) for i in range(self.high)]
            for j in range(self.high):
                with e.when(count > j):
                    here = at + j
                    found = e.call("largest", int64, rows[j], here, length)
                    e.store(e.cast(found + first + 1, int32), pivots, here + first)
                    for row in rows:
                        self.exchange(row, here, found)
                    self.scale(rows, j, here, length, first, info)

    def exchange(self, row: Value, i: Value, j: Value) -> None:
        e, kind = self.e, self.kind
        x, y = e.load(row, kind, i), e.load(row, kind, j)
        e.store(y, row, i)
        e.store(x, row, j)

    def scale(self, rows: list[Value], j: int, here: Value, length: Value, first: Value, info: Value) -> None:
        """Write the division of row j by its pivot, and what the later rows lose."""
        e, kind = self.e, self.kind
        pivot = e.load(rows[j], kind, here)
        with e.if_else(pivot == 0) as (then, otherwise):
            with then, e.when(e.load(info, int32) == 0):
                e.store(e.cast(here + first + 1, int32), info)
            with otherwise:
                factors = [e.load(row, kind, here) for row in rows[j + 1 :]]
                for block in e.blocks(length, self.lanes, here + 1):
                    x = block.load(rows[j], kind) / e.splat(pivot, self.lanes)
                    block.store(x, rows[j])
                    for row, factor in zip(rows[j + 1 :], factors):
                        block.store(block.load(row, kind) - e.splat(factor, self.lanes) * x, row)

    def write_exchange(self) -> None:
        """Write exchange(panel, panel_step, start, stop, at, count, first, pivots): one strip's exchanges in other rows."""
        e = self.e
        parameters = [
            ("panel", pointer), ("panel_step", int64), ("start", int64), ("stop", int64),
            ("at", int64), ("count", int64), ("first", int64), ("pivots", pointer),
        ]  # fmt: skip
        function = e.function("exchange", parameters, internal=True)
        with function as (panel, step, start, stop, at, count, first, pivots), e.loop(stop, start) as i:
            row = self.moved(panel, i * step)
            with e.loop(at + count, at) as j:
                other = e.cast(e.load(pivots, int32, j + first), int64) - 1 - first
                self.exchange(row, j, other)

    def write_catch_up(self) -> None:
        """Write catch_up(panel, panel_step, at, length): a strip less what the strips before it take from it."""
        e, high = self.e, self.high
        parameters = [("panel", pointer), ("panel_step", int64), ("at", int64), ("length", int64)]
        with e.function("catch_up", parameters, internal=True) as (panel, step, at, length):
            strip = reserved(e, self.kind, DEPTH * high)
            rows = self.moved(panel, at * step)
            e.call("turn", None, rows, step, strip, e.index(high), e.index(high), at)
            with e.loop(at, 0, high) as q:
                here, left = self.moved(strip, q * high), self.moved(panel, q)
                triangle = self.moved(left, q * step)
                e.call("forward.unit.narrow", None, q, left, step, strip, e.index(high), triangle, here, here, e.index(high))
            e.call("turn", None, strip, e.index(high), rows, step, at, e.index(high))
            with e.loop(length, at, self.wide) as j:
                out, right = self.moved(rows, j), self.moved(panel, j)
                e.call("product", None, at, strip, e.index(high), right, step, strip, strip, out, step)

    def write_lu_panel(self) -> None:
        """Write lu.panel(…, pivots, info)."""
        e, high = self.e, self.high
        with e.function("lu.panel", [*PANEL, ("pivots", pointer), ("info", pointer)], internal=True) as (*given, pivots, info):
            _, _, rows, first, count, panel, step, _ = given
            length = rows - first
            e.call("take", None, *given)
            with e.loop(count, 0, high) as at:
                e.call("catch_up", None, panel, step, at, length)
                some = e.math.minimum(count - at, high)
                e.call("eliminate", None, panel, step, at, some, length, first, pivots, info)
                for start, stop in ((e.index(0), at), (at + high, count)):
                    e.call("exchange", None, panel, step, start, stop, at, some, first, pivots)
            e.call("give", None, *given)

    # Cholesky

    def write_root(self) -> None:
        """Write root(out, step, strip, count): the Cholesky factor of a small square, also as a strip's columns.

        Return 0, or the number from 1 of the first pivot that is not positive. Rows past `count` become those of the identity.
        """
        e, kind, high = self.e, self.kind, self.high
        parameters = [("out", pointer), ("step", int64), ("strip", pointer), ("count", int64)]
        with e.function("root", parameters, int64, internal=True) as (out, step, strip, count):
            rows = [self.moved(out, step * i if i else 0) for i in range(high)]
            values = {(i, j): e.load(rows[i], kind, j) for i in range(high) for j in range(i, high)}
            failed = e.index(0)
            for i in range(high):
                there = count > i
                pivot = e.select(there, values[i, i], e.const(1.0, kind))
                bad = e.invert(pivot > 0) & (failed == 0)
                failed = e.select(bad, e.index(i + 1), failed)
                root = e.math.sqrt(pivot)
                values[i, i] = root
                for j in range(i + 1, high):
                    values[i, j] = e.select(there, values[i, j] / root, e.const(0.0, kind))
                for j in range(i + 1, high):
                    for k in range(j, high):
                        values[j, k] = values[j, k] - values[i, j] * values[i, k]
            for (i, j), value in values.items():
                e.store(value, rows[i], j)
                e.store(value, strip, i * high + j)
            e.ret(failed)

    def write_cholesky_panel(self) -> None:
        """Write cholesky.panel(…, info); info is the order of the first leading minor that is not positive."""
        e, high = self.e, self.high
        with e.function("cholesky.panel", [*PANEL, ("info", pointer)], internal=True) as (*given, info):
            _, _, rows, first, count, panel, step, _ = given
            strip = reserved(e, self.kind, DEPTH * high)
            length = rows - first
            e.call("take", None, *given)
            with e.loop(count, 0, high) as at:
                line = self.moved(panel, at * step)
                here, corner = self.moved(strip, at * high), self.moved(line, at)
                e.call("strips", None, self.moved(panel, at), step, strip, e.index(0), e.index(high), at)
                small = (at, strip, e.index(high), self.moved(panel, at), step)
                e.call("product.narrow", None, *small, strip, strip, corner, step)
                failed = e.call("root", int64, corner, step, here, e.math.minimum(count - at, high))
                with e.when((failed != 0) & (e.load(info, int32) == 0)):
                    e.store(e.cast(first + at + failed, int32), info)
                with e.loop(length, at + high, self.wide) as j:
                    out, right = self.moved(line, j), self.moved(panel, j)
                    e.call("forward", None, at, strip, e.index(high), right, step, here, out, out, step)
            e.call("give", None, *given)
