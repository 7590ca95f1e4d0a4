"""Remaking: what is cheap to compute of an array that lies in memory anyway is computed where it is read, and not stored.

A forward pass leaves to the backward pass what it has: x - mean, and that times a scale, are as large as x itself. Each would
be written, kept until it is read, and read. Made again from x, it takes a few operations beside a read of as many bytes. Small
arrays stay in the caches, where that is no gain. A routine finds in memory what it reads: what only a distant one reads is made
again just before it, so that nothing holds the memory in between.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from lineal.compiler.nodes.buffers import Buffer, BufferView, dense
from lineal.compiler.nodes.node import Join, Map, Node, Reduce, Routine
from lineal.compiler.scheduling.copies import whole
from lineal.compiler.scheduling.cost import SIMPLE, of_formula
from lineal.compiler.scheduling.grouping import Group, inline, views
from lineal.compiler.scheduling.rows import Rows

__all__ = ["remade"]

LEAST = 1 << 19
"""How many bytes an array has that is worth it: smaller ones stay in the caches."""
CHEAP = 8 * SIMPLE
"""How long it takes at most for each element, in nanoseconds; reading takes about as long."""
SMALL = 8
"""How many times as many elements as a small argument's there are."""
DISTANT, LEAST_DISTANT = 16, 1 << 21
"""How many loops later a routine reads an array that is made again for it, and how many bytes that has at least."""
DEEPEST = 6
"""How many maps are made again, one of another, to make one."""


