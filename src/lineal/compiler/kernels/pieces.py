"""Reductions within a loop: the variables that hold results so far, and the pieces in which sums are rounded.

A long sum of float32 numbers, one after the other, loses a digit each time it grows tenfold. So at most `MOST` are added to
one number before it goes to a total in float64 and starts anew: hardly more instructions, and no digit is lost.

Squares of float32 numbers are added in float32 too, and once more in float64 where their sum says that some may have left the
range: lanes of float64 from the first number on would take twice the time.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.blocks import Block
from lineal.codegen.kinds import Kind, kind_of
from lineal.codegen.values import Value, Variable
from lineal.compiler.kernels.accesses import Axis
from lineal.compiler.kernels.elements import Elements
from lineal.compiler.nodes.node import Reduce

__all__ = ["Pieces", "adds"]

MOST = 32
"""How many numbers are added one after the other to one in float32."""

LEAST, INFINITE = (int(np.float64(each).view(np.uint64)) for each in (2.0**-100, math.inf))
"""The bits of the sum from which on no square was too small for float32 to matter, and of that at which some were too large."""

Index = dict[Axis, Value]
Parts = list[list[Variable]]
"""For each reduction the variables that hold parts of its result."""


def adds(node: Reduce) -> bool:
    """Return whether a reduction is a sum that is rounded."""
    return node.kind in ("add", "squares") and node.out.dtype.kind == "f"


class Pieces(Elements):
    """Writes the loops over reduced axes; `bounds` are the parts of axes that a thread, or a piece, walks."""

    bounds: dict[Axis, tuple[int | Value, int | Value]]
    quick: frozenset[Reduce] = frozenset()
    """The reductions whose terms are added in the kind of what they read, not in that of their results."""

    def parts(self, wide: int) -> Parts:
        """Return new variables, `wide` for each reduction, that begin with nothing."""
        return [[self.e.variable(self.start(node, self.lanes)) for _ in range(wide)] for node in self.reduces]

    def whole(self, node: Reduce, parts: list[Variable]) -> Value:
        """Return several partial results combined to one, which may have lanes."""
        values = [each.value for each in parts]
        while len(values) > 1:
            values = [self.combined(node, a, b) for a, b in zip(values[::2], values[1::2])] + values[len(values) // 2 * 2 :]
        return values[0]

    def results(
        self,
        block: Block,
        loops: Sequence[Axis],
        rounds: dict[Axis, int],
        index: Index,
        wide: int,
        write: Callable[[Index, Parts], None],
        last: Callable[[Reduce, Value], Value],
    ) -> list[Value]:
        """Return `last` of what `reduced` returns; for a block of columns, or a single number."""
        e, nodes = self.e, self.reduces
        self.quick = frozenset(node for node in nodes if self.may_repeat(node)) if rounds else frozenset()
        found = [last(node, total) for node, total in zip(nodes, self.reduced(loops, rounds, index, wide, write))]
        again = [n for n, node in enumerate(nodes) if node in self.quick]
        self.quick = frozenset()
        if not again:
            return found
        sums = [e.variable(found[n]) for n in again]
        doubts = [block.keep(self.leaves_range(each.value), False) for each in sums]
        with e.when(e.any(functools.reduce(operator.or_, doubts)), carried=sums):
            self.reduces, self.repeats = [nodes[n] for n in again], True
            for each, node, total in zip(sums, self.reduces, self.reduced(loops, rounds, index, wide, write)):
                each.value = last(node, total)
            self.reduces, self.repeats = nodes, False
        for n, each in zip(again, sums):
            found[n] = each.value
        return found

    def leaves_range(self, sums: Value) -> Value:
        """Return whether squares that were added up may have left the range of float32; one comparison of bits."""
        return self.e.bitcast(sums, kinds.uint64) - LEAST >= INFINITE - LEAST

    def may_repeat(self, node: Reduce) -> bool:
        """Return whether a reduction adds squares of float32 numbers that can be read once more.

        What the loop stores may lie where it has read, but not where memory is of one row.
        """
        if node.kind != "squares" or node.arg.buffer.dtype.itemsize >= node.out.dtype.itemsize or self.chosen:
            return False
        stored = [buffer for buffer in self.group.stored if buffer in self.made]
        return (node.arg.buffer in stored and self.here(node)) or self.local.issuperset(stored)

    def reduced(
        self, loops: Sequence[Axis], rounds: dict[Axis, int], index: Index, wide: int, write: Callable[[Index, Parts], None]
    ) -> list[Value]:
        """Write `write(index, parts)` in loops over some axes; return each reduction's result, which may have lanes.

        `rounds` says how many numbers go side by side along each of the reduced axes, of which the last may be left to `write`.
        """
        split = self.split_of(rounds)
        if split is None:
            parts = self.parts(wide)
            self.nest(loops, index, parts, write)
            return [self.e.cast(self.whole(node, row), kind_of(node.out.dtype)) for node, row in zip(self.reduces, parts)]
        axis, size = split
        totals = [[self.e.variable(self.widest(node, self.start(node, self.lanes)))] for node in self.reduces]
        before, within = self.around(loops, axis)

        def piece(inner: Index, totals: Parts) -> None:
            start, stop = self.bounds.get(axis, (0, axis.size))
            flat = [*(total for (total,) in totals), *self.carried()]
            with self.e.loop(stop, start, size, carried=flat) as first:
                parts = self.parts(wide)
                known = dict(self.bounds)
                self.bounds[axis] = first, self.e.math.minimum(first + size, stop)
                self.nest(within, inner, parts, write)
                self.bounds = known
                for node, (total,), row in zip(self.reduces, totals, parts):
                    total.value = self.combined(node, total.value, self.widest(node, self.whole(node, row)))

        self.nest(before, index, totals, piece)
        return [total.value for (total,) in totals]

    def around(self, loops: Sequence[Axis], axis: Axis) -> tuple[Sequence[Axis], Sequence[Axis]]:
        """Return the loops around an axis that is cut, and those from it on."""
        place = loops.index(axis) if axis in loops else len(loops)
        return loops[:place], loops[place:]

    def split_of(self, rounds: dict[Axis, int]) -> tuple[Axis, int] | None:
        """Return which axis is cut into pieces and how long they are; None if no sum is long.

        Code that serves many sizes has pieces of the last axis, however long that is now.
        """
        if not any(map(adds, self.reduces)) or not rounds:
            return None
        below, last = 1, next(reversed(rounds))
        for axis in reversed(rounds):
            count = -(-axis.size // rounds[axis])
            if below * count > MOST or (self.e.general and axis is last):
                return axis, max(1, MOST // below) * rounds[axis]
            below *= count
        return None

    def widest(self, node: Reduce, value: Value) -> Value:
        """Return a value in the kind in which the totals of a reduction are kept."""
        return self.e.cast(value, kinds.float64) if adds(node) else value

    def nest(self, loops: Sequence[Axis], index: Index, parts: Parts, write: Callable[[Index, Parts], None]) -> None:
        """Write `write(index, parts)` in loops over some axes that carry the parts."""
        flat = [each for row in parts for each in row]
        with ExitStack() as stack:
            inner = dict(index)
            for axis in loops:
                inner[axis] = stack.enter_context(self.loop(axis, [*flat, *self.carried()]))
            write(inner, parts)

    def loop(self, axis: Axis, carried: list[Variable]):
        """Write the loop over an axis, or over the part of it that is this thread's, or this piece's."""
        start, stop = self.bounds.get(axis, (0, axis.size))
        return self.e.loop(stop, start, carried=carried)

    def carried(self) -> list[Variable]:
        """Return what every loop may change."""
        return [] if self.failed is None else [self.failed]

    def term(self, node: Reduce, value: Value) -> Value:
        """Return what a reduction adds for an element."""
        value = self.e.cast(value, self.kind_within(node))
        return value * value if node.kind == "squares" else value

    def kind_within(self, node: Reduce) -> Kind:
        """Return the kind in which a reduction adds its terms."""
        return kind_of((node.arg.buffer if node in self.quick else node.out).dtype)
