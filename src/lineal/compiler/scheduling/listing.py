"""Listings: loops as text, with names, shapes and indices as one writes them in Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lineal.codegen.kinds import kind_of
from lineal.compiler.nodes.buffers import Buffer, BufferView, Chosen, Place, RunSum, dense
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
from lineal.compiler.scheduling.grouping import Group, inline
from lineal.compiler.scheduling.rows import Rows
from lineal.compiler.scheduling.tiled import Tiled

__all__ = ["Listing"]

AXES = (*"ijklmnpq", *(f"i{n}" for n in range(8, 64)))
WAYS = {
    "add": "{0} += {1}",
    "squares": "{0} += {1}**2",
    "multiply": "{0} *= {1}",
    "maximum": "{0} = max({0}, {1})",
    "minimum": "{0} = min({0}, {1})",
}


class Listing:
    """Writes the groups of a schedule as lines of text; `names` are those of buffers that variables of the trace lie in."""

    def __init__(self, schedule: Any):
        self.names: dict[Buffer, str] = {}
        for var, view in schedule.low.views.items():
            if view.whole and view.buffer.source != "literal":
                self.names.setdefault(view.buffer, str(var))
        self.groups: Sequence[Group | Rows] = schedule.groups

    def lines(self, indent: str = "  ") -> Iterator[str]:
        """Yield the lines."""
        for group in self.groups:
            for line in self.of(group):
                yield indent + line

    def of(self, group: Group | Rows) -> Iterator[str]:
        """Yield the lines of a group."""
        if isinstance(group, Rows):
            outer = len(group.outer or ()) if len(group.groups) > 1 else 0
            yield from [f"row by row, {over(group.outer or ())}:"] if outer else ()
            for each in group.groups:
                yield from (("  " if outer else "") + line for line in self.loop(each, outer))
            return
        node = group.nodes[0]
        if isinstance(group, Tiled):
            yield f"tile by tile, {over(group.maps[0].space)}: {self.step(node)}"
            yield from ("  " + self.map(each, group) for each in group.maps)
        elif isinstance(node, Repeat):
            yield f"repeat, {f'{node.turns} turns' if node.turns else 'as many as it takes'}{node.direction}:"
            for schedule in node.schedules[::-1]:
                yield from Listing(schedule).lines()
        elif isinstance(node, (Map, Reduce)):
            yield from self.loop(group)
        elif not isinstance(node, Join):
            yield self.step(node)

    def loop(self, group: Group, outer: int = 0) -> Iterator[str]:
        """Yield the lines of a loop: over what (but for `outer` axes around it), then a line for each node."""
        words = over(group.space or (), outer)
        yield f"loop over {words}:" if words else "once:"
        for node in group.nodes:
            yield "  " + (self.map(node, group) if isinstance(node, Map) else self.reduce(node, group))

    def map(self, node: Map, group: Group) -> str:
        """Return the line of a map; what only its own loop reads has no index."""
        out = self.element(whole(node.out)) if node.out in group.stored else self.name(node.out)
        text = node.formula.text(*[self.argument(arg, node, group) for arg in node.args])
        # what is computed in another dtype is rounded, which a reader would not see
        return f"{out} = {node.out.dtype}({text})" if kind_of(node.out.dtype).is_narrow else f"{out} = {text}"

    def reduce(self, node: Any, group: Group) -> str:
        """Return the line of a reduction."""
        kept = [name for n, name in enumerate(AXES[: len(node.space)]) if n not in node.axes]
        out = f"{self.name(node.out)}[{', '.join(kept)}]" if kept else self.name(node.out)
        return WAYS[node.kind].format(out, self.argument(node.arg, node, group))

    def step(self, node: Node) -> str:
        """Return the line of a node that has no loop of its own kind."""
        if isinstance(node, Product):
            return f"{self.shown(node.out)} = {self.view(node.a)} @ {self.view(node.b)}"
        if isinstance(node, Convolve):
            return f"{self.shown(node.out)} = {node.label}({self.view(node.x)}, {self.view(node.w)})"
        if isinstance(node, Scan):
            words = [self.view(each) for each in node.args]
            formula = node.formula.text("so_far", *words)
            return f"{self.shown(node.out)} = scan of {', '.join(words)} along axis {node.axis}: so_far = {formula}"
        if isinstance(node, Scatter):
            picked = ", ".join(self.view(pick.index) for pick in node.picks)
            return f"{self.shown(node.out)} {'+=' if node.adds else '='} {self.view(node.source)} at {picked or 'a view'}"
        if isinstance(node, Runs):
            return f"{self.shown(node.order)}, {self.shown(node.starts)} = runs of {self.view(node.pick.index)}"
        if isinstance(node, Draw):
            return f"{self.shown(node.out)} = random words of {self.view(node.state)}"
        if isinstance(node, Check):
            return f"go on only if {self.view(node.arg)} is {node.number}"
        assert isinstance(node, (Host, Routine))
        changed = [self.name(buffer) for buffer in node.after] if isinstance(node, Routine) else []
        outs, args = (", ".join(each) for each in (map(self.shown, node.outs), [*map(self.view, node.args), *changed]))
        return f"{'host step ' if isinstance(node, Host) else ''}{outs} = {node.label}({args})"

    # names and indices

    def name(self, buffer: Buffer) -> str:
        """Return the name of a buffer: its variable's, else its own."""
        return self.names.get(buffer, repr(buffer))

    def shown(self, buffer: Buffer) -> str:
        """Return the name of a buffer and its shape."""
        return f"{self.name(buffer)}{list(buffer.shape)}"

    def view(self, view: BufferView) -> str:
        """Return a view by its buffer, and its shape if that is another."""
        if view.buffer.source == "literal":
            return repr(view.number)
        return self.name(view.buffer) if view.whole else f"{self.name(view.buffer)} as {list(view.shape)}"

    def argument(self, arg: BufferView | Place | Chosen | RunSum, node: Node, group: Group) -> str:
        """Return what a loop reads."""
        if isinstance(arg, Place):
            return AXES[arg.axis]
        if isinstance(arg, Chosen):
            picked = ", ".join(self.argument(pick.index, node, group) for pick in arg.picks)
            return f"{self.element(arg.view)}[at {picked}]"
        if isinstance(arg, RunSum):
            return f"sum({self.element(arg.view)}[at {self.name(arg.order)}[run {AXES[arg.axis]}]])"
        if arg.buffer.source == "literal":
            return repr(arg.number)
        return self.name(arg.buffer) if arg.buffer in group.made() and inline(arg, node) else self.element(arg)

    def element(self, view: BufferView) -> str:
        """Return the element of a view where the loop stands, as an index of its buffer, or of its memory in one row."""
        buffer, steps = view.buffer, {name: step for name, step, size in zip(AXES, view.strides, view.shape) if size > 1}
        if not buffer.shape:
            return self.name(buffer)
        places = split(view.offset, steps, buffer) if buffer.strides == dense(buffer.shape) else None
        index = ", ".join(places) if places is not None else f"flat {affine(view.offset, steps)}"
        return f"{self.name(buffer)}[{index}]"


