"""The schedule of a trace: its nodes in groups, what of them is stored, and where everything lies."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from lineal.compiler import passes
from lineal.compiler.lowering.lowered import Lowered, lowered
from lineal.compiler.lowering.support import supported
from lineal.compiler.nodes.node import Check, Map, Node, Reduce, Repeat, Scatter
from lineal.compiler.nodes.windows import Base, Window, dense
from lineal.compiler.scheduling.copies import copied, whole
from lineal.compiler.scheduling.donation import donate
from lineal.compiler.scheduling.grouping import Group, grouped, inline, needed, windows
from lineal.compiler.scheduling.laid import laid_out, lay_out
from lineal.compiler.scheduling.memory import planned
from lineal.compiler.scheduling.ordering import before_effects
from lineal.compiler.scheduling.remaking import remade
from lineal.compiler.scheduling.rows import Rows, aligned, in_rows, kernels
from lineal.compiler.scheduling.tiled import in_tiles

__all__ = ["Home", "Schedule"]

Home = int | Base | tuple[Base, int]


class Schedule:
    """What a program does, in order, and where its values lie. `general`: the program is to serve many sizes.

    `loop`: the trace is the body of that one.
    """

    def __init__(self, low: Lowered, general: bool = False, loop: Repeat | None = None):
        self.trace, self.low = low.trace, low
        self.results, self.written = low.results, list(low.written)
        self.numbers = itertools.count(low.count)
        """The numbers of bases to come."""
        tiles = passes.enabled("tiles")
        self.laid = laid_out(low, loop, self.numbers) if loop is not None and tiles and not general else {}
        """What the loop whose body this is lays out for it: windows on what it is given, and what stands for them here."""
        self.given: list[Node] = []
        """What is to be scheduled: what was lowered, and what is laid out before loops."""
        for node in low.nodes:
            if isinstance(node, Repeat):
                node.planned(lambda trace, loop: Schedule(lowered(trace), general, loop))
                self.given += lay_out(node, self.numbers)
            self.given.append(node)
        wanted = [*self.results, *(base for base, _ in self.written)]
        self.rows = self.in_order(wanted, general)
        self.donated: set[Base] = set()
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
        outside = {*self.results, *(base for base, _ in self.written)}
        roots = {base.root for group in self.groups for base in group.stored}
        internal = {base for base in roots if base not in outside and base.source == "made"}
        copies = {base for base, _ in self.moves}
        self.offsets, self.arena = planned(self.groups, internal, copies)

    def in_order(self, wanted: Sequence[Base], general: bool) -> list[Rows]:
        """Return the nodes that are needed, in groups, as they run."""
        nodes, fuse = before_effects(self.checked_first()), passes.enabled("fusion")
        rows = in_rows(grouped(needed(nodes, wanted) if passes.enabled("dead") else nodes, fuse), fuse)
        remaking = passes.enabled("remaking") and fuse and not general
        return remade(rows, wanted, self.numbers) if remaking else rows

    def outside(self) -> list[Base]:
        """Return the bases whose addresses are a program's arguments: inputs, captured tensors, live numbers, results."""
        given = [self.low.windows[var].base for var in (*self.trace.inputs, *self.trace.captured, *self.trace.live)]
        return [*given, *self.results, *self.laid.values()]

    def homes(self) -> dict[Base, Home]:
        """Return where the other bases lie: at an offset in the arena, or in the memory of another base, that many bytes on."""
        homes: dict[Base, Home] = dict(self.offsets)
        moved = {base for base, _ in self.moves}
        homes.update((base, target) for base, target in self.written if base not in moved)
        for base in (*self.low.parts, *(base for node in self.nodes for base in node.writes)):
            if base.inside is not None:
                homes[base] = (base.root, base.start)
        return homes

    def checked_first(self) -> list[Node]:
        """Return the nodes; what checks the numbers that the function read, and what that takes, comes before all others."""
        nodes, checks = self.given, self.low.checks
        if not checks:
            return nodes
        first = needed([*(node for node in nodes if not isinstance(node, Check)), *checks], ())
        early = set(map(id, first))
        return [*first, *(node for node in nodes if id(node) not in early)]

    def decide_writes(self) -> list[tuple[Base, Base]]:
        """Let written values be made in their targets' memory where nobody reads the old value later; return the others."""
        moves = []
        home: dict[Base, Group] = {}
        readers: dict[Base, list[tuple[Group, Node, Window]]] = {}
        for group in self.groups:
            for node in group.nodes:
                home.update(dict.fromkeys(node.writes, group))
                for window in windows(node):
                    readers.setdefault(window.base, []).append((group, node, window))
        for base, target in self.written:
            group = home[base]
            if base in self.donated:
                continue
            if self.safe(base, target, group, readers):
                base.strides = target.strides
            else:
                moves.append((base, target))
        return moves

    def spread_moves(self) -> list[Base]:
        """Let loops do the moves into memory that does not lie densely, when everything else is done; return what they make."""
        made = []
        spread = [(base, target) for base, target in self.moves if target.strides != dense(target.shape)]
        self.moves = [pair for pair in self.moves if pair not in spread]
        self.written = [pair for pair in self.written if pair not in spread]
        for base, target in spread:
            if not supported(base.dtype):
                raise NotImplementedError(f"numbers of {base.dtype} are written to another tensor")
            copy = copied(whole(base), next(self.numbers), Window(target, target.shape, target.strides))
            made.append(copy.out)
            group = Group(len(self.groups), copy.out.shape)
            group.add(copy)
            rows = Rows(len(self.rows))
            rows.add(group)
            self.nodes = [*self.nodes, *group.nodes]
            self.groups.append(group)
            self.rows.append(rows)
        return made

    def made_early(self, bases: Sequence[Base]) -> bool:
        """Return whether some of the bases, or what lies inside of them, is made while the call may be given back."""
        early = (base.root for group in self.groups[: self.settled + 1] for node in group.nodes for base in node.writes)
        return not set(bases).isdisjoint(early)

    def safe(self, base: Base, target: Base, group: Group, readers: dict[Base, list[tuple[Group, Node, Window]]]) -> bool:
        """Return whether `base` may be made in `target`: all reads of the old value come before, or at the same place.

        Groups that run row by row come before only for their own row. Nothing is made there while the call may be given back.
        """
        if group.number <= self.settled or not any(isinstance(node, Map) and node.out is base for node in group.nodes):
            return False
        rows = next(each for each in self.rows if group in each.groups)
        first = rows.groups[0].number
        for each, node, window in (*readers.get(target, ()), *readers.get(base, ())):
            if each.number < first:
                continue
            if window.base is target and each.number < group.number:
                if not aligned(window, rows.outer or ()):
                    return False
            elif window.base is target and not (each is group and inline(window, node) and self.before(node, base, group)):
                return False
            if window.base is base and target.strides != base.strides:
                # windows have the strides that the base has now
                return False
        return True

    def before(self, node: Node, base: Base, group: Group) -> bool:
        """Return whether `node` reads before what makes `base` is stored: reductions do, and maps that come no later."""
        order = {id(each): n for n, each in enumerate(group.nodes)}
        maker = next(each for each in group.nodes if isinstance(each, Map) and each.out is base)
        return isinstance(node, Reduce) or order[id(node)] <= order[id(maker)]

    def store(self, wanted: list[Base]) -> None:
        """Mark what each group must write to memory: what others read, and what is wanted."""
        seen = set(wanted)
        for group in self.groups:
            inside = group.made()
            for node in group.nodes:
                # what is scattered into, or carried, is there before, also where only a check or other results are wanted
                seen.update(node.after if isinstance(node, (Repeat, Scatter)) else ())
                for window in windows(node):
                    if not (window.base in inside and inline(window, node)):
                        seen.add(window.base)
        for group in self.groups:
            for node in group.nodes:
                for base in node.writes:
                    if base in seen or not isinstance(node, Map):
                        group.stored.append(base)


def last_fallible(parts: Sequence[Group] | Sequence[Rows]) -> int:
    """Return the number of the last part after which a call may still be given back to eager code, -1 if there is none."""
    return max((each.number for each in parts if any(node.stops for node in each.nodes)), default=-1)
