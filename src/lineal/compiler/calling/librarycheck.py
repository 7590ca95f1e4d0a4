"""Equations of which routines of libraries do a part: what they give is held against the op's eager kernel.

A routine changes matrices in place, by columns, with others that fill up a vector: what its node means says little. So the
whole equation is looked at, from what its nodes are given, before the first of them runs, to what the last of them leaves. What
its loops share with others never reaches memory: then nobody can look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.compiler.nodes.node import Routine
from lineal.compiler.nodes.windows import Base, Window
from lineal.compiler.scheduling.noise import Expected, by_kernel
from lineal.tracing import Equation

if TYPE_CHECKING:
    from lineal.compiler.calling.memcheck import Checked

__all__ = ["Libraries", "Span"]


class Span:
    """Where the nodes of an equation run: from one group to another, and what they read."""

    def __init__(self, equation: Equation, first: int):
        self.equation, self.first, self.last = equation, first, first
        self.read: set[Base] = set()
        self.calls = False
        """Whether one of them is a routine."""


class Libraries:
    """The equations with routines among those of a checked program."""

    def __init__(self, checked: Checked):
        self.checked, self.windows = checked, checked.program.schedule.low.windows
        self.made = {base: now for now, group in enumerate(checked.groups) for node in group.nodes for base in node.writes}
        """In which group a base is made."""
        self.spans = [each for each in spans(checked.groups).values() if each.calls]
        self.given: dict[Equation, list[np.ndarray]] = {}

    def before(self, now: int) -> None:
        """Keep what equations are given that begin with this group, if all of it can be seen."""
        for each in self.spans:
            windows = [self.windows[var] for var in each.equation.inputs]
            if each.first == now and all(self.is_given(window, each) for window in windows):
                self.given[each.equation] = [self.seen(window) for window in windows]

    def after(self, now: int) -> list[tuple[Equation, Expected, np.ndarray]]:
        """Return of equations that end with this group what they are to give, and what they gave."""
        found = []
        for each in self.spans:
            xs = self.given.pop(each.equation, None) if each.last == now else None
            for var, wanted in zip(each.equation.outputs, by_kernel(each.equation, xs) if xs is not None else ()):
                # a routine that fails, which is checked elsewhere, leaves anything
                if np.isfinite(wanted.value).all() and self.is_left(self.windows[var], now):
                    found.append((each.equation, wanted, self.seen(self.windows[var])))
        return found

    def is_given(self, window: Window, span: Span) -> bool:
        """Return whether a window shows what an equation is given, before it begins."""
        if window.base.source == "literal":
            return True
        return window.base in span.read and self.made.get(window.base, -1) < span.first and self.is_there(window)

    def is_left(self, window: Window, now: int) -> bool:
        """Return whether a window shows what has been made up to a group."""
        base = window.base
        lasts = base.root in self.checked.starts or self.checked.dies.get(base.root, now) >= now
        return base.source == "made" and self.made.get(base, now) <= now and lasts and self.is_there(window)

    def is_there(self, window: Window) -> bool:
        """Return whether what a window shows lies in memory, and has been written."""
        return self.checked.lies(window.base) and bool(self.checked.valid[self.checked.places(window)].all())

    def seen(self, window: Window) -> np.ndarray:
        """Return a copy of what a window shows."""
        if window.base.source == "literal":
            return np.broadcast_to(np.array(window.base.value, window.base.dtype), window.shape)
        return self.checked.view(window, self.checked.memory).copy()


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