def over(space: Sequence[int], outer: int = 0) -> str:
    """Return over what a loop runs."""
    return ", ".join(f"{name} < {size}" for name, size in [*zip(AXES, space)][outer:] if size != 1)


def split(offset: int, steps: dict[str, int], buffer: Buffer) -> list[str] | None:
    """Return an index for each axis of a buffer that lies densely; None where steps go from one row to others."""
    parts: list[dict[str, int]] = [{} for _ in buffer.shape]
    for name, step in steps.items():
        if not step:
            continue
        fits = (n for n, own in enumerate(buffer.strides) if buffer.shape[n] > 1 and step % own == 0 and abs(step) >= own)
        axis = next(fits, None)
        if axis is None:
            return None
        parts[axis][name] = step // buffer.strides[axis]
    found = []
    for axis, own in enumerate(buffer.strides):
        start, offset = divmod(offset, own) if buffer.shape[axis] > 1 else (0, offset)
        found.append(affine(start, parts[axis]))
    return found


def affine(start: int, steps: dict[str, int]) -> str:
    """Return start + step · name + … in words."""
    terms = [(f"{abs(step)}*{name}" if abs(step) != 1 else name, step < 0) for name, step in steps.items() if step]
    text = "" if terms and not start else str(start)
    for term, minus in sorted(terms, key=lambda each: each[1]):
        text = f"{text} {'-' if minus else '+'} {term}" if text else f"-{term}" if minus else term
    return text


def whole(buffer: Buffer) -> BufferView:
    """Return the view that shows all of a buffer."""
    return BufferView(buffer, buffer.shape, buffer.strides)
