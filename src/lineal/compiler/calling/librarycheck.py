"""Equations of which routines of libraries do a part: what they give is held against the op's eager kernel.

A routine changes matrices in place, by columns, with others that fill up a vector: what its node means says little. So the
whole equation is looked at, from what its nodes are given, before the first of them runs, to what the last of them leaves. What
its loops share with others never reaches memory: then nobody can look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.compiler.nodes.buffers import Buffer, BufferView
from lineal.compiler.nodes.node import Routine
from lineal.compiler.scheduling.noise import Expected, by_kernel
from lineal.tracing import Equation

if TYPE_CHECKING:
    from lineal.compiler.calling.memcheck import Checked

__all__ = ["Libraries", "Span"]


class Span:
    """Where the nodes of an equation run: from one group to another, and what they read."""

    def __init__(self, equation: Equation, first: int):
        self.equation, self.first, self.last = equation, first, first
        self.read: set[Buffer] = set()
        self.calls = False
        """Whether one of them is a routine."""


class Libraries:
    """The equations with routines among those of a checked program."""

    def __init__(self, checked: Checked):
        self.checked, self.views = checked, checked.program.schedule.low.views
        self.made = {buffer: now for now, group in enumerate(checked.groups) for node in group.nodes for buffer in node.writes}
        """In which group a buffer is made."""
        self.spans = [each for each in spans(checked.groups).values() if each.calls]
        self.given: dict[Equation, list[np.ndarray]] = {}

    def before(self, now: int) -> None:
        """Keep what equations are given that begin with this group, if all of it can be seen."""
        for each in self.spans:
            views = [self.views[var] for var in each.equation.inputs]
            if each.first == now and all(self.is_given(view, each) for view in views):
                self.given[each.equation] = [self.seen(view) for view in views]

    def after(self, now: int) -> list[tuple[Equation, Expected, np.ndarray]]:
        """Return of equations that end with this group what they are to give, and what they gave."""
        found = []
        for each in self.spans:
            xs = self.given.pop(each.equation, None) if each.last == now else None
            for var, wanted in zip(each.equation.outputs, by_kernel(each.equation, xs) if xs is not None else ()):
                # a routine that fails, which is checked elsewhere, leaves anything
                if np.isfinite(wanted.value).all() and self.is_left(self.views[var], now):
                    found.append((each.equation, wanted, self.seen(self.views[var])))
        return found

    def is_given(self, view: BufferView, span: Span) -> bool:
        """Return whether a view shows what an equation is given, before it begins."""
        if view.buffer.source == "literal":
            return True
        return view.buffer in span.read and self.made.get(view.buffer, -1) < span.first and self.is_there(view)

    def is_left(self, view: BufferView, now: int) -> bool:
        """Return whether a view shows what has been made up to a group."""
        buffer = view.buffer
        lasts = buffer.root in self.checked.starts or self.checked.dies.get(buffer.root, now) >= now
        return buffer.source == "made" and self.made.get(buffer, now) <= now and lasts and self.is_there(view)

    def is_there(self, view: BufferView) -> bool:
        """Return whether what a view shows lies in memory, and has been written."""
        return self.checked.lies(view.buffer) and bool(self.checked.valid[self.checked.places(view)].all())

    def seen(self, view: BufferView) -> np.ndarray:
        """Return a copy of what a view shows."""
        if view.buffer.source == "literal":
            return np.broadcast_to(np.array(view.buffer.value, view.buffer.dtype), view.shape)
        return self.checked.view(view, self.checked.memory).copy()


def spans(groups: Sequence[Any]) -> dict[Equation, Span]:
    """Return where the nodes of each equation run."""
    found: dict[Equation, Span] = {}
    for now, group in enumerate(groups):
        for node in group.nodes:
            if node.equation is not None:
                span = found.setdefault(node.equation, Span(node.equation, now))
                span.last, span.calls = now, span.calls or isinstance(node, Routine)
                span.read.update(node.reads)
    return found
