"""Listings: loops as text, with names, shapes and indices as one writes them in Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

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
from lineal.compiler.nodes.windows import Base, Chosen, Place, RunSum, Window, dense
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
    """Writes the groups of a schedule as lines of text; `names` are those of bases that variables of the trace lie in."""

    def __init__(self, schedule: Any):
        self.names: dict[Base, str] = {}
        for var, window in schedule.low.windows.items():
            if window.whole and window.base.source != "literal":
                self.names.setdefault(window.base, str(var))
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
        return f"{out} = {node.formula.text(*[self.argument(arg, node, group) for arg in node.args])}"

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
        changed = [self.name(base) for base in node.after] if isinstance(node, Routine) else []
        outs, args = (", ".join(each) for each in (map(self.shown, node.outs), [*map(self.view, node.args), *changed]))
        return f"{'host step ' if isinstance(node, Host) else ''}{outs} = {node.label}({args})"

    # names and indices

    def name(self, base: Base) -> str:
        """Return the name of a base: its variable's, else its own."""
        return self.names.get(base, repr(base))

    def shown(self, base: Base) -> str:
        """Return the name of a base and its shape."""
        return f"{self.name(base)}{list(base.shape)}"

    def view(self, window: Window) -> str:
        """Return a window by its base, and its shape if that is another."""
        if window.base.source == "literal":
            return repr(window.number)
        return self.name(window.base) if window.whole else f"{self.name(window.base)} as {list(window.shape)}"

    def argument(self, arg: Window | Place | Chosen | RunSum, node: Node, group: Group) -> str:
        """Return what a loop reads."""
        if isinstance(arg, Place):
            return AXES[arg.axis]
        if isinstance(arg, Chosen):
            picked = ", ".join(self.argument(pick.index, node, group) for pick in arg.picks)
            return f"{self.element(arg.window)}[at {picked}]"
        if isinstance(arg, RunSum):
            return f"sum({self.element(arg.window)}[at {self.name(arg.order)}[run {AXES[arg.axis]}]])"
        if arg.base.source == "literal":
            return repr(arg.number)
        return self.name(arg.base) if arg.base in group.made() and inline(arg, node) else self.element(arg)

    def element(self, window: Window) -> str:
        """Return the element of a window where the loop stands, as an index of its base, or of its memory in one row."""
        base, steps = window.base, {name: step for name, step, size in zip(AXES, window.strides, window.shape) if size > 1}
        if not base.shape:
            return self.name(base)
        places = split(window.offset, steps, base) if base.strides == dense(base.shape) else None
        index = ", ".join(places) if places is not None else f"flat {affine(window.offset, steps)}"
        return f"{self.name(base)}[{index}]"


def over(space: Sequence[int], outer: int = 0) -> str:
    """Return over what a loop runs."""
    return ", ".join(f"{name} < {size}" for name, size in [*zip(AXES, space)][outer:] if size != 1)


def split(offset: int, steps: dict[str, int], base: Base) -> list[str] | None:
    """Return an index for each axis of a base that lies densely; None where steps go from one row to others."""
    parts: list[dict[str, int]] = [{} for _ in base.shape]
    for name, step in steps.items():
        if not step:
            continue
        fits = (n for n, own in enumerate(base.strides) if base.shape[n] > 1 and step % own == 0 and abs(step) >= own)
        axis = next(fits, None)
        if axis is None:
            return None
        parts[axis][name] = step // base.strides[axis]
    found = []
    for axis, own in enumerate(base.strides):
        start, offset = divmod(offset, own) if base.shape[axis] > 1 else (0, offset)
        found.append(affine(start, parts[axis]))
    return found


def affine(start: int, steps: dict[str, int]) -> str:
    """Return start + step · name + … in words."""
    terms = [(f"{abs(step)}*{name}" if abs(step) != 1 else name, step < 0) for name, step in steps.items() if step]
    text = "" if terms and not start else str(start)
    for term, minus in sorted(terms, key=lambda each: each[1]):
        text = f"{text} {'-' if minus else '+'} {term}" if text else f"-{term}" if minus else term
    return text


def whole(base: Base) -> Window:
    """Return the window that shows all of a base."""
    return Window(base, base.shape, base.strides)