class Remaking:
    """Who makes and who reads what, and what may be made again."""

    def __init__(self, rows: Sequence[Rows], wanted: Iterable[Buffer], numbers: Iterator[int]):
        self.rows, self.wanted, self.numbers = rows, set(wanted), numbers
        self.homes: dict[Buffer, Rows] = {}
        self.makers: dict[Buffer, Node] = {}
        self.readers: dict[Buffer, list[tuple[Rows, Node, BufferView | None]]] = {}
        for each in rows:
            for node in each.nodes:
                for buffer in node.writes:
                    self.makers[buffer], self.homes[buffer] = node, each
                shown = [*views(node)]
                for view in shown:
                    self.readers.setdefault(view.buffer, []).append((each, node, view))
                for buffer in {*node.reads}.difference(view.buffer for view in shown):
                    self.readers.setdefault(buffer, []).append((each, node, None))
        self.given = {buffer: maker.args for buffer, maker in self.makers.items() if isinstance(maker, Map)}
        self.known: dict[Buffer, bool] = {}
        """What was decided of buffers."""
        self.stored: set[Buffer] = set()
        """Of what is made again, what lies in memory for those who read it soon."""
        self.made: dict[tuple[int, Buffer], Buffer] = {}

    def again(self, buffer: Buffer, depth: int = DEEPEST) -> bool:
        """Return whether a buffer is made again wherever it is read, but in the rows in which it is made."""
        if buffer not in self.known:
            self.known[buffer] = False
            self.known[buffer] = (
                self.is_cheap(buffer) and self.is_read_in_place(buffer) and self.is_made_of_memory(buffer, depth)
            )
        return self.known[buffer]

    def is_cheap(self, buffer: Buffer) -> bool:
        """Return whether a buffer is large, made by a map of few operations, and nobody's but the program's."""
        maker = self.makers.get(buffer)
        if not isinstance(maker, Map) or maker.after or buffer.inside is not None or buffer in self.wanted:
            return False
        return buffer.nbytes >= LEAST and of_formula(maker.formula) <= CHEAP

    def is_read_in_place(self, buffer: Buffer) -> bool:
        """Return whether all others read each element of a buffer where their loops stand, or are soon, or distant routines."""
        home = self.homes[buffer]
        others = [given for given in self.readers.get(buffer, ()) if given[0] is not home]
        elsewhere = [given for given in others if given[2] is None or not inline(given[2], given[1])]
        if not elsewhere:
            return True
        distant = [given for given in elsewhere if given[0].number - home.number >= DISTANT]
        if not distant or buffer.nbytes < LEAST_DISTANT:
            return False
        if any(view is None or not isinstance(node, Routine) for _, node, view in distant):
            return False
        self.stored.add(buffer)
        return True

    def is_made_of_memory(self, buffer: Buffer, depth: int) -> bool:
        """Return whether what a buffer is made of is small, but for one array that lies in memory or can be made again."""
        maker = self.makers[buffer]
        assert isinstance(maker, Map)
        if not all(isinstance(arg, BufferView) for arg in self.given[buffer]):
            return False
        large = [arg for arg in self.given[buffer] if isinstance(arg, BufferView) and is_large(arg)]
        if len({each.buffer for each in large}) > 1:
            return False
        return all(in_order(each) and self.is_at_hand(each, buffer, maker, depth) for each in large)

    def is_at_hand(self, arg: BufferView, buffer: Buffer, maker: Map, depth: int) -> bool:
        """Return whether an argument of what makes a buffer lies in memory, or can be made again where that is."""
        return self.lies(arg.buffer, buffer) or (depth > 0 and inline(arg, maker) and self.again(arg.buffer, depth - 1))

    def lies(self, buffer: Buffer, of: Buffer) -> bool:
        """Return whether a buffer that another is made of has memory of the program's, which holds no more bytes than that."""
        maker = self.makers.get(buffer)
        # a block that parts are put into may be given away to a later one
        if maker is None or isinstance(maker, Join) or buffer.inside is not None or buffer.nbytes > of.nbytes:
            return False
        if not isinstance(maker, Map) or buffer in self.wanted:
            return True
        elsewhere = any(each is not self.homes[buffer] for each, _, _ in self.readers.get(buffer, ()))
        return elsewhere and not self.again(buffer)

    def replace(self) -> list[Rows]:
        """Let each group make again what it reads of others, and leave out what nobody reads any more; return the rows."""
        for buffer in self.given:
            # before arguments are others
            self.again(buffer)
        ahead: dict[int, list[Rows]] = {}
        for each in self.rows:
            for group in each.groups:
                if group.space is not None:
                    group.nodes = [part for node in group.nodes for part in self.following(node, each, group)]
                elif isinstance(group.nodes[0], Routine):
                    ahead[each.number] = list(self.before(group.nodes[0], each))
        self.rows = [one for each in self.rows for one in (*ahead.get(each.number, ()), each)]
        live = set(self.wanted)
        for each in reversed(self.rows):
            for group in reversed(each.groups):
                kept = []
                for node in reversed(group.nodes):
                    if isinstance(node, Map) and self.known.get(node.out) and node.out not in live:
                        continue
                    kept.append(node)
                    live.update(node.reads)
                group.nodes = kept[::-1]
                group.elements = {node.out for node in group.nodes if isinstance(node, Map)}
            each.groups = [group for group in each.groups if group.nodes]
        left = [each for each in self.rows if each.groups]
        for number, each in enumerate(left):
            each.number = number
        return left

    def following(self, node: Node, rows: Rows, group: Group) -> Iterator[Node]:
        """Yield what a node needs to have made again, and the node, which reads that."""
        if isinstance(node, Map):
            far = [arg.buffer for arg in node.args if isinstance(arg, BufferView) and self.is_far(arg.buffer, rows)]
            for buffer in far:
                yield from self.anew(buffer, group)
            now = {buffer: whole(self.made[id(group), buffer]) for buffer in far}
            node.args = tuple([now.get(arg.buffer, arg) if isinstance(arg, BufferView) else arg for arg in node.args])
        elif isinstance(node, Reduce) and self.is_far(node.arg.buffer, rows):
            yield from self.anew(node.arg.buffer, group)
            node.arg = whole(self.made[id(group), node.arg.buffer])
        yield node

    def before(self, node: Routine, rows: Rows) -> Iterator[Rows]:
        """Yield loops that make again what a routine reads, which reads that then."""
        for buffer in dict.fromkeys(arg.buffer for arg in node.args if self.is_far(arg.buffer, rows)):
            group, alone = Group(rows.number, self.makers[buffer].writes[0].shape), Rows(rows.number)
            for each in self.anew(buffer, group):
                group.add(each)
            alone.add(group)
            now = self.made[id(group), buffer]
            node.args = [replace(arg, buffer=now) if arg.buffer is buffer else arg for arg in node.args]
            yield alone

    def is_far(self, buffer: Buffer, rows: Rows) -> bool:
        """Return whether a buffer is made again in some rows."""
        if buffer not in self.makers or self.homes[buffer] is rows or not self.again(buffer):
            return False
        return buffer not in self.stored or rows.number - self.homes[buffer].number >= DISTANT

    def anew(self, buffer: Buffer, group: Group) -> Iterator[Map]:
        """Yield the maps that make a buffer again in a group, unless they are there."""
        if (id(group), buffer) in self.made:
            return
        maker, args = self.makers[buffer], []
        assert isinstance(maker, Map)
        for arg in self.given[buffer]:
            if isinstance(arg, BufferView) and is_large(arg) and self.again(arg.buffer):
                yield from self.anew(arg.buffer, group)
                arg = whole(self.made[id(group), arg.buffer])
            args.append(arg)
        out = Buffer(next(self.numbers), buffer.shape, buffer.dtype, "made", buffer.strides)
        self.made[id(group), buffer] = out
        yield Map(out, maker.formula, tuple(args), maker.label)


def is_large(arg: BufferView) -> bool:
    """Return whether a view shows more than a part of as many numbers as its loop has."""
    shown = math.prod(size for size, step in zip(arg.shape, arg.strides) if step)
    return arg.buffer.source != "literal" and shown * SMALL > math.prod(arg.shape)


def in_order(view: BufferView) -> bool:
    """Return whether a view's numbers lie one after the other."""
    return all(size == 1 or a == b for size, a, b in zip(view.shape, view.strides, dense(view.shape)))


def remade(rows: list[Rows], wanted: Iterable[Buffer], numbers: Iterator[int]) -> list[Rows]:
    """Return the rows, in which what is cheap is made again where it is read; `numbers` are those of buffers to come."""
    return Remaking(rows, wanted, numbers).replace()
