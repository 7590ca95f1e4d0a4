"""Rows: loops that run over the same outer axes become one, which does all of them for a row before it goes to the next.

What a softmax or a normalisation computes from a row, and their derivatives from the row's, then never leaves the cache;
what is read by the same row only needs memory for one row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from lineal.compiler.nodes.buffers import Buffer, BufferView, Chosen, RunSum
from lineal.compiler.nodes.node import Map, Node, Reduce, Scatter
from lineal.compiler.scheduling.grouping import Group, views

__all__ = ["Rows", "aligned", "in_rows", "kernels"]

Shape = tuple[int, ...]

FEWEST, SHORTEST, LONGEST = 8, 32, 1 << 16
"""How many rows there must be at least, and how many elements a row has at least and at most."""

WORTH_ALONE = 1 << 16
"""From how many elements on it pays to sum columns row by row."""

MEMORY = 1 << 18
"""How many bytes a row may have in memory of its own; it lies on the stack."""

SUMS = 1 << 13
"""How many sums over rows are kept side by side at most."""


class Rows:
    """Groups that run together over the rows that the axes of `outer` count; `local` is what has memory for one row only."""

    def __init__(self, number: int):
        self.number = number
        self.outer: Shape | None = None
        self.groups: list[Group] = []
        self.local: frozenset[Buffer] = frozenset()
        self.space: Shape | None = None

    @property
    def nodes(self) -> list[Node]:
        """All nodes."""
        return [node for group in self.groups for node in group.nodes]

    @property
    def stored(self) -> list[Buffer]:
        """What of the results is written to memory."""
        return [buffer for group in self.groups for buffer in group.stored if buffer not in self.local]

    def external(self) -> list[Buffer]:
        """Return the buffers read from memory."""
        return list(dict.fromkeys(buffer for group in self.groups for buffer in group.external() if buffer not in self.local))

    def sums(self) -> list[Reduce]:
        """Return the reductions over the rows."""
        return [node for node in self.nodes if isinstance(node, Reduce) and node.axes[0] == 0]

    def takes(self, group: Group, home: dict[Buffer, Rows]) -> bool:
        """Return whether a group may run here, row by row."""
        if not self.groups:
            return True
        outer = self.outer or outer_of(group)
        if outer is None or not any(home.get(buffer) is self for node in group.nodes for buffer in node.reads):
            return False
        if not all(fits(each, outer) for each in (*self.groups, group)):
            return False
        summed = {node.out for node in self.sums()}
        for each in views_of(group):
            if home.get(each.buffer) is self and (each.buffer in summed or not aligned(each, outer)):
                return False
        return all(home.get(buffer) is not self for node in group.nodes if isinstance(node, Map) for buffer in node.after)

    def add(self, group: Group) -> None:
        """Let a group run here, after the others."""
        self.groups.append(group)
        self.outer = self.outer or outer_of(group)
        self.space = self.outer if len(self.groups) > 1 else group.space

    def keep_local(self, outside: set[Buffer], read_elsewhere: set[Buffer]) -> None:
        """Decide what has memory for one row only."""
        if len(self.groups) < 2 or self.outer is None:
            return
        kept = outside | read_elsewhere | {node.out for node in self.sums()}
        count, room, local = len(self.outer), MEMORY, []
        for buffer in (buffer for group in self.groups for buffer in group.stored):
            size = math.prod(buffer.shape[count:]) * buffer.dtype.itemsize
            if buffer not in kept and buffer.inside is None and size <= room:
                room -= size
                local.append(buffer)
        self.local = frozenset(local)


def outer_of(group: Group) -> Shape | None:
    """Return the axes that count the rows of a group's own reduction over the last axes, if it has one."""
    if group.space is None or not group.axes or group.axes[0] == 0:
        return None
    outer, row = group.space[: group.axes[0]], group.space[group.axes[0] :]
    return outer if math.prod(outer) >= FEWEST and math.prod(row) >= SHORTEST else None


def fits(group: Group, outer: Shape) -> bool:
    """Return whether a group can run row by row: what it reduces over is the rows, or within a row."""
    space, count = group.space, len(outer)
    if (
        space is None
        or space[:count] != outer
        or math.prod(space[count:]) > LONGEST
        or 0 in space
        or isinstance(group.nodes[0], Scatter)
    ):
        return False
    if any(isinstance(arg, (Chosen, RunSum)) for node in group.nodes if isinstance(node, Map) for arg in node.args):
        return False
    if not group.axes or group.axes[0] >= count:
        return True
    kept = math.prod(size for n, size in enumerate(space) if n not in group.axes)
    return set(range(count)) <= set(group.axes) and kept <= SUMS


def aligned(view: BufferView, outer: Shape) -> bool:
    """Return whether a view that is read row by row shows, at each row, only that row of its buffer."""
    buffer, count = view.buffer, len(outer)
    if buffer.shape[:count] != outer or view.shape[:count] != outer or view.offset < 0:
        return False
    if any(size > 1 and a != b for size, a, b in zip(outer, view.strides, buffer.strides)):
        return False
    inner = view.strides[count:]
    last = view.offset + sum((size - 1) * step for size, step in zip(view.shape[count:], inner))
    return all(step >= 0 for step in inner) and last < math.prod(buffer.shape[count:])


def views_of(group: Group) -> Iterable[BufferView]:
    """Yield the views through which a group reads."""
    for node in group.nodes:
        yield from views(node)


def in_rows(groups: list[Group], fuse: bool = True) -> list[Rows]:
    """Return the groups, joined if `fuse` where they share rows, in an order in which everything is made before it is read."""
    rows: list[Rows] = []
    home: dict[Buffer, Rows] = {}
    for group in groups:
        makers = {home[buffer].number: home[buffer] for node in group.nodes for buffer in node.reads if buffer in home}
        taking = {number for number, maker in makers.items() if fuse and maker.takes(group, home)}
        earliest = max((number + (number not in taking) for number in makers), default=0)
        found = next((makers[number] for number in sorted(taking) if number >= earliest), None)
        if found is None:
            found = Rows(len(rows))
            rows.append(found)
        found.add(group)
        for node in group.nodes:
            home.update(dict.fromkeys(node.writes, found))
    return rows


def sums_columns(group: Group) -> Shape | None:
    """Return the axes that count the rows of a group that only sums many of them up, if it is one."""
    space, axes = group.space, group.axes
    if not space or not axes or math.prod(space) < WORTH_ALONE:
        return None
    count = next((n for n in range(len(space)) if n not in axes), len(space))
    outer = space[:count]
    return outer if 0 < count < len(space) and fits(group, outer) and math.prod(space[count:]) >= SHORTEST else None


def kernels(found: list[Rows], wanted: set[Buffer], general: bool = False) -> list[Group | Rows]:
    """Return what is to be run, in order: rows where that pays, else groups as they are; `wanted` is needed afterwards.

    What pays by size alone is left out of programs that are to be `general`, the same for all sizes.
    """
    readers: dict[Buffer, set[int]] = {}
    for rows in found:
        for buffer in (buffer for node in rows.nodes for buffer in node.reads):
            readers.setdefault(buffer, set()).add(rows.number)
    kept: list[Group | Rows] = []
    for rows in found:
        if len(rows.groups) == 1 and not general:
            rows.outer = sums_columns(rows.groups[0])
        if rows.outer is None:
            kept += rows.groups
        else:
            rows.keep_local(wanted, {buffer for buffer, where in readers.items() if where != {rows.number}})
            kept.append(rows)
    for number, each in enumerate(kept):
        each.number = number
    return kept
