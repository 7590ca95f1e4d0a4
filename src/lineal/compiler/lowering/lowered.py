"""A lowered trace: all that is done, as nodes, and what comes of it; scheduling decides in which order, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lineal.base.layouts import order_of_steps
from lineal.compiler.lowering.equations import Lowering
from lineal.compiler.nodes.buffers import Buffer, BufferView, dense
from lineal.compiler.nodes.node import Check, Node
from lineal.tracing import Var

if TYPE_CHECKING:
    from lineal.compiler.capturing.trace import Trace

__all__ = ["Lowered", "lowered"]


@dataclass(eq=False)
class Lowered:
    """The nodes of a trace.

    `results` are the buffers of new arrays (the outputs, then the grads), with axes in the order of memory; `written` pairs
    buffers with those from outside whose memory they are to be put into. `checks` look at the numbers that the function read.
    `parts` are buffers that lie inside of arrays from outside, `count` is a number that no buffer has.
    """

    trace: Trace
    nodes: list[Node]
    views: dict[Var, BufferView]
    results: list[Buffer]
    written: list[tuple[Buffer, Buffer]]
    checks: list[Check]
    parts: list[Buffer]
    count: int


def lowered(trace: Trace) -> Lowered:
    """Return the nodes of a trace, with copies where a result must have memory of its own."""
    low = Lowering(trace)
    results = Results(low, trace)
    reads = enumerate(trace.reads)
    views = [(low.views[var], number, place) for place, (var, number) in reads]
    checks = [Check(view, number, place) for view, number, place in views if view.number is None]
    return Lowered(trace, low.nodes, low.views, results.fresh, results.written, checks, low.parts, low.count)


class Results:
    """The buffers of what a trace leaves behind: each of its own."""

    def __init__(self, low: Lowering, trace: Trace):
        self.low, self.trace = low, trace
        self.taken: set[Buffer] = set()
        self.fresh = [self.own(var, layout) for var, layout in trace.laid()]
        homes = {id(x): var for var, x in trace.captured.items()}
        self.written: list[tuple[Buffer, Buffer]] = []
        for x, var in trace.writes:
            target = low.views[homes[id(x)]] if id(x) in homes else None
            self.written.append((self.put(var), self.target(x) if target is None else target.buffer))

    def target(self, x: Any) -> Buffer:
        """Return the buffer of a tensor among the arguments that is written."""
        place = next(n for n, each in enumerate(self.trace.arguments) if each is x)
        return self.low.views[self.trace.inputs[place]].buffer

    def own(self, var: Var, layout: tuple[int, ...] | None) -> Buffer:
        """Return a buffer of its own that holds a variable densely: its own buffer if that may be, else a copy.

        Its axes are those of the variable in the order in which they follow each other in memory.
        """
        view = self.low.views[var]
        if layout is not None:
            view = view.permuted(order_of_steps(layout))
        if is_whole(view) and view.buffer.strides == dense(view.buffer.shape) and view.buffer not in self.taken:
            self.taken.add(view.buffer)
            return view.buffer
        return self.copied(view)

    def put(self, var: Var) -> Buffer:
        """Return the buffer that holds the value of a variable that a tensor from outside is to take."""
        view = self.low.views[var]
        buffer = view.buffer if is_whole(view) else self.copied(view)
        if buffer in self.taken or buffer.strides != dense(buffer.shape):
            buffer = self.copied(view)
        self.taken.add(buffer)
        return buffer

    def copied(self, view: BufferView) -> Buffer:
        """Return the buffer of a dense copy."""
        return self.low.copy(view).buffer


def is_whole(view: BufferView) -> bool:
    """Return whether a view shows all of a buffer that the program makes, in memory of its own."""
    return view.buffer.source == "made" and view.whole and view.buffer.inside is None
