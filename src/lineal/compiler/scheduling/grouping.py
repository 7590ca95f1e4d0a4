"""Grouping: which nodes share a loop.

Nodes come in an order in which everything is made before it is read. Each goes into the earliest group it can: the group
of what it reads, if both run over the same space and it reads every element where it is made, else a later one. What only
its own group reads never reaches memory.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import Any

from lineal.codegen.sizes import Size
from lineal.compiler.nodes.buffers import Buffer, BufferView, Chosen, RunSum
from lineal.compiler.nodes.node import (
    Check,
    Convolve,
    Draw,
    Host,
    Join,
    Map,
    Node,
    Product,
    Reduce,
    Repeat,
    Routine,
    Runs,
    Scan,
    Scatter,
)

__all__ = ["Group", "grouped", "needed"]

MOST, MOST_APART = 160, 24
"""How many nodes a group holds at most, and how many before it takes one that reads nothing of its own."""

MOST_NUMBERS = 1 << 10
"""How many nodes a group of single numbers holds, related or not: what an optimizer counts and corrects for each parameter."""


LARGE = 1 << 20
"""How many bytes an array has that is not made long before it is read, because a loop happens to be as large."""


class Group:
    """Nodes that run in one loop over `space`; or one product, or one op of the host's."""

    form: tuple[Any, ...] = ()
    """What its code depends on beside nodes and what is stored."""

    def __init__(self, number: int, space: tuple[int, ...] | None):
        self.number = number
        self.space = space
        self.nodes: list[Node] = []
        self.axes: tuple[int, ...] | None = None
        self.elements: set[Buffer] = set()
        """What is made here element by element, so that others of the group may read it without memory."""
        self.stored: list[Buffer] = []
        """What of its results is written to memory."""

    def takes(self, node: Node) -> bool:
        """Return whether the loop can hold `node` too."""
        if self.space is None or len(self.nodes) >= (MOST if self.space else MOST_NUMBERS):
            return False
        if not isinstance(node, (Map, Reduce)) or node.space != self.space:
            return False
        return not isinstance(node, Reduce) or self.axes is None or self.axes == node.axes

    @property
    def open(self) -> bool:
        """Whether the loop takes nodes that read nothing of its own."""
        return not self.space or len(self.nodes) < MOST_APART

    def add(self, node: Node) -> None:
        """Put `node` into the loop."""
        self.nodes.append(node)
        if isinstance(node, Map):
            self.elements.add(node.out)
        if isinstance(node, Reduce):
            self.axes = node.axes

    def made(self) -> set[Buffer]:
        """Return what is made here element by element."""
        return self.elements

    def external(self) -> list[Buffer]:
        """Return the buffers read from memory."""
        inside = self.made()
        found: dict[Buffer, None] = {}
        for node in self.nodes:
            for view in views(node):
                if view.buffer.source != "literal" and not (view.buffer in inside and inline(view, node)):
                    found[view.buffer] = None
        return list(found)


def views(node: Node) -> Iterable[BufferView]:
    """Yield the views through which a node reads."""
    if isinstance(node, Map):
        for each in node.args:
            if isinstance(each, Chosen):
                yield from (each.view, *(pick.index for pick in each.picks))
            elif isinstance(each, RunSum):
                yield from each.views
            elif isinstance(each, BufferView):
                yield each
    elif isinstance(node, Reduce):
        yield node.arg
    elif isinstance(node, Product):
        yield from (node.a, node.b)
    elif isinstance(node, Convolve):
        yield from (node.x, node.w)
    elif isinstance(node, (Host, Repeat, Routine, Scan)):
        yield from node.args
    elif isinstance(node, Check):
        yield node.arg
    elif isinstance(node, Join):
        yield from (BufferView(part, part.shape, part.strides) for part in node.parts)
    elif isinstance(node, Draw):
        yield node.state
    elif isinstance(node, Runs):
        yield node.pick.index
    elif isinstance(node, Scatter):
        yield from (node.source, *(pick.index for pick in node.picks))


def inline(view: BufferView, node: Node) -> bool:
    """Return whether a node of the same loop reads each element where the loop stands."""
    if isinstance(node, Map) and any(isinstance(each, (Chosen, RunSum)) and within(view, each) for each in node.args):
        return False
    return isinstance(node, (Map, Reduce)) and view.whole and view.shape == node.space


