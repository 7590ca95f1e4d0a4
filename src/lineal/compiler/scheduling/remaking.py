"""Remaking: what is cheap to compute of an array that lies in memory anyway is computed where it is read, and not stored.

A forward pass leaves to the backward pass what it has: x - mean, and that times a scale, are as large as x itself. Each would
be written, kept until it is read, and read. Made again from x, it takes a few operations beside a read of as many bytes. Small
arrays stay in the caches, where that is no gain.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from lineal.compiler.nodes.node import Join, Map, Node, Reduce
from lineal.compiler.nodes.windows import Base, Window, dense
from lineal.compiler.scheduling.copies import whole
from lineal.compiler.scheduling.cost import SIMPLE, of_formula
from lineal.compiler.scheduling.grouping import Group, inline, windows
from lineal.compiler.scheduling.rows import Rows

__all__ = ["remade"]

LEAST = 1 << 19
"""How many bytes an array has that is worth it: smaller ones stay in the caches."""
CHEAP = 8 * SIMPLE
"""How long it takes at most for each element, in nanoseconds; reading takes about as long."""
SMALL = 8
"""How many times as many elements as a small argument's there are."""
DEEPEST = 6
"""How many maps are made again, one of another, to make one."""


class Remaking:
    """Who makes and who reads what, and what may be made again."""

    def __init__(self, rows: Sequence[Rows], wanted: Iterable[Base], numbers: Iterator[int]):
        self.rows, self.wanted, self.numbers = rows, set(wanted), numbers
        self.homes: dict[Base, Rows] = {}
        self.makers: dict[Base, Node] = {}
        self.readers: dict[Base, list[tuple[Rows, Node, Window | None]]] = {}
        for each in rows:
            for node in each.nodes:
                for base in node.writes:
                    self.makers[base], self.homes[base] = node, each
                shown = [*windows(node)]
                for window in shown:
                    self.readers.setdefault(window.base, []).append((each, node, window))
                for base in {*node.reads}.difference(window.base for window in shown):
                    self.readers.setdefault(base, []).append((each, node, None))
        self.given = {base: maker.args for base, maker in self.makers.items() if isinstance(maker, Map)}
        self.known: dict[Base, bool] = {}
        """What was decided of bases."""
        self.made: dict[tuple[int, Base], Base] = {}

    def again(self, base: Base, depth: int = DEEPEST) -> bool:
        """Return whether a base is made again wherever it is read, but in the rows in which it is made."""
        if base not in self.known:
            self.known[base] = False
            self.known[base] = self.is_cheap(base) and self.is_read_in_place(base) and self.is_made_of_memory(base, depth)
        return self.known[base]

    def is_cheap(self, base: Base) -> bool:
        """Return whether a base is large, made by a map of few operations, and nobody's but the program's."""
        maker = self.makers.get(base)
        if not isinstance(maker, Map) or maker.after or base.inside is not None or base in self.wanted:
            return False
        return base.nbytes >= LEAST and of_formula(maker.formula) <= CHEAP

    def is_read_in_place(self, base: Base) -> bool:
        """Return whether all others read each element of a base where their loops stand."""
        return all(
            each is self.homes[base] or (window is not None and inline(window, node))
            for each, node, window in self.readers.get(base, ())
        )

    def is_made_of_memory(self, base: Base, depth: int) -> bool:
        """Return whether what a base is made of is small, but for one array that lies in memory or can be made again itself."""
        maker = self.makers[base]
        assert isinstance(maker, Map)
        if not all(isinstance(arg, Window) for arg in self.given[base]):
            return False
        large = [arg for arg in self.given[base] if isinstance(arg, Window) and is_large(arg)]
        if len({each.base for each in large}) > 1:
            return False
        return all(in_order(each) and self.is_at_hand(each, base, maker, depth) for each in large)

    def is_at_hand(self, arg: Window, base: Base, maker: Map, depth: int) -> bool:
        """Return whether an argument of what makes a base lies in memory, or can be made again where that is."""
        return self.lies(arg.base, base) or (depth > 0 and inline(arg, maker) and self.again(arg.base, depth - 1))

    def lies(self, base: Base, of: Base) -> bool:
        """Return whether a base that another is made of has memory of the program's, which holds no more bytes than that."""
        maker = self.makers.get(base)
        # a block that parts are put into may be given away to a later one
        if maker is None or isinstance(maker, Join) or base.inside is not None or base.nbytes > of.nbytes:
            return False
        if not isinstance(maker, Map) or base in self.wanted:
            return True
        elsewhere = any(each is not self.homes[base] for each, _, _ in self.readers.get(base, ()))
        return elsewhere and not self.again(base)

    def replace(self) -> list[Rows]:
        """Let each group make again what it reads of others, and leave out what nobody reads any more; return the rows."""
        for base in self.given:
            # before arguments are others
            self.again(base)
        for each in self.rows:
            for group in each.groups:
                if group.space is not None:
                    group.nodes = [part for node in group.nodes for part in self.following(node, each, group)]
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
            far = [arg.base for arg in node.args if isinstance(arg, Window) and self.is_far(arg.base, rows)]
            for base in far:
                yield from self.anew(base, group)
            now = {base: whole(self.made[id(group), base]) for base in far}
            node.args = tuple([now.get(arg.base, arg) if isinstance(arg, Window) else arg for arg in node.args])
        elif isinstance(node, Reduce) and self.is_far(node.arg.base, rows):
            yield from self.anew(node.arg.base, group)
            node.arg = whole(self.made[id(group), node.arg.base])
        yield node

    def is_far(self, base: Base, rows: Rows) -> bool:
        """Return whether a base is made again in some rows."""
        return base in self.makers and self.homes[base] is not rows and self.again(base)

    def anew(self, base: Base, group: Group) -> Iterator[Map]:
        """Yield the maps that make a base again in a group, unless they are there."""
        if (id(group), base) in self.made:
            return
        maker, args = self.makers[base], []
        assert isinstance(maker, Map)
        for arg in self.given[base]:
            if isinstance(arg, Window) and is_large(arg) and self.again(arg.base):
                yield from self.anew(arg.base, group)
                arg = whole(self.made[id(group), arg.base])
            args.append(arg)
        out = Base(next(self.numbers), base.shape, base.dtype, "made", base.strides)
        self.made[id(group), base] = out
        yield Map(out, maker.formula, tuple(args), maker.label)


def is_large(arg: Window) -> bool:
    """Return whether a window shows more than a part of as many numbers as its loop has."""
    shown = math.prod(size for size, step in zip(arg.shape, arg.strides) if step)
    return arg.base.source != "literal" and shown * SMALL > math.prod(arg.shape)


def in_order(window: Window) -> bool:
    """Return whether a window's numbers lie one after the other."""
    return all(size == 1 or a == b for size, a, b in zip(window.shape, window.strides, dense(window.shape)))


def remade(rows: list[Rows], wanted: Iterable[Base], numbers: Iterator[int]) -> list[Rows]:
    """Return the rows, in which what is cheap is made again where it is read; `numbers` are those of bases to come."""
    return Remaking(rows, wanted, numbers).replace()
