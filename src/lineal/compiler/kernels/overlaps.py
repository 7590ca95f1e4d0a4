"""Overlaps: whether memory that is written meets other memory, so that a program must not run.

Few pairs are compared one by one in straight code. Many, as of the parameters of a large model, are compared in loops over a
table: the code then grows with the number of arrays, not with that of pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64
from lineal.codegen.values import Value
from lineal.compiler.kernels.partials import reserved
from lineal.compiler.nodes.buffers import Buffer

__all__ = ["meeting"]

FEW = 64
"""How many pairs are compared in straight code at most."""


def meeting(e: Emitter, address: dict[Buffer, Value], ones: Sequence[Buffer], others: Sequence[Buffer]) -> Value | None:
    """Write whether the memory of one of `ones` meets that of a different one of `others`; None if there are no pairs."""
    pairs = [(a, b) for a in ones for b in others if a is not b]
    if not pairs:
        return None
    spans = {buffer: span(e, buffer, address[buffer]) for buffer in dict.fromkeys((*ones, *others))}
    if len(pairs) > FEW:
        return counted(e, [spans[buffer] for buffer in ones], [spans[buffer] for buffer in others]) != len(
            set(ones) & set(others)
        )
    found = None
    for one, other in pairs:
        (a, b), (c, d) = spans[one], spans[other]
        meet = (a < d) & (c < b)
        found = meet if found is None else found | meet
    return found


def span(e: Emitter, buffer: Buffer, place: Value) -> tuple[Value, Value]:
    """Return the addresses between which the elements of a buffer lie."""
    ways = [(size - 1) * step * buffer.dtype.itemsize for size, step in zip(buffer.shape, buffer.strides)]
    first, last = sum(way for way in ways if way < 0), sum(way for way in ways if way > 0)
    return e.offset(place, first), e.offset(place, last + buffer.dtype.itemsize)


def counted(e: Emitter, ones: Sequence[tuple[Value, Value]], others: Sequence[tuple[Value, Value]]) -> Value:
    """Write how many of the pairs of spans meet, each of which meets itself."""
    lanes = e.lanes(int64)
    nowhere = (e.const(0, int64), e.const(0, int64))
    padded = [*others, *[nowhere] * (-len(others) % lanes)]
    starts, stops = table(e, [start for start, _ in padded]), table(e, [stop for _, stop in padded])
    firsts, lasts = table(e, [start for start, _ in ones]), table(e, [stop for _, stop in ones])
    total = e.variable(e.splat(e.const(0, int64), lanes))
    with e.loop(len(ones), carried=[total]) as i:
        first, last = (e.splat(e.load(each, int64, i), lanes) for each in (firsts, lasts))
        with e.loop(len(padded), 0, lanes, carried=[total]) as j:
            start, stop = (e.load(each, int64, j, lanes) for each in (starts, stops))
            total.value = total.value + e.select((first < stop) & (start < last), 1, 0)
    return e.reduce(total.value, lambda a, b: a + b)


def table(e: Emitter, values: Sequence[Value]) -> Value:
    """Write addresses into memory of this call, one after the other, where they may be read as numbers."""
    memory = reserved(e, len(values) * int64.itemsize)
    for n, value in enumerate(values):
        e.store(value, memory, n)
    return memory