def within(view: BufferView, chosen: Chosen | RunSum) -> bool:
    """Return whether an element is chosen from `view`, or by it."""
    if isinstance(chosen, RunSum):
        return view in chosen.views
    return view == chosen.view or any(view == pick.index for pick in chosen.picks)


def grouped(nodes: list[Node], fuse: bool = True) -> list[Group]:
    """Return the groups in the order in which they run; without `fuse` one for each node."""
    groups: list[Group] = []
    alike: dict[Any, list[Group]] = {}
    home: dict[Buffer, Group] = {}
    late = taken_along(nodes) if fuse else {}
    for node in nodes:
        if isinstance(node, Map) and node.out in late:
            continue
        ahead = [late[buffer] for buffer in dict.fromkeys(view.buffer for view in views(node)) if buffer in late]
        earliest, makers = places_of([*ahead, node], home)
        space = node.space if isinstance(node, (Map, Reduce)) else None
        same_space = alike.setdefault(space, [])
        first = bisect.bisect_left(same_space, earliest if fuse else len(groups), key=lambda each: each.number)
        alone = waits(node)
        found = (each for each in same_space[first:] if each.takes(node) and (each in makers or (each.open and not alone)))
        group = next(found, None)
        if group is None:
            group = Group(len(groups), space)
            groups.append(group)
            same_space.append(group)
        for each in (*ahead, node):
            group.add(each)
            home.update(dict.fromkeys(each.writes, group))
    return groups


def waits(node: Node) -> bool:
    """Return whether a node copies a large array from outside, which takes memory from then on until that is read."""
    return (
        isinstance(node, Map)
        and not isinstance(node.out.nbytes, Size)
        and node.out.nbytes >= LARGE
        and node.formula.is_copy
        and all(buffer.source != "made" for buffer in node.reads)
    )


def places_of(nodes: Iterable[Node], home: dict[Buffer, Group]) -> tuple[int, list[Group]]:
    """Return the earliest group that nodes may go to, and those that make what they read."""
    earliest, makers = 0, []
    for node in nodes:
        for buffer in after(node):
            earliest = max(earliest, home[buffer].number + 1)
        for view in views(node):
            maker = home.get(view.buffer)
            if maker is not None:
                same = inline(view, node) and view.buffer in maker.elements and maker.takes(node)
                earliest = max(earliest, maker.number + (0 if same else 1))
                makers.append(maker)
    return earliest, makers


def taken_along(nodes: list[Node]) -> dict[Buffer, Map]:
    """Return the maps that go where their only reader goes, by what they make: what an optimizer makes of its state.

    They are made of arrays from outside and single numbers, so they could be made at once, in a loop that happens to be as
    large, and lie in memory until somebody reads them.
    """
    readers: dict[Buffer, list[Node]] = {}
    for node in nodes:
        for buffer in dict.fromkeys(node.reads):
            readers.setdefault(buffer, []).append(node)
    # the memory of what is copied into a block may be given to that, if nobody reads it later
    wanted = {buffer for node in nodes if isinstance(node, Map) and node.out.inside is not None for buffer in node.reads}
    found: dict[Buffer, Map] = {}
    for node in nodes:
        if not isinstance(node, Map) or node.stops or node.after or node.out.inside is not None or not node.space:
            continue
        if all((buffer.source != "made" or not buffer.shape) and buffer not in wanted for buffer in node.reads):
            (reader, *others) = readers.get(node.out, [node])
            seen = [view for view in views(reader) if view.buffer is node.out]
            if not others and seen and all(inline(view, reader) for view in seen) and node.out not in after(reader):
                found[node.out] = node
    return found


def after(node: Node) -> Iterable[Buffer]:
    """Return what must be there before a node that does not read it."""
    return node.after if isinstance(node, (Map, Repeat, Routine, Scatter)) else ()


def needed(nodes: list[Node], wanted: Iterable[Buffer]) -> list[Node]:
    """Return the nodes on which the wanted buffers, and all checks, depend; who reads by indices checks these, read or not."""
    live = set(wanted)
    kept = []
    for node in reversed(nodes):
        stops = node.checks or node.op.effect if isinstance(node, Host) else node.stops
        if stops or not live.isdisjoint(node.writes):
            kept.append(node)
            live.update(node.reads)
    return kept[::-1]
