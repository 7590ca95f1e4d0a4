"""Where a loop's elements lie: the axes it runs over, and how far each access to memory moves along them."""

from __future__ import annotations

from typing import Any

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, kind_of
from lineal.codegen.values import Value
from lineal.compiler.nodes.buffers import Buffer, BufferView, Chosen, Place
from lineal.compiler.nodes.node import Map, Reduce
from lineal.compiler.scheduling.grouping import Group, inline, views

__all__ = ["Accesses", "Axis"]


class Axis:
    """One loop: its size, whether it is reduced over, which axis of the space it is (None if several)."""

    def __init__(self, size: int, reduced: bool, place: int | None):
        self.size = size
        self.reduced = reduced
        self.place = place


class Accesses:
    """What a group reads and writes in memory; a key is a view, a Chosen or, for what is written, a buffer.

    The first `outer` axes of the space are loops around the group's own: over rows. What is `local` has memory for one row.
    """

    def __init__(self, e: Emitter, group: Group, outer: int = 0, local: frozenset[Buffer] = frozenset(), merged: bool = True):
        self.e = e
        self.group = group
        self.outer = outer
        self.local = local
        self.merged = merged
        self.made = group.made()
        self.maps = [node for node in group.nodes if isinstance(node, Map)]
        self.reduces = [node for node in group.nodes if isinstance(node, Reduce)]
        self.pinned = {arg.axis for node in self.maps for arg in node.args if isinstance(arg, Place)}
        self.chosen = [arg for node in self.maps for arg in node.args if isinstance(arg, Chosen)]
        self.fallible = any(node.stops for node in self.maps)
        """Whether an index may be out of range, which a status tells."""
        self.strides: dict[Any, tuple[int, ...]] = {}
        self.collect(local)
        self.steps: dict[Any, list[int]] = {key: [] for key in self.strides}
        self.axes: list[Axis] = []
        self.collapse()
        self.rows = [axis for axis in self.axes if axis.place is not None and axis.place < outer]
        self.inner = self.axes[len(self.rows) :]
        self.addresses: dict[Buffer, Value] = {}
        self.wide: dict[Buffer, Kind] = {}
        """What lies in memory as another kind than its own: sums that others are still added to."""

    def collect(self, local: frozenset[Buffer]) -> None:
        """List every access to memory with its strides over the space."""
        for node in self.group.nodes:
            for view in views(node):
                if view.buffer.source != "literal" and not (view.buffer in self.made and inline(view, node)):
                    self.strides[view] = view.strides
        for each in self.chosen:
            self.strides[each] = each.view.strides
        for buffer in self.group.stored:
            if buffer in self.made:
                self.strides[buffer] = buffer.strides
        for node in self.reduces:
            kept = iter(node.out.strides)
            self.strides[node.out] = tuple(0 if n in node.axes else next(kept) for n in range(len(node.space)))
        for key, steps in self.strides.items():
            if buffer_of(key) in local:
                self.strides[key] = (0,) * self.outer + steps[self.outer :]

    def collapse(self) -> None:
        """Make the loops: axes of size 1 left out, neighbours merged where all accesses run through them in one stride."""
        space, reduced = self.group.space or (), self.group.axes or ()
        for n, size in enumerate(space):
            if size == 1:
                continue
            if self.merges(n, size, n in reduced):
                last = self.axes[-1]
                last.size, last.place = last.size * size, last.place if n < self.outer else None
                for key, given in self.strides.items():
                    self.steps[key][-1] = given[n]
                continue
            self.axes.append(Axis(size, n in reduced, n))
            for key, given in self.strides.items():
                self.steps[key].append(given[n])

    def merges(self, n: int, size: int, reduced: bool) -> bool:
        """Return whether axis n of the space continues the last loop."""
        last = self.axes[-1] if self.axes else None
        if last is None or last.reduced != reduced or n in self.pinned or last.place in self.pinned:
            return False
        if (n < self.outer and not self.merged) or (last.place is not None and last.place < self.outer <= n):
            return False
        return all(self.steps[key][-1] == given[n] * size for key, given in self.strides.items())

    def address(self, key: Any, index: dict[Axis, Value]) -> Value:
        """Return where an access stands, given the indices of some loops."""
        buffer, view = buffer_of(key), key.view if isinstance(key, Chosen) else key
        here = self.addresses[buffer]
        if isinstance(view, BufferView) and view.offset:
            here = self.e.address(here, view.offset, self.kind_at(buffer))
        return self.moved(key, here, index, list(index))

    def moved(self, key: Any, here: Value, index: dict[Axis, Value], axes: list[Axis]) -> Value:
        """Return an address moved along some loops."""
        for axis in axes:
            step = self.steps[key][self.axes.index(axis)]
            if step:
                here = self.e.address(here, index[axis] * step, self.kind_at(buffer_of(key)))
        return here

    def kind_at(self, buffer: Buffer) -> Kind:
        """Return the kind as which a buffer lies in memory."""
        return self.wide.get(buffer) or kind_of(buffer.dtype)


def buffer_of(key: Any) -> Buffer:
    """Return the buffer that an access is to."""
    return key if isinstance(key, Buffer) else key.view.buffer if isinstance(key, Chosen) else key.buffer
