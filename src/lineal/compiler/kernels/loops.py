"""Loops: the code of one group, and how it is split over threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack

from lineal.codegen import kinds
from lineal.codegen.blocks import Block
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int32, pointer
from lineal.codegen.parallel import shared
from lineal.codegen.values import Value
from lineal.compiler.kernels.accesses import Axis
from lineal.compiler.kernels.elements import placed
from lineal.compiler.kernels.partials import Partials
from lineal.compiler.kernels.pieces import Index, Parts, Pieces
from lineal.compiler.nodes.buffers import Buffer
from lineal.compiler.nodes.node import Reduce
from lineal.compiler.scheduling.cost import DIVISION, WORTH_THREADS, nanoseconds, of_formula
from lineal.compiler.scheduling.grouping import Group
from lineal.compiler.scheduling.rows import Rows

__all__ = ["LoopWriter", "parameters", "placed", "write_loop"]


def parameters(group: Group | Rows) -> list[Buffer]:
    """Return the buffers whose addresses the loop of a group takes, in order."""
    return list(dict.fromkeys((*group.external(), *group.stored)))


FEW = 4
"""Up to how many elements a loop has vectors for that very number of them."""


class LoopWriter(Pieces):
    """Writes the loops of one group: all of them, or those within a row."""

    def prepare(self) -> None:
        """Decide how wide vectors are, and start without bounds."""
        picks = [pick for each in self.chosen for pick in each.picks]
        alone = any(not self.inner or self.steps.get(pick.index, (0,))[-1] for pick in picks)
        self.lanes = 1 if alone else self.width()
        self.sums = self.outer > 0 and bool(self.group.axes) and self.group.axes[0] == 0  # type: ignore[index]
        self.total = math.prod(axis.size for axis in self.axes)
        self.bounds: dict[Axis, tuple[int | Value, int | Value]] = {}
        self.streamed = self.past_caches()
        self.side = 2 if any(of_formula(node.formula) >= DIVISION for node in self.maps) else 4
        """How many vectors go side by side: long formulas need registers of their own."""

    def width(self) -> int:
        """Return how many elements a vector of this loop has."""
        if not self.inner:
            return 1
        # what a reduction alone has in float64 takes two registers for one
        results = {node.out for node in self.reduces}
        buffers = (buffer for buffer in (*parameters(self.group), *self.made) if buffer not in results)
        floats = [each.computed for each in (kinds.kind_of(buffer.dtype) for buffer in buffers) if each.family == "f"]
        lanes = self.e.lanes(max(floats, key=lambda each: each.bits, default=kinds.float64))
        size = self.inner[-1].size
        # a type, which a number of lanes is part of, depends on no size
        return lanes if self.e.general and size > FEW else int(min(lanes, 1 << max(0, (size - 1).bit_length())))

    # the function

    def write(self, name: str) -> None:
        """Write the function `name`; its parameters are the addresses of `parameters(group)`."""
        e = self.e
        buffers = parameters(self.group)
        result = int32 if self.fallible else None
        with e.function(name, [(f"p{n}", pointer) for n in range(len(buffers))], result) as given:
            axis = self.split()
            status = e.slot(e.const(0, int32)) if self.fallible else None
            if axis is None:
                self.body(dict(zip(buffers, given)))
                self.note(status)
            elif axis.reduced:
                self.in_chunks(name, buffers, given, axis)
            else:
                self.in_parallel(name, buffers, given, axis, status)
            if status is not None:
                e.ret(e.load(status, int32))

    def note(self, status: Value | None) -> None:
        """Write a 1 where the status is kept if an index was out of range."""
        if status is not None and self.failed is not None:
            with self.e.when(self.failed.value):
                self.e.store(self.e.const(1, int32), status)

    def split(self) -> Axis | None:
        """Return the loop that is split over threads, if it is worth it, or into chunks, for sums to stay exact."""
        if not self.axes:
            return None
        first, general = self.axes[0], self.e.general
        if general and not self.e.spread:
            return None
        if first.reduced and not self.fallible and self.chunked():
            return first
        if nanoseconds(self.group) < WORTH_THREADS and not general:
            return None
        if not first.reduced:
            return first
        return max((axis for axis in self.axes if not axis.reduced), key=lambda axis: axis.size, default=None)

    def chunked(self) -> bool:
        """Return whether sums are made in chunks; code that serves many sizes may have a single one."""
        return Partials.count(self.reduces, self.total, wide=False) > 1 or (self.e.general and Partials.fit(self.reduces))

    def worth(self) -> Value | None:
        """Return whether several threads are worth it, if that is to be asked when the loop runs."""
        return self.e.decided(nanoseconds(self.group) >= WORTH_THREADS)

    def in_parallel(self, name: str, buffers: list[Buffer], given: tuple[Value, ...], axis: Axis, status: Value | None) -> None:
        """Write the loops with ranges of a kept axis on different threads."""

        def work(start: Value, stop: Value, *captured: Value) -> None:
            self.bounds = {axis: (start, stop)}
            self.body(dict(zip(buffers, captured)))
            self.note(captured[-1] if status is not None else None)

        captured = given if status is None else (*given, status)
        grain = self.lanes if axis is self.axes[-1] else 1
        shared(self.e, name, axis.size, captured, work, grain=grain, worth=self.worth())

    def in_chunks(self, name: str, buffers: list[Buffer], given: tuple[Value, ...], axis: Axis) -> None:
        """Write the loops with chunks of a reduced axis on different threads; their results are put together in order."""
        e, partials = self.e, Partials(self.e, self.reduces, self.combined, wide=False)
        self.wide = partials.kinds
        chunks = Partials.count(self.reduces, self.total, wide=False)
        size = -(-axis.size // chunks)
        memory = partials.reserve(chunks)

        def work(start: Value, stop: Value, *captured: Value) -> None:
            *known, memory = captured
            length = e.apart(size)
            with e.loop(stop, start) as chunk:
                addresses = dict(zip(buffers, known)) | partials.places(memory, chunk)
                last = e.math.minimum((chunk + 1) * length, axis.size)
                self.bounds = {axis: (chunk * length, last)}
                self.body(addresses)

        if nanoseconds(self.group) < WORTH_THREADS and not e.general:
            work(e.index(0), e.apart(chunks), *given, memory)
        else:
            shared(e, name, e.apart(chunks), (*given, memory), work, grain=1, worth=self.worth())
        partials.finish(memory, chunks, dict(zip(buffers, given)))

    def body(self, addresses: dict[Buffer, Value], rows: Sequence[Index] = ({},)) -> None:
        """Write the loops, for the rows where the outer ones stand if there are rows: several if they are only added up."""
        self.addresses = addresses
        e = self.e
        self.failed = e.variable(e.const(False, kinds.bool_)) if self.fallible else None
        kept = [axis for axis in self.inner if not axis.reduced]
        reduced = [axis for axis in self.inner if axis.reduced]
        inner_kept = bool(kept) and self.inner[-1] is kept[-1]
        outer = kept[:-1] if inner_kept else kept
        with ExitStack() as stack:
            walked = {axis: stack.enter_context(self.loop(axis, self.carried())) for axis in outer}
            found = [row | walked for row in rows]
            if inner_kept:
                self.across(found, kept[-1], reduced)
            else:
                for index in found:
                    self.along(index, reduced)
        if self.streamed:
            e.drain()

    def across(self, rows: Sequence[Index], axis: Axis, reduced: list[Axis]) -> None:
        """Write the loop over the last axis, which is kept, in vectors; inside, the loops over reduced axes."""
        e = self.e
        start, stop = self.bounds.get(axis, (0, axis.size))
        buffers = [{key: self.address(key, index) for key in self.strides} for index in rows]
        self.hold(buffers[0], [*(rows[0] if len(rows) > 1 else ()), axis, *reduced])
        long = axis.size >= 16 * self.lanes or e.general
        unroll = self.side if self.lanes > 1 and not reduced and long and len(self.maps) < 8 else 1
        for block in e.blocks(stop, self.lanes, start, unroll=unroll, carried=self.carried()):
            if self.reduces:
                self.down(block, rows, buffers, axis, reduced)
                continue
            for index, buffer in zip(rows, buffers):
                self.element(block, index, buffer, axis)

    def down(self, block: Block, rows: Sequence[Index], buffers: Sequence[dict], axis: Axis, reduced: list[Axis]) -> None:
        """Write the loops over reduced axes for some columns, which a block holds."""
        e, steps = self.e, {node: self.steps[node.out][-1] for node in self.reduces}

        def add(inner: Index, parts: Parts) -> None:
            for row, buffer in zip(rows, buffers):
                moved = {key: self.moved(key, buffer[key], inner, reduced) for key in self.strides}
                for node, (total,), value in zip(self.reduces, parts, self.element(block, inner | row, moved, axis)):
                    value = e.splat(self.term(node, value), block.lanes)
                    total.value = self.combined(node, total.value, value)

        rounds = dict.fromkeys(reduced, 1)
        found = self.results(block, reduced, rounds, rows[0], 1, add, lambda node, total: total)
        for node, total in zip(self.reduces, found):
            self.put(node, total, block, buffers[0][node.out], steps[node])

    def put(self, node: Reduce, value: Value, block: Block, address: Value, step: int) -> None:
        """Write a result, or combine it with that of the rows before."""
        kind = self.kind_at(node.out)
        if self.sums:
            value = self.combined(node, block.load(address, kind, step), value)
        block.store(value, address, kind, step)

    def along(self, index: dict[Axis, Value], reduced: list[Axis]) -> None:
        """Write the loops over reduced axes, the last in vectors, or, without any axis left, the single element."""
        e = self.e
        buffer = {key: self.address(key, index) for key in self.strides}
        single = Block(e, e.index(0), 1, None, 0)
        if not reduced:
            self.still = {}
            for node, value in zip(self.reduces, self.element(single, index, buffer, None)):
                value = self.combined(node, e.splat(self.start(node, 1), 1), self.term(node, value))
                self.put(node, value, single, buffer[node.out], 0)
            return
        last = reduced[-1]
        self.hold(buffer, reduced)
        wide = self.side if (last.size >= 8 * self.lanes or e.general) and len(reduced) == 1 and not self.fallible else 1

        def add(inner: Index, parts: Parts) -> None:
            moved = {key: self.moved(key, buffer[key], inner, reduced[:-1]) for key in self.strides}
            start, stop = self.bounds.get(last, (0, last.size))
            flat = [each for row in parts for each in row]
            for block in e.blocks(stop, self.lanes, start, unroll=wide, carried=[*flat, *self.carried()]):
                for node, row, value in zip(self.reduces, parts, self.element(block, inner, moved, last)):
                    total = row[block.turn % wide]
                    value = e.splat(self.term(node, value), block.lanes)
                    value = block.keep(value, e.splat(self.start(node, 1), block.lanes))
                    total.value = self.combined(node, total.value, value)

        rounds = dict.fromkeys(reduced, 1) | {last: self.lanes * wide}
        one = lambda node, total: e.reduce(total, lambda a, b: self.combined(node, a, b))
        for node, total in zip(self.reduces, self.results(single, reduced[:-1], rounds, index, wide, add, one)):
            self.put(node, total, single, buffer[node.out], 0)


def write_loop(e: Emitter, group: Group, name: str) -> bool:
    """Write the function of a group; return whether it returns a status."""
    writer = LoopWriter(e, group)
    writer.prepare()
    writer.write(name)
    return writer.fallible
