"""Partial results: each chunk of a loop has results of its own, which are put together in one fixed order.

How many chunks there are depends on sizes only, so that results do not depend on the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lineal.codegen import kinds
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int8, kind_of
from lineal.codegen.values import Value
from lineal.compiler.kernels.pieces import adds
from lineal.compiler.nodes.buffers import Buffer
from lineal.compiler.nodes.node import Reduce

__all__ = ["Partials", "reserved"]

CHUNK = 1 << 14
MOST = 512
MEMORY = 1 << 18
"""How many elements make a chunk, how many chunks there are at most, and how many bytes their results may have."""

ALIGNMENT = 64

Combine = Callable[[Reduce, Value, Value], Value]


def reserved(e: Emitter, nbytes: int) -> Value:
    """Return the address of so many bytes that belong to this call."""
    return e.stack(nbytes)


def bytes_of(node: Reduce, wide: bool = True) -> int:
    """Return the bytes of one chunk's result."""
    itemsize = kind_in(node, wide).itemsize
    return -(-math.prod(node.out.shape) * itemsize // ALIGNMENT) * ALIGNMENT


def kind_in(node: Reduce, wide: bool) -> Kind:
    """Return the kind of one chunk's result: sums in float64 if they are to be `wide`."""
    return kinds.float64 if wide and adds(node) else kind_of(node.out.dtype)


class Partials:
    """The results of several reductions, for each of several chunks; sums in float64 if they are to be `wide`."""

    def __init__(self, e: Emitter, reduces: Sequence[Reduce], combined: Combine, wide: bool = True):
        self.e = e
        self.reduces = reduces
        self.combined = combined
        self.kinds = {node.out: kind_in(node, wide) for node in reduces}
        self.offsets: list[int] = []
        self.size = 0
        for node in reduces:
            self.offsets.append(self.size)
            self.size += bytes_of(node, wide)

    @staticmethod
    def count(reduces: Sequence[Reduce], total: int, wide: bool = True) -> int:
        """Return how many chunks there are for so many elements; with 1 it is not worth it."""
        size = sum(bytes_of(node, wide) for node in reduces)
        return max(1, min(MOST, -(-total // CHUNK), MEMORY // max(size, 1))) if reduces else 1

    @staticmethod
    def fit(reduces: Sequence[Reduce]) -> bool:
        """Return whether results of a few chunks have the memory they may have."""
        return sum(bytes_of(node, wide=False) for node in reduces) <= MEMORY // 2

    def reserve(self, chunks: int) -> Value:
        """Return the memory for all chunks."""
        return reserved(self.e, self.size * chunks)

    def places(self, memory: Value, chunk: int | Value) -> dict[Buffer, Value]:
        """Return where the results of a chunk lie."""
        mine = self.e.offset(memory, chunk * self.size)
        return {node.out: self.e.offset(mine, start) for node, start in zip(self.reduces, self.offsets)}

    def clear(self, places: dict[Buffer, Value], start: Callable[[Reduce, int], Value]) -> None:
        """Write what the results of a chunk begin with."""
        for node in self.reduces:
            kind = self.kinds[node.out]
            for block in self.e.blocks(math.prod(node.out.shape), kind):
                block.store(start(node, block.lanes), places[node.out], kind)

    def finish(self, memory: Value, chunks: int, addresses: dict[Buffer, Value]) -> None:
        """Write the putting together of the chunks' results, first to last."""
        e = self.e
        for node, start in zip(self.reduces, self.offsets):
            kind, here = self.kinds[node.out], e.offset(memory, start)
            total_kind = kind_in(node, True)
            for block in e.blocks(math.prod(node.out.shape), kind):
                total = e.variable(e.cast(block.load(here, kind), total_kind))
                with e.loop(e.apart(chunks), 1, carried=[total]) as chunk:
                    more = block.load(e.address(here, chunk * self.size, int8), kind)
                    total.value = self.combined(node, total.value, more)
                block.store(total.value, addresses[node.out], kind_of(node.out.dtype))
