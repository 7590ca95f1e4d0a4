"""A lowered trace: all that is done, as nodes, and what comes of it; scheduling decides in which order, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lineal.base.layouts import order_of_steps
from lineal.compiler.lowering.equations import Lowering
from lineal.compiler.nodes.node import Check, Node
from lineal.compiler.nodes.windows import Base, Window, dense
from lineal.tracing import Var

if TYPE_CHECKING:
    from lineal.compiler.capturing.trace import Trace

__all__ = ["Lowered", "lowered"]


@dataclass(eq=False)
class Lowered:
    """The nodes of a trace.

    `results` are the bases of new arrays (the outputs, then the grads), with axes in the order of memory; `written` pairs bases
    with those from outside whose memory they are to be put into. `checks` look at the numbers that the function read. `parts`
    are bases that lie inside of arrays from outside, `count` is a number that no base has.
    """

    trace: Trace
    nodes: list[Node]
    windows: dict[Var, Window]
    results: list[Base]
    written: list[tuple[Base, Base]]
    checks: list[Check]
    parts: list[Base]
    count: int


def lowered(trace: Trace) -> Lowered:
    """Return the nodes of a trace, with copies where a result must have memory of its own."""
    low = Lowering(trace)
    results = Results(low, trace)
    reads = enumerate(trace.reads)
    windows = [(low.windows[var], number, place) for place, (var, number) in reads]
    checks = [Check(window, number, place) for window, number, place in windows if window.number is None]
    return Lowered(trace, low.nodes, low.windows, results.fresh, results.written, checks, low.parts, low.count)


class Results:
    """The bases of what a trace leaves behind: each of its own."""

    def __init__(self, low: Lowering, trace: Trace):
        self.low, self.trace = low, trace
        self.taken: set[Base] = set()
        self.fresh = [self.own(var, layout) for var, layout in trace.laid()]
        homes = {id(x): var for var, x in trace.captured.items()}
        self.written: list[tuple[Base, Base]] = []
        for x, var in trace.writes:
            target = low.windows[homes[id(x)]] if id(x) in homes else None
            self.written.append((self.put(var), self.target(x) if target is None else target.base))

    def target(self, x: Any) -> Base:
        """Return the base of a tensor among the arguments that is written."""
        place = next(n for n, each in enumerate(self.trace.arguments) if each is x)
        return self.low.windows[self.trace.inputs[place]].base

    def own(self, var: Var, layout: tuple[int, ...] | None) -> Base:
        """Return a base of its own that holds a variable densely: its own base if that may be, else a copy.

        Its axes are those of the variable in the order in which they follow each other in memory.
        """
        window = self.low.windows[var]
        if layout is not None:
            window = window.permuted(order_of_steps(layout))
        if is_whole(window) and window.base.strides == dense(window.base.shape) and window.base not in self.taken:
            self.taken.add(window.base)
            return window.base
        return self.copied(window)

    def put(self, var: Var) -> Base:
        """Return the base that holds the value of a variable that a tensor from outside is to take."""
        window = self.low.windows[var]
        base = window.base if is_whole(window) else self.copied(window)
        if base in self.taken or base.strides != dense(base.shape):
            base = self.copied(window)
        self.taken.add(base)
        return base

    def copied(self, window: Window) -> Base:
        """Return the base of a dense copy."""
        return self.low.copy(window).base


def is_whole(window: Window) -> bool:
    """Return whether a window shows all of a base that the program makes, in memory of its own."""
    return window.base.source == "made" and window.whole and window.base.inside is None
