"""The schedule of a trace: its nodes in groups, what of them is stored, and where everything lies."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from lineal.compiler import passes
from lineal.compiler.lowering.lowered import Lowered, lowered
from lineal.compiler.lowering.support import supported
from lineal.compiler.nodes.buffers import Buffer, BufferView, dense
from lineal.compiler.nodes.node import Check, Map, Node, Reduce, Repeat, Scatter
from lineal.compiler.scheduling.copies import copied, whole
from lineal.compiler.scheduling.donation import donate
from lineal.compiler.scheduling.grouping import Group, grouped, inline, needed, views
from lineal.compiler.scheduling.laid import laid_out, lay_out
from lineal.compiler.scheduling.memory import planned
from lineal.compiler.scheduling.ordering import before_effects
from lineal.compiler.scheduling.remaking import remade
from lineal.compiler.scheduling.rows import Rows, aligned, in_rows, kernels
from lineal.compiler.scheduling.tiled import in_tiles

__all__ = ["Home", "Schedule"]

Home = int | Buffer | tuple[Buffer, int]


class Schedule:
    """What a program does, in order, and where its values lie. `general`: the program is to serve many sizes.

    `loop`: the trace is the body of that one.
    """

    def __init__(self, low: Lowered, general: bool = False, loop: Repeat | None = None):
        self.trace, self.low = low.trace, low
        self.results, self.written = low.results, list(low.written)
        self.numbers = itertools.count(low.count)
        """The numbers of buffers to come."""
        tiles = passes.enabled("tiles")
        self.laid = laid_out(low, loop, self.numbers) if loop is not None and tiles and not general else {}
        """What the loop whose body this is lays out for it: views on what it is given, and what stands for them here."""
        self.given: list[Node] = []
        """What is to be scheduled: what was lowered, and what is laid out before loops."""
        for node in low.nodes:
            if isinstance(node, Repeat):
                node.planned(lambda trace, loop: Schedule(lowered(trace), general, loop))
                self.given += lay_out(node, self.numbers)
            self.given.append(node)
        wanted = [*self.results, *(buffer for buffer, _ in self.written)]
        self.rows = self.in_order(wanted, general)
        self.donated: set[Buffer] = set()
        if passes.enabled("donation"):
            self.rows, self.donated = donate(self.rows, set(wanted), dict(self.written), last_fallible(self.rows))
        self.nodes = [node for rows in self.rows for node in rows.nodes]
        self.groups: list[Any] = [group for rows in self.rows for group in rows.groups]
        for number, group in enumerate(self.groups):
            group.number = number
        self.settled = last_fallible(self.groups)
        self.targets = {target for _, target in self.written}
        self.moves = self.decide_writes()
        self.grads_wait = self.made_early(self.results[len(self.trace.outputs) :])
        """Whether grads are made while the call may still be given back, so that the leaves' own must not be filled."""
        self.store([*wanted, *self.spread_moves()])
        self.groups = kernels(self.rows, set(wanted), general)
        if tiles:
            self.groups = in_tiles(self.groups, wanted, self.written, general)
        outside = {*self.results, *(buffer for buffer, _ in self.written)}
        roots = {buffer.root for group in self.groups for buffer in group.stored}
        internal = {buffer for buffer in roots if buffer not in outside and buffer.source == "made"}
        copies = {buffer for buffer, _ in self.moves}
        self.offsets, self.arena = planned(self.groups, internal, copies)

    def in_order(self, wanted: Sequence[Buffer], general: bool) -> list[Rows]:
        """Return the nodes that are needed, in groups, as they run."""
        nodes, fuse = before_effects(self.checked_first()), passes.enabled("fusion")
        rows = in_rows(grouped(needed(nodes, wanted) if passes.enabled("dead") else nodes, fuse), fuse)
        remaking = passes.enabled("remaking") and fuse and not general
        return remade(rows, wanted, self.numbers) if remaking else rows

    def outside(self) -> list[Buffer]:
        """Return the buffers whose addresses are a program's arguments: inputs, captured tensors, live numbers, results."""
        given = [self.low.views[var].buffer for var in (*self.trace.inputs, *self.trace.captured, *self.trace.live)]
        return [*given, *self.results, *self.laid.values()]

    def homes(self) -> dict[Buffer, Home]:
        """Return where the other buffers lie: at an offset in the arena, or in another buffer's memory, that many bytes on."""
        homes: dict[Buffer, Home] = dict(self.offsets)
        moved = {buffer for buffer, _ in self.moves}
        homes.update((buffer, target) for buffer, target in self.written if buffer not in moved)
        for buffer in (*self.low.parts, *(buffer for node in self.nodes for buffer in node.writes)):
            if buffer.inside is not None:
                homes[buffer] = (buffer.root, buffer.start)
        return homes

    def checked_first(self) -> list[Node]:
        """Return the nodes; what checks the numbers that the function read, and what that takes, comes before all others."""
        nodes, checks = self.given, self.low.checks
        if not checks:
            return nodes
        first = needed([*(node for node in nodes if not isinstance(node, Check)), *checks], ())
        early = set(map(id, first))
        return [*first, *(node for node in nodes if id(node) not in early)]

    def decide_writes(self) -> list[tuple[Buffer, Buffer]]:
        """Let written values be made in their targets' memory where nobody reads the old value later; return the others."""
        moves = []
        home: dict[Buffer, Group] = {}
        readers: dict[Buffer, list[tuple[Group, Node, BufferView]]] = {}
        for group in self.groups:
            for node in group.nodes:
                home.update(dict.fromkeys(node.writes, group))
                for view in views(node):
                    readers.setdefault(view.buffer, []).append((group, node, view))
        for buffer, target in self.written:
            group = home[buffer]
            if buffer in self.donated:
                continue
            if self.safe(buffer, target, group, readers):
                buffer.strides = target.strides
            else:
                moves.append((buffer, target))
        return moves

    def spread_moves(self) -> list[Buffer]:
        """Let loops do the moves into memory that does not lie densely, when everything else is done; return what they make."""
        made = []
        spread = [(buffer, target) for buffer, target in self.moves if target.strides != dense(target.shape)]
        self.moves = [pair for pair in self.moves if pair not in spread]
        self.written = [pair for pair in self.written if pair not in spread]
        for buffer, target in spread:
            if not supported(buffer.dtype):
                raise NotImplementedError(f"numbers of {buffer.dtype} are written to another tensor")
            copy = copied(whole(buffer), next(self.numbers), BufferView(target, target.shape, target.strides))
            made.append(copy.out)
            group = Group(len(self.groups), copy.out.shape)
            group.add(copy)
            rows = Rows(len(self.rows))
            rows.add(group)
            self.nodes = [*self.nodes, *group.nodes]
            self.groups.append(group)
            self.rows.append(rows)
        return made

    def made_early(self, buffers: Sequence[Buffer]) -> bool:
        """Return whether some of the buffers, or what lies inside of them, is made while the call may be given back."""
        early = (buffer.root for group in self.groups[: self.settled + 1] for node in group.nodes for buffer in node.writes)
        return not set(buffers).isdisjoint(early)

    def safe(
        self, buffer: Buffer, target: Buffer, group: Group, readers: dict[Buffer, list[tuple[Group, Node, BufferView]]]
    ) -> bool:
        """Return whether `buffer` may be made in `target`: all reads of the old value come before, or at the same place.

        Groups that run row by row come before only for their own row. Nothing is made there while the call may be given back.
        """
        if group.number <= self.settled or not any(isinstance(node, Map) and node.out is buffer for node in group.nodes):
            return False
        rows = next(each for each in self.rows if group in each.groups)
        first = rows.groups[0].number
        for each, node, view in (*readers.get(target, ()), *readers.get(buffer, ())):
            if each.number < first:
                continue
            if view.buffer is target and each.number < group.number:
                if not aligned(view, rows.outer or ()):
                    return False
            elif view.buffer is target and not (each is group and inline(view, node) and self.before(node, buffer, group)):
                return False
            if view.buffer is buffer and target.strides != buffer.strides:
                # views have the strides that the buffer has now
                return False
        return True

    def before(self, node: Node, buffer: Buffer, group: Group) -> bool:
        """Return whether `node` reads before what makes `buffer` is stored: reductions do, and maps that come no later."""
        order = {id(each): n for n, each in enumerate(group.nodes)}
        maker = next(each for each in group.nodes if isinstance(each, Map) and each.out is buffer)
        return isinstance(node, Reduce) or order[id(node)] <= order[id(maker)]

    def store(self, wanted: list[Buffer]) -> None:
        """Mark what each group must write to memory: what others read, and what is wanted."""
        seen = set(wanted)
        for group in self.groups:
            inside = group.made()
            for node in group.nodes:
                # what is scattered into, or carried, is there before, also where only a check or other results are wanted
                seen.update(node.after if isinstance(node, (Repeat, Scatter)) else ())
                for view in views(node):
                    if not (view.buffer in inside and inline(view, node)):
                        seen.add(view.buffer)
        for group in self.groups:
            for node in group.nodes:
                for buffer in node.writes:
                    if buffer in seen or not isinstance(node, Map):
                        group.stored.append(buffer)


def last_fallible(parts: Sequence[Group] | Sequence[Rows]) -> int:
    """Return the number of the last part after which a call may still be given back to eager code, -1 if there is none."""
    return max((each.number for each in parts if any(node.stops for node in each.nodes)), default=-1)
