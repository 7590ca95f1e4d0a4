"""Loops: the code of one group."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.blocks import Block
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int32, int64, kind_of, pointer
from lineal.codegen.parallel import parallel
from lineal.codegen.values import Value, Variable
from lineal.compiler.grouping import Group, inline, windows
from lineal.compiler.nodes import Base, Chosen, Map, Pick, Place, Reduce, Window

__all__ = ["parameters", "write_loop"]

WORTH_THREADS = 1 << 16
"""From how many elements on a loop is split over threads."""

NEUTRAL = {"add": lambda kind: 0, "multiply": lambda kind: 1, "maximum": lambda kind: lowest(kind), "minimum": lambda kind: highest(kind)}


def lowest(kind: Kind) -> Any:
    """Return the least number of a kind."""
    return -np.inf if kind.family == "f" else False if kind.family == "b" else np.iinfo(kind.dtype).min


def highest(kind: Kind) -> Any:
    """Return the greatest number of a kind."""
    return np.inf if kind.family == "f" else True if kind.family == "b" else np.iinfo(kind.dtype).max


def parameters(group: Group) -> list[Base]:
    """Return the bases whose addresses the loop of a group takes, in order."""
    return list(dict.fromkeys((*group.external(), *group.stored)))


class Axis:
    """One loop: its size, whether it is reduced over, which axis of the space it is (None if several)."""

    def __init__(self, size: int, reduced: bool, place: int | None):
        self.size = size
        self.reduced = reduced
        self.place = place


class LoopWriter:
    """Writes the function of one group."""

    def __init__(self, e: Emitter, group: Group):
        self.e = e
        self.group = group
        self.made = group.made()
        self.maps = [node for node in group.nodes if isinstance(node, Map)]
        self.reduces = [node for node in group.nodes if isinstance(node, Reduce)]
        self.pinned = {arg.axis for node in self.maps for arg in node.args if isinstance(arg, Place)}
        self.chosen = [arg for node in self.maps for arg in node.args if isinstance(arg, Chosen)]
        self.accesses: dict[Any, tuple[int, ...]] = {}
        self.collect()
        self.axes = self.collapsed()
        self.lanes = 1 if self.chosen else self.width()
        self.failed: Variable | None = None

    # what is accessed, and over which axes

    def collect(self) -> None:
        """List every access to memory with its strides over the space."""
        for node in self.group.nodes:
            for window in windows(node):
                if window.base.source != "literal" and not (window.base in self.made and inline(window, node)):
                    self.accesses[window] = window.strides
        for each in self.chosen:
            self.accesses[each] = each.window.strides
        for base in self.group.stored:
            if base in self.made:
                self.accesses[base] = base.strides
        for node in self.reduces:
            kept = iter(node.out.strides)
            self.accesses[node.out] = tuple(0 if n in node.axes else next(kept) for n in range(len(node.space)))

    def collapsed(self) -> list[Axis]:
        """Return the loops: axes of size 1 left out, neighbours merged where all accesses run through them in one stride."""
        space, reduced = self.group.space or (), self.group.axes or ()
        axes: list[Axis] = []
        steps: dict[Any, list[int]] = {key: [] for key in self.accesses}
        for n, size in enumerate(space):
            if size == 1:
                continue
            last = axes[-1] if axes else None
            if (
                last is not None
                and last.reduced == (n in reduced)
                and n not in self.pinned
                and last.place not in self.pinned
                and all(steps[key][-1] == given[n] * size for key, given in self.accesses.items())
            ):
                last.size, last.place = last.size * size, None
                for key, given in self.accesses.items():
                    steps[key][-1] = given[n]
                continue
            axes.append(Axis(size, n in reduced, n))
            for key, given in self.accesses.items():
                steps[key].append(given[n])
        self.steps = steps
        return axes

    def width(self) -> int:
        """Return how many elements a vector of this loop has."""
        if not self.axes:
            return 1
        floats = [base.dtype for base in (*parameters(self.group), *self.made) if base.dtype.kind == "f"]
        widest = max((each.itemsize for each in floats), default=8)
        return min(self.e.lanes(kinds.float32 if widest == 4 else kinds.float64), 1 << max(0, (self.axes[-1].size - 1).bit_length()))

    # the function

    def write(self, name: str) -> None:
        """Write the function `name`; its parameters are the addresses of `parameters(group)`."""
        e = self.e
        bases = parameters(self.group)
        result = int32 if self.chosen else None
        with e.function(name, [(f"p{n}", pointer) for n in range(len(bases))], result) as addresses:
            if self.splits():
                first = self.axes[0].size
                work = lambda start, stop, *given: self.body(dict(zip(bases, given)), start, stop)
                grain = self.lanes if len(self.axes) == 1 else 1
                total = int(np.prod([axis.size for axis in self.axes]))
                parallel(e, name, first, addresses, work, least=max(1, WORTH_THREADS * first // total), grain=grain)
            else:
                self.body(dict(zip(bases, addresses)), None, None)
            if self.failed is not None:
                e.ret(e.cast(self.failed.value, int32))

    def splits(self) -> bool:
        """Return whether the first loop is long enough for several threads."""
        total = int(np.prod([axis.size for axis in self.axes])) if self.axes else 0
        return total >= WORTH_THREADS and not self.axes[0].reduced and not self.chosen

    def body(self, addresses: dict[Base, Value], start: Value | None, stop: Value | None) -> None:
        """Write the loops, the first over range(start, stop) if given."""
        self.addresses = addresses
        e = self.e
        self.failed = e.variable(e.const(False, kinds.bool_)) if self.chosen else None
        kept = [axis for axis in self.axes if not axis.reduced]
        reduced = [axis for axis in self.axes if axis.reduced]
        inner_kept = bool(kept) and self.axes[-1] is kept[-1]
        outer = kept[:-1] if inner_kept else kept
        with ExitStack() as stack:
            index: dict[Axis, Value] = {}
            for axis in outer:
                bounds = (stop, start) if start is not None and axis is self.axes[0] else (axis.size, 0)
                index[axis] = stack.enter_context(e.loop(*bounds, carried=self.carried()))
            if inner_kept:
                self.across(index, kept[-1], reduced, start if kept[-1] is self.axes[0] else None, stop)
            else:
                self.along(index, reduced)

    def carried(self) -> list[Variable]:
        return [] if self.failed is None else [self.failed]

    def across(self, index: dict, axis: Axis, reduced: list[Axis], start: Value | None, stop: Value | None) -> None:
        """Write the loop over the last axis, which is kept, in vectors; inside, the loops over reduced axes."""
        e = self.e
        bounds = (axis.size, self.lanes, 0) if start is None else (stop, self.lanes, start)
        base = {key: self.address(key, index) for key in self.accesses}
        unroll = 4 if self.lanes > 1 and not reduced and axis.size >= 16 * self.lanes and len(self.maps) < 8 else 1
        for block in e.blocks(bounds[0], bounds[1], bounds[2], unroll=unroll, carried=self.carried()):
            if not self.reduces:
                self.element(block, index, base, axis)
                continue
            sums = [e.variable(self.start(node, block.lanes)) for node in self.reduces]
            with ExitStack() as stack:
                inner = dict(index)
                for each in reduced:
                    inner[each] = stack.enter_context(e.loop(each.size, carried=[*sums, *self.carried()]))
                moved = {key: self.moved(key, base[key], inner, reduced) for key in self.accesses}
                values = self.element(block, inner, moved, axis)
                for node, total in zip(self.reduces, sums):
                    total.value = self.combined(node, total.value, self.argument(node.arg, values, block, moved, axis, node))
            for node, total in zip(self.reduces, sums):
                block.store(total.value, base[node.out], kind_of(node.out.dtype), self.steps[node.out][-1])

    def along(self, index: dict, reduced: list[Axis]) -> None:
        """Write the loops over reduced axes, the last in vectors, or, without any axis left, the single element."""
        e = self.e
        base = {key: self.address(key, index) for key in self.accesses}
        if not reduced:
            block = Block(e, e.index(0), 1, None, e.index(1))
            values = self.element(block, index, base, None)
            for node in self.reduces:
                block.store(self.argument(node.arg, values, block, base, None, node), base[node.out], kind_of(node.out.dtype), 0)
            return
        last = reduced[-1]
        wide = 4 if self.lanes > 1 and last.size >= 8 * self.lanes and len(reduced) == 1 else 1
        sums = [[e.variable(self.start(node, self.lanes)) for _ in range(wide)] for node in self.reduces]
        flat = [each for row in sums for each in row]
        with ExitStack() as stack:
            inner = dict(index)
            for each in reduced[:-1]:
                inner[each] = stack.enter_context(e.loop(each.size, carried=[*flat, *self.carried()]))
            moved = {key: self.moved(key, base[key], inner, reduced[:-1]) for key in self.accesses}
            for turn, block in enumerate(e.blocks(last.size, self.lanes, unroll=wide, carried=[*flat, *self.carried()])):
                values = self.element(block, inner, moved, last)
                for node, row in zip(self.reduces, sums):
                    total = row[turn % wide]
                    value = e.splat(self.argument(node.arg, values, block, moved, last, node), block.lanes)
                    value = block.keep(value, e.splat(self.start(node, 1), block.lanes))
                    total.value = self.combined(node, total.value, value)
        for node, row in zip(self.reduces, sums):
            whole = row[0].value
            for each in row[1:]:
                whole = self.combined(node, whole, each.value)
            whole = e.reduce(whole, lambda a, b, node=node: self.combined(node, a, b))
            e.store(whole, base[node.out], kind=kind_of(node.out.dtype))

    # one element (or vector of them)

    def element(self, block: Block, index: dict, base: dict, axis: Axis | None) -> dict[Base, Value]:
        """Write the maps for the block's elements and store what is to be stored; return the values."""
        values: dict[Base, Value] = {}
        for node in self.maps:
            args = [self.operand(arg, values, block, index, base, axis, node) for arg in node.args]
            kind = kind_of(node.out.dtype)
            made = node.formula(self.e.math, *args)
            made = made if isinstance(made, Value) else self.e.const(made, kind)
            values[node.out] = made = self.e.cast(made, kind)
            if node.out in self.group.stored:
                block.store(made, base[node.out], kind, self.steps[node.out][-1] if axis is not None else 0)
        return values

    def operand(self, arg: Any, values: dict, block: Block, index: dict, base: dict, axis: Axis | None, node: Map) -> Value:
        """Return one argument of a map."""
        e = self.e
        if isinstance(arg, Place):
            here = next((each for each in self.axes if each.place == arg.axis), None)
            if here is None:
                return e.const(0, int64)
            return block.numbers(int64) if here is axis else index[here]
        if isinstance(arg, Chosen):
            return self.choose(arg, values, block, base, axis, node)
        return self.argument(arg, values, block, base, axis, node)

    def argument(self, window: Window, values: dict, block: Block, base: dict, axis: Axis | None, node: Any) -> Value:
        """Return the element (or vector) that a window shows: a number known now, a value made here, or from memory."""
        kind = kind_of(window.base.dtype)
        if window.base.source == "literal":
            return self.e.const(window.number, kind)
        if window.base in values and inline(window, node):
            return values[window.base]
        step = self.steps[window][-1] if axis is not None and self.steps[window] else 0
        return block.load(base[window], kind, step)

    def choose(self, arg: Chosen, values: dict, block: Block, base: dict, axis: Axis | None, node: Map) -> Value:
        """Return the element at indices read from memory; an index out of range is noted and 0 read in its place."""
        kind, address = kind_of(arg.window.base.dtype), base[arg]
        assert self.failed is not None
        for pick in arg.picks:
            index = self.argument(pick.index, values, block, base, axis, node)
            index, good = placed(self.e, index, pick)
            self.failed.value = self.failed.value | ~good
            address = self.e.address(address, index * pick.step, kind)
        return block.load(address, kind, self.steps[arg][-1] if axis is not None and self.steps[arg] else 0)

    def start(self, node: Reduce, lanes: int) -> Value:
        """Return what a reduction begins with."""
        kind = kind_of(node.out.dtype)
        return self.e.splat(self.e.const(NEUTRAL[node.kind](kind), kind), lanes)

    def combined(self, node: Reduce, a: Value, b: Value) -> Value:
        """Return two partial results combined."""
        if node.kind == "add":
            return a | b if a.kind.family == "b" else a + b
        return getattr(self.e.math, node.kind)(a, b)

    # addresses

    def address(self, key: Any, index: dict[Axis, Value]) -> Value:
        """Return where an access stands, given the indices of some loops."""
        window = key.window if isinstance(key, Chosen) else key
        base = window if isinstance(window, Base) else window.base
        offset = 0 if isinstance(window, Base) else window.offset
        here = self.addresses[base]
        kind = kind_of(base.dtype)
        if offset:
            here = self.e.address(here, offset, kind)
        return self.moved(key, here, index, list(index))

    def moved(self, key: Any, here: Value, index: dict[Axis, Value], axes: list[Axis]) -> Value:
        """Return an address moved along some loops."""
        base = key.window.base if isinstance(key, Chosen) else key if isinstance(key, Base) else key.base
        for axis in axes:
            step = self.steps[key][self.axes.index(axis)]
            if step:
                here = self.e.address(here, index[axis] * step, kind_of(base.dtype))
        return here


def placed(e: Emitter, index: Value, pick: Pick) -> tuple[Value, Value]:
    """Return an index counted from the front, 0 if it is out of range, and whether it is in range."""
    index = e.cast(index, int64)
    if pick.wraps:
        index = e.select(index < 0, index + pick.size, index)
    good = (index >= 0) & (index < pick.size)
    return e.select(good, index, 0), good


def write_loop(e: Emitter, group: Group, name: str) -> bool:
    """Write the function of a group; return whether it returns a status."""
    writer = LoopWriter(e, group)
    writer.write(name)
    return bool(writer.chosen)


