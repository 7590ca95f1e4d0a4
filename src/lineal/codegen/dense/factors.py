"""LU and Cholesky factors of whole matrices: panel after panel, what is right of it split over the threads.

While the other threads still subtract one panel's products, the first to come does so for the columns of the next panel and
factors it, so that nobody waits for panels. (Kurzak and Dongarra, 2007, call it lookahead.)
"""

from __future__ import annotations

from lineal.codegen.dense.panels import Panels
from lineal.codegen.dense.tiles import DEPTH, PANELS, reserved
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.parallel import tasks
from lineal.codegen.values import Value

__all__ = ["Factors"]

# what a program is given: the matrix, memory for a panel, and for the strips of two
LU = [
    ("matrix", pointer), ("step", int64), ("rows", int64), ("columns", int64), ("width", int64), ("pivots", pointer),
    ("info", pointer), ("panel", pointer), ("panel_step", int64), ("strips", pointer), ("others", pointer),
]  # fmt: skip
CHOLESKY = [
    ("source", pointer), ("source_step", int64), ("matrix", pointer), ("size", int64), ("width", int64), ("info", pointer),
    ("panel", pointer), ("panel_step", int64), ("strips", pointer), ("others", pointer),
]  # fmt: skip


class Factors(Panels):
    """Writes the factorisations."""

    def write(self) -> None:
        super().write()
        self.write_lu_stripe()
        self.write_lu()
        self.write_cholesky_stripe()
        self.write_cholesky()

    def pieces(self, count: Value, width: Value) -> Value:
        """Return how many pieces of this width make up the whole."""
        return self.e.math.floor_divide(count + width - 1, width)

    def small(self, count: Value) -> Value:
        """Return the columns of the next panel, `count` columns being left."""
        return self.e.math.minimum(count, DEPTH)

    @property
    def strip(self) -> Value:
        return self.e.index(DEPTH * self.high)

    def after(self, strips: Value, count: Value) -> Value:
        """Return where the strips below `count` rows begin."""
        return self.moved(strips, self.e.bits("ashr", count, self.strip_shift) * self.strip)

    # LU

    def write_lu_stripe(self) -> None:
        """Write lu.stripe: some columns right of a panel get its exchanges, its U, and lose its products."""
        e = self.e
        parameters = [
            ("matrix", pointer), ("step", int64), ("rows", int64), ("first", int64), ("count", int64),
            ("pivots", pointer), ("strips", pointer), ("start", int64), ("stop", int64),
        ]  # fmt: skip
        with e.function("lu.stripe", parameters, internal=True) as given:
            matrix, step, rows, first, count, pivots, strips, start, stop = given
            right = reserved(e, self.kind, PANELS * DEPTH * self.wide)
            with e.loop(stop, start, PANELS * self.wide) as j:
                columns = e.math.minimum(stop - j, PANELS * self.wide)
                top, below = self.moved(matrix, first * step + j), first + count
                e.call("swap", None, self.moved(matrix, j), step, pivots, first, count, columns)
                e.call("solve.forward.unit", None, count, strips, self.strip, right, top, step, columns)
                rest = self.moved(matrix, below * step + j)
                e.call("sweep", None, count, self.after(strips, count), self.strip, rows - below, right, rest, step, columns)

    def write_lu(self) -> None:
        """Write lu(matrix, …): the factors in place, the exchanged rows from 1, and info as LAPACK has it."""
        e = self.e
        with e.function("lu", LU) as (matrix, step, rows, columns, width, pivots, info, panel, panel_step, strips, others):
            order = e.math.minimum(rows, columns)
            work = (panel, panel_step, strips, pivots, info)
            e.call("lu.panel", None, matrix, step, rows, e.index(0), self.small(order), *work)
            now, then = e.variable(strips), e.variable(others)
            with e.loop(order, 0, DEPTH, carried=[now, then]) as first:
                count = self.small(order - first)
                ahead = self.small(order - first - count)
                start = first + count + ahead
                right = self.pieces(columns - start, width)
                captured = (
                    matrix, step, rows, columns, width, pivots, info, panel, panel_step,
                    now.value, then.value, first, count, ahead, right,
                )  # fmt: skip
                tasks(e, "lu", right + self.pieces(first, width) + 1, captured, self.lu_task)
                now.value, then.value = then.value, now.value

    def lu_task(self, number, matrix, step, rows, columns, width, pivots, info, panel, panel_step, *rest) -> None:
        """Write one task: the next panel, a stripe to the right of it, or the exchanges in a stripe to the left."""
        e = self.e
        strips, others, first, count, ahead, right = rest
        stripe = (matrix, step, rows, first, count, pivots, strips)
        next_ = first + count
        with e.if_else(number == 0) as (then, otherwise):
            with then, e.when(ahead > 0):
                e.call("lu.stripe", None, *stripe, next_, next_ + ahead)
                e.call("lu.panel", None, matrix, step, rows, next_, ahead, panel, panel_step, others, pivots, info)
            with otherwise, e.if_else(number <= right) as (is_right, is_left):
                with is_right:
                    start = next_ + ahead + (number - 1) * width
                    e.call("lu.stripe", None, *stripe, start, e.math.minimum(start + width, columns))
                with is_left:
                    start = (number - right - 1) * width
                    some = e.math.minimum(first - start, width)
                    e.call("swap", None, self.moved(matrix, start), step, pivots, first, count, some)

    # Cholesky

    def write_cholesky_stripe(self) -> None:
        """Write cholesky.stripe: some columns right of a panel lose its products, from the diagonal on."""
        e, kind = self.e, self.kind
        parameters = [
            ("matrix", pointer), ("step", int64), ("rows", int64), ("first", int64), ("count", int64),
            ("strips", pointer), ("start", int64), ("stop", int64),
        ]  # fmt: skip
        with e.function("cholesky.stripe", parameters, internal=True) as given:
            matrix, step, rows, first, count, strips, start, stop = given
            right = reserved(e, kind, PANELS * DEPTH * self.wide)
            with e.loop(stop, start, PANELS * self.wide) as j:
                columns = e.math.minimum(stop - j, PANELS * self.wide)
                left = self.after(strips, j - first)
                with e.loop(columns, 0, self.high) as c, e.loop(count) as q:
                    strip = self.moved(left, e.bits("ashr", c, self.strip_shift) * self.strip)
                    at = e.math.floor_divide(c, self.wide)
                    to = self.moved(right, at * (DEPTH * self.wide) + (c - at * self.wide) + q * self.wide)
                    e.store(e.load(self.moved(strip, q * self.high), kind, 0, self.high), to)
                under = self.moved(matrix, j * step + j)
                e.call("sweep", None, count, left, self.strip, rows - j, right, under, step, columns)

    def write_cholesky(self) -> None:
        """Write cholesky(source, …): the lower triangular factor in a matrix of its own, zeros above; info as LAPACK has it."""
        e = self.e
        with e.function("cholesky", CHOLESKY) as (source, source_step, matrix, size, width, info, panel, panel_step, *two):
            self.copy_lower(source, source_step, matrix, size)
            work = (panel, panel_step, two[0], info)
            e.call("cholesky.panel", None, matrix, size, size, e.index(0), self.small(size), *work)
            now, then = e.variable(two[0]), e.variable(two[1])
            with e.loop(size, 0, DEPTH, carried=[now, then]) as first:
                count = self.small(size - first)
                ahead = self.small(size - first - count)
                captured = (matrix, size, width, info, panel, panel_step, now.value, then.value, first, count, ahead)
                right = self.pieces(size - first - count - ahead, width)
                with e.when((e.load(info, int32) == 0) & (ahead > 0)):
                    tasks(e, "cholesky", right + 1, captured, self.cholesky_task)
                now.value, then.value = then.value, now.value
            tasks(e, "cholesky.upper", self.pieces(size, e.index(DEPTH)), (matrix, size), self.clear_upper)

    def copy_lower(self, source: Value, source_step: Value, matrix: Value, size: Value) -> None:
        e = self.e

        def body(number, source, source_step, matrix, size):
            with e.loop(e.math.minimum(number * DEPTH + DEPTH, size), number * DEPTH) as i:
                self.copy_row(self.moved(source, i * source_step), self.moved(matrix, i * size), i + 1)

        tasks(e, "cholesky.copy", self.pieces(size, e.index(DEPTH)), (source, source_step, matrix, size), body)

    def clear_upper(self, number: Value, matrix: Value, size: Value) -> None:
        """Write zeros above the diagonal, for some rows."""
        e = self.e
        with e.loop(e.math.minimum(number * DEPTH + DEPTH, size), number * DEPTH) as i:
            e.call("clear", None, self.moved(matrix, i * size + i + 1), size, e.index(1), size - i - 1)

    def cholesky_task(self, number, matrix, size, width, info, panel, panel_step, strips, others, first, count, ahead) -> None:
        """Write one task: the next panel, or a stripe to the right of it."""
        e = self.e
        stripe, next_ = (matrix, size, size, first, count, strips), first + count
        with e.if_else(number == 0) as (then, otherwise):
            with then:
                e.call("cholesky.stripe", None, *stripe, next_, next_ + ahead)
                e.call("cholesky.panel", None, matrix, size, size, next_, ahead, panel, panel_step, others, info)
            with otherwise:
                start = next_ + ahead + (number - 1) * width
                e.call("cholesky.stripe", None, *stripe, start, e.math.minimum(start + width, size))
