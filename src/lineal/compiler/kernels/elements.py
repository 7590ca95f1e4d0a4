"""The elements of a loop: what a group computes at one place, or in the lanes of one vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.blocks import Block
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, float64, int32, int64, kind_of
from lineal.codegen.memory import STREAM_ALIGNMENT
from lineal.codegen.values import Value, Variable
from lineal.compiler.kernels.accesses import Accesses, Axis
from lineal.compiler.nodes.buffers import Buffer, BufferView, Chosen, Pick, Place, RunSum
from lineal.compiler.nodes.node import Map, Reduce
from lineal.compiler.scheduling.grouping import inline

__all__ = ["Elements", "placed"]

STREAMED = 1 << 24
"""From how many bytes on a result is written past the caches, which it would not fit in."""

NEUTRAL = {
    "add": lambda kind: 0,
    "squares": lambda kind: 0,
    "multiply": lambda kind: 1,
    "maximum": kinds.lowest,
    "minimum": kinds.highest,
}


class Elements(Accesses):
    """Writes what a group computes for one block; `axis` is the loop whose lanes the block holds, None for a single element."""

    lanes: int
    failed: Variable | None = None
    still: dict[BufferView, Value]
    """What stays the same along the inner loops, and is read before them."""
    streamed: frozenset[Buffer] = frozenset()
    """The results that are written past the caches."""
    repeats: bool = False
    """Whether the loop runs once more: what it has stored is read."""

    def element(self, block: Block, index: dict[Axis, Value], buffer: dict[Any, Value], axis: Axis | None) -> list[Value]:
        """Write the maps for the block's elements and store what is to be stored; return what the reductions reduce.

        What they read from memory is read first: a map may be stored right there.
        """
        values: dict[Buffer, Value] = {}
        found = [None if self.here(each) else self.argument(each.arg, {}, block, buffer, axis, each) for each in self.reduces]
        for node in self.maps:
            if self.repeats and node.out in self.group.stored:
                values[node.out] = block.load(buffer[node.out], kind_of(node.out.dtype), self.step(node.out, axis))
                continue
            args = [self.operand(arg, values, block, index, buffer, axis, node) for arg in node.args]
            kind = kind_of(node.out.dtype)
            made = node.formula(self.e.math, *args)
            made = made if isinstance(made, Value) else self.e.const(made, kind.computed)
            values[node.out] = rounded = self.e.rounded(made, kind)
            # what is stored as half precision is rounded on the way; LLVM would not see that to round again changes nothing
            made = made if kind.is_narrow else rounded
            if node.out in self.streamed and block.mask is None:
                self.e.stream(self.e.splat(made, block.lanes), self.e.address(buffer[node.out], block.index, kind))
            elif node.out in self.group.stored:
                block.store(made, buffer[node.out], kind, self.step(node.out, axis))
        return [values[node.arg.buffer] if value is None else value for node, value in zip(self.reduces, found)]

    def hold(self, buffer: dict[Any, Value], loops: Sequence[Axis]) -> None:
        """Read what stays the same along some loops, which are about to be written."""
        self.still = {}
        for key, steps in self.steps.items():
            if not isinstance(key, BufferView) or key.buffer in self.group.stored or not key.buffer.nbytes:
                continue
            if all(steps[self.axes.index(axis)] == 0 for axis in loops):
                self.still[key] = self.e.load(buffer[key], kind_of(key.buffer.dtype))

    def past_caches(self) -> frozenset[Buffer]:
        """Return the results that no cache holds, and that whole vectors make which begin where such may be streamed."""
        if not self.e.streams or self.lanes == 1 or self.reduces or self.local:
            return frozenset()
        stored = [node.out for node in self.maps if node.out in self.group.stored]
        return frozenset(each for each in stored if each.nbytes >= STREAMED and self.begins_aligned(each))

    def begins_aligned(self, buffer: Buffer) -> bool:
        """Return whether all rows of a buffer of floating numbers begin where a streamed vector may."""
        *outer, last = self.steps[buffer]
        aligned = all(step * buffer.dtype.itemsize % STREAM_ALIGNMENT == 0 for step in outer)
        return buffer.dtype in (np.float32, np.float64) and last == 1 and aligned

    def here(self, node: Reduce) -> bool:
        """Return whether a reduction reads what the loop makes, where it makes it."""
        return node.arg.buffer in self.made and inline(node.arg, node)

    def step(self, key: Any, axis: Axis | None) -> int:
        """Return how far an access moves from lane to lane."""
        return self.steps[key][-1] if axis is not None and self.steps[key] else 0

    def operand(self, arg: Any, values: dict, block: Block, index: dict, buffer: dict, axis: Axis | None, node: Map) -> Value:
        """Return one argument of a map."""
        if isinstance(arg, Place):
            here = next((each for each in self.axes if each.place == arg.axis), None)
            if here is None:
                return self.e.const(0, int64)
            return block.numbers(int64) if here is axis else index[here]
        if isinstance(arg, Chosen):
            return self.choose(arg, values, block, buffer, axis, node)
        if isinstance(arg, RunSum):
            return self.run_sum(arg, block, buffer, axis)
        return self.argument(arg, values, block, buffer, axis, node)

    def argument(self, view: BufferView, values: dict, block: Block, buffer: dict, axis: Axis | None, node: Any) -> Value:
        """Return the element (or vector) that a view shows: a number known now, a value made here, or from memory."""
        kind = kind_of(view.buffer.dtype)
        if view.buffer.source == "literal":
            return self.e.const(view.number, kind.computed)
        if view.buffer in values and inline(view, node):
            return values[view.buffer]
        if view in self.still:
            return self.still[view]
        return block.load(buffer[view], kind, self.step(view, axis))

    def choose(self, arg: Chosen, values: dict, block: Block, buffer: dict, axis: Axis | None, node: Map) -> Value:
        """Return the element at indices read from memory; an index out of range is noted and 0 read in its place."""
        kind, address = kind_of(arg.view.buffer.dtype), buffer[arg]
        for pick in arg.picks:
            index = self.argument(pick.index, values, block, buffer, axis, node)
            index, good = placed(self.e, index, pick)
            if not pick.sure:
                assert self.failed is not None
                self.failed.value = self.failed.value | ~good
            address = self.e.address(address, index * pick.step, kind)
        return block.load(address, kind, self.step(arg, axis))

    def run_sum(self, arg: RunSum, block: Block, buffer: dict, axis: Axis | None) -> Value:
        """Return the sum of the elements of a run: of floats in float64, rounded once."""
        e, kind = self.e, kind_of(arg.view.buffer.dtype)
        source, order, starts = (buffer[each] for each in arg.views)
        begin, end = (e.cast(e.load(starts, int32, n), int64) for n in range(2))
        wide = float64 if kind.family == "f" else kind
        total = e.variable(e.splat(e.const(0, wide), block.lanes))
        with e.loop(end, begin, carried=[total]) as k:
            place = e.address(source, e.cast(e.load(order, int32, k), int64) * arg.step, kind)
            total.value = total.value + e.cast(block.load(place, kind, self.step(arg.view, axis)), wide)
        return e.cast(total.value, kind)

    def start(self, node: Reduce, lanes: int) -> Value:
        """Return what a reduction begins with."""
        kind = self.kind_within(node)
        return self.e.splat(self.e.const(NEUTRAL[node.kind](kind), kind), lanes)

    def kind_within(self, node: Reduce) -> Kind:
        """Return the kind in which a reduction combines its terms."""
        return kind_of(node.out.dtype)

    def combined(self, node: Reduce, a: Value, b: Value) -> Value:
        """Return two partial results combined."""
        if node.kind in ("add", "squares"):
            return a | b if a.kind.family == "b" else a + b
        return getattr(self.e.math, node.kind)(a, b)


def placed(e: Emitter, index: Value, pick: Pick) -> tuple[Value, Value]:
    """Return an index counted from the front, 0 if it is out of range, and whether it is in range."""
    index = e.cast(index, int64)
    if pick.wraps:
        index = e.select(index < 0, index + pick.size, index)
    good = (index >= 0) & (index < pick.size)
    return e.select(good, index, 0), good
