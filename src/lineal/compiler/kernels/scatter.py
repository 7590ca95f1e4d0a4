"""Scatters: the code that puts or adds elements where indices say, in order; threads share an axis along which targets move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.blocks import Block
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import float64, int32, int64, kind_of, pointer
from lineal.codegen.parallel import shared
from lineal.codegen.scatters import LEAST, PIECES, SHARE
from lineal.codegen.values import Value
from lineal.compiler.kernels.loops import parameters, placed
from lineal.compiler.kernels.partials import MEMORY, reserved
from lineal.compiler.nodes.buffers import Buffer, BufferView, Pick, dense
from lineal.compiler.nodes.node import Scatter
from lineal.compiler.scheduling.grouping import Group

__all__ = ["write_scatter"]

WORTH_THREADS = 1 << 16
"""From how many elements on a scatter is split over threads."""
SHORTEST = 4
"""How many elements go side by side at least."""
CACHE_LINE = 64

Bounds = dict[int, tuple[Value, Value]]


def write_scatter(e: Emitter, group: Group, name: str) -> bool:
    """Write the function of a scatter; return that it returns a status: whether an index was out of range."""
    (node,) = group.nodes
    assert isinstance(node, Scatter)
    buffers = parameters(group)
    with e.function(name, [(f"p{n}", pointer) for n in range(len(buffers))], int32) as given:
        addresses = dict(zip(buffers, given))
        for pick in node.picks:
            if not pick.sure:
                check(e, pick, addresses)
        axis, pieces = split(e, node), pieces_of(e, node)
        if pieces > 1:
            in_pieces(e, node, name, pieces, buffers, given)
        elif axis is None:
            loops(e, node, addresses)
        else:
            work = lambda start, stop, *known: loops(e, node, dict(zip(buffers, known)), {axis: (start, stop)})
            worth = e.decided(math.prod(node.source.shape) >= WORTH_THREADS)
            shared(e, name, node.source.shape[axis], given, work, grain=grain(node, axis), worth=worth)
        e.ret(e.const(0, int32))
    return True


def split(e: Emitter, node: Scatter) -> int | None:
    """Return the axis that is split over threads, if it is worth it.

    Along it targets move on, so that no two threads meet at one, and each gets what it is to get in order.
    """
    if not e.spread if e.general else math.prod(node.source.shape) < WORTH_THREADS:
        return None
    return max(free(node), key=lambda n: node.source.shape[n] // grain(node, n), default=None)


def free(node: Scatter) -> list[int]:
    """Return the axes along which targets move on, whatever the indices."""
    return [n for n, step in enumerate(node.target.strides) if step and node.source.shape[n] > 1]


def pieces_of(e: Emitter, node: Scatter) -> int:
    """Return into how many pieces a long sum into few places is cut, each with memory of its own; 1 if there are none."""
    out, count = node.out, math.prod(node.source.shape)
    if e.general or not node.adds or free(node) or out.dtype != np.float64 or out.strides != dense(out.shape):
        return 1
    return max(1, min(PIECES, count // max(LEAST, SHARE * math.prod(out.shape)), MEMORY // max(out.nbytes, 1)))


def in_pieces(e: Emitter, node: Scatter, name: str, pieces: int, buffers: list[Buffer], given: Sequence[Value]) -> None:
    """Write the sums of pieces on different threads, and what adds them up in order."""
    shape, count = node.source.shape, math.prod(node.out.shape)
    axis = shape.index(max(shape))
    length = -(-shape[axis] // pieces)

    def work(start: Value, stop: Value, *captured: Value) -> None:
        *known, memory = captured
        with e.loop(stop, start) as piece:
            totals = e.address(memory, piece * count, float64)
            for block in e.blocks(count, float64):
                # what any number is added to as it is, -0.0 too
                block.store(e.const(-0.0, float64), totals)
            begin = piece * length
            end = e.math.minimum(begin + length, shape[axis])
            loops(e, node, dict(zip(buffers, known)) | {node.out: totals}, {axis: (begin, end)})

    memory = reserved(e, pieces * node.out.nbytes)
    shared(e, name, pieces, (*given, memory), work, grain=1)
    out = given[buffers.index(node.out)]
    for block in e.blocks(count, float64):
        total = e.variable(block.load(out, float64))
        with e.loop(pieces, carried=[total]) as piece:
            total.value = total.value + block.load(e.address(memory, piece * count, float64), float64)
        block.store(total.value, out)


def grain(node: Scatter, axis: int) -> int:
    """Return how many steps along an axis a thread takes at least: those within one cache line."""
    return max(1, CACHE_LINE // (abs(node.target.strides[axis]) * node.out.dtype.itemsize))


def loops(e: Emitter, node: Scatter, addresses: dict[Buffer, Value], bounds: Bounds = {}) -> None:  # noqa: B006 - not written
    """Write the loops over the source, of some axes within bounds."""
    shape = node.source.shape
    ranges = [bounds.get(n, (0, size)) for n, size in enumerate(shape)]
    outer = ranges[:-1] if in_vectors(e, node) else ranges
    with ExitStack() as stack:
        index = [stack.enter_context(e.loop(stop, start)) for start, stop in outer]
        if outer is ranges:
            put(e, node, index, addresses)
        else:
            put_row(e, node, index, addresses, *ranges[-1])


def in_vectors(e: Emitter, node: Scatter) -> bool:
    """Return whether numbers that lie side by side go to places that do."""
    if not node.source.shape or node.target.strides[-1] != 1 or node.source.strides[-1] not in (0, 1):
        return False
    return not any(pick.index.strides[-1] for pick in node.picks) and (e.general or node.source.shape[-1] >= SHORTEST)


def check(e: Emitter, pick: Pick, addresses: dict[Buffer, Value]) -> None:
    """Write the return if an index is out of range; nothing has been put anywhere then."""
    failed = e.variable(e.const(False, kinds.bool_))
    view = narrowed(pick.index)
    *outer, last = view.shape or (1,)
    lanes = e.lanes(int64) if view.strides[-1:] == (1,) else 1
    with ExitStack() as stack:
        index = [stack.enter_context(e.loop(size, carried=[failed])) for size in outer]
        for block in e.blocks(last, lanes, carried=[failed]):
            _, good = placed(e, read_row(e, view, index, addresses, block), pick)
            failed.value = failed.value | e.any(block.keep(~good, False))
    with e.when(failed.value):
        e.ret(e.const(1, int32))
        e.begin(e.label("never"))


def narrowed(view: BufferView) -> BufferView:
    """Return a view that shows the same elements, each that is repeated along an axis once."""
    shape = tuple(1 if step == 0 and size else size for size, step in zip(view.shape, view.strides))
    return BufferView(view.buffer, shape, view.strides, view.offset)


def put(e: Emitter, node: Scatter, index: list[Value], addresses: dict[Buffer, Value]) -> None:
    """Write what is done with one element."""
    kind = kind_of(node.out.dtype)
    place = target(e, node, index, addresses)
    value = read(e, node.source, index, addresses)
    if node.adds:
        value = sum_of(e.load(place, kind), value)
    e.store(value, place, kind=kind)


def put_row(e: Emitter, node: Scatter, index: list[Value], addresses: dict[Buffer, Value], start: Any, stop: Any) -> None:
    """Write what is done with the elements along the last axis, in vectors."""
    kind = kind_of(node.out.dtype)
    place = target(e, node, index, addresses)
    for block in e.blocks(stop, e.lanes(kind.computed), start, unroll=2):
        value = read_row(e, node.source, index, addresses, block)
        if node.adds:
            value = sum_of(block.load(place, kind), value)
        block.store(value, place, kind)


def target(e: Emitter, node: Scatter, index: list[Value], addresses: dict[Buffer, Value]) -> Value:
    """Return the address that an element goes to; at the indices along all axes, or all but the last one."""
    kind = kind_of(node.out.dtype)
    place = moved(e, node.target, index, addresses[node.out])
    for pick in node.picks:
        number, _ = placed(e, read(e, pick.index, index, addresses), pick)
        place = e.address(place, number * pick.step, kind)
    return place


def sum_of(before: Value, value: Value) -> Value:
    """Return a sum; of bools whether one holds."""
    return before | value if before.kind.family == "b" else before + value


def read(e: Emitter, view: BufferView, index: list[Value], addresses: dict[Buffer, Value]) -> Value:
    """Return the element of a view at an index."""
    kind = kind_of(view.buffer.dtype)
    if view.buffer.source == "literal":
        return e.const(view.number, kind)
    return e.load(moved(e, view, index, addresses[view.buffer]), kind)


def read_row(e: Emitter, view: BufferView, index: list[Value], addresses: dict[Buffer, Value], block: Block) -> Value:
    """Return the elements of a view that a block along its last axis stands at."""
    kind = kind_of(view.buffer.dtype)
    if view.buffer.source == "literal":
        return e.const(view.number, kind.computed)
    return block.load(moved(e, view, index, addresses[view.buffer]), kind, sum(view.strides[-1:]))


def moved(e: Emitter, view: BufferView, index: list[Value], address: Value) -> Value:
    """Return the address of a view's element."""
    kind = kind_of(view.buffer.dtype)
    address = e.address(address, view.offset, kind)
    for number, step, size in zip(index, view.strides, view.shape):
        if step and size != 1:
            address = e.address(address, number * step, kind)
    return address
