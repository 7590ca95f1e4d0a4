"""The loop of the backward pass as a Python builtin: what `drive` in `core/backward.py` does between one `pull` and the next.

Which node is next, and where its inputs' cotangents go, is decided here; what ops, hooks and watched nodes do with them is
Python's, and so is a node of several outputs.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.entry import builtin
from lineal.codegen.cpython.histories import HistoryWriter, House
from lineal.codegen.cpython.objects import field
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.values import Value

__all__ = ["opened"]

OWNED = ("node", "g", "ready", "gs", "edges")
"""What the loop holds: the node that is undone, its cotangent, the one that comes next if nothing in the heap comes before it,
whose cotangent `g` is by then, what the node gave, and where that goes."""


class PassWriter(HistoryWriter):
    """Writes the builtin."""

    def __init__(self, e: Emitter, found: layout.ArrayLayout, house: House, slow: Any, in_order: Any):
        super().__init__(e, found, house)
        self.slow, self.in_order = slow, in_order

    def write(self) -> None:
        """Write `drive(self, args, count)`: the pass, its heap, what waits, the leaves, `retain`, `plain`."""
        e = self.e
        with e.function("drive", [("self", pointer), ("args", pointer), ("count", int64)], pointer) as (_, args, count):
            self.expect(count == 6)
            self.journey, self.heap, self.waiting, self.leaves, self.retain_all, self.plain = (
                e.load(args, pointer, n) for n in range(6)
            )
            self.owned = {name: e.slot(e.const(0, pointer)) for name in OWNED}
            again, on = e.label("next"), e.label("undo")
            e.jump(again)
            e.begin(again)
            e.branch((self.held("ready") == 0) & self.empty(), "finished", on)
            e.begin(on)
            self.choose()
            self.undo()
            self.free()
            self.hand_out()
            for name in ("node", "gs", "edges"):
                self.drop(name)
            e.jump(again)
            e.begin("finished")
            e.ret(self.retain(self.of(None)))
            e.begin("failed")
            for name in OWNED:
                self.release(self.held(name))
            e.ret(e.const(0, pointer))
            e.begin("slow")
            e.ret(e.call("PyObject_Vectorcall", pointer, self.of(self.slow), args, count, e.const(0, pointer)))

    # which is next

    def choose(self) -> None:
        """Write the choice of the latest node: the ready one, or the first of the heap, which it then takes the place of."""
        e = self.e
        with e.if_else(self.held("ready") == 0) as (none, some):
            with none:
                self.take(self.needed(self.vectorcall(self.of(heapq.heappop), [self.heap])))
            with some:
                later = e.slot(e.const(0, int64))
                with e.when(~self.empty()):
                    first = e.call("PyList_GetItem", pointer, self.heap, e.index(0))
                    number = e.call("PyLong_AsSsize_t", int64, e.call("PyTuple_GetItem", pointer, first, e.index(0)))
                    e.store(e.cast(self.number_of(self.held("ready")) + number < 0, int64), later)
                with e.if_else(e.load(later, int64) != 0) as (wait, go_on):
                    with wait:
                        self.put_in(self.waiting, self.held("ready"), self.held("g"))
                        entry = self.entry(self.held("ready"))
                        self.drop("g")
                        self.drop("ready")
                        pair = self.vectorcall(self.of(heapq.heapreplace), [self.heap, entry])
                        self.release(entry)
                        self.take(self.needed(pair))
                    with go_on:
                        self.own("node", self.held("ready"))
                        e.store(e.const(0, pointer), self.owned["ready"])

    def take(self, pair: Value) -> None:
        """Write that the node in an entry of the heap, which is given up, is next, with the cotangent that waits for it."""
        e = self.e
        node = self.retain(e.call("PyTuple_GetItem", pointer, pair, e.index(1)))
        self.release(pair)
        self.own("node", node)
        g = self.needed(e.call("PyDict_GetItemWithError", pointer, self.waiting, node))
        self.own("g", self.retain(g))
        e.call("PyDict_DelItem", int32, self.waiting, node)

    # what is done

    def undo(self) -> None:
        """Write what takes a node back."""
        e, node = self.e, self.held("node")
        with e.when(field(e, self.held("g"), self.layout.type, pointer) == self.of(dict)):
            ordered = self.needed(self.vectorcall(self.of(self.in_order), [node, self.held("g")]))
            self.drop("g")
            self.own("g", ordered)
        usual = (self.plain == self.of(True)) & (field(e, node, self.nodes["extra"], pointer) == self.of(None))
        with e.if_else(usual) as (then, otherwise):
            with then:
                self.own("edges", self.retain(field(e, node, self.nodes["edges"], pointer)))
                op = field(e, node, self.nodes["op"], pointer)
                self.own("gs", self.needed(self.method("pull", [op, node, self.held("g"), self.held("edges")])))
            with otherwise:
                pair = self.needed(self.method("undo_watched", [self.journey, node, self.held("g")]))
                for n, name in enumerate(("gs", "edges")):
                    self.own(name, self.retain(e.call("PyTuple_GetItem", pointer, pair, e.index(n))))
                self.release(pair)
        self.drop("g")
        with e.when(field(e, self.held("gs"), self.layout.type, pointer) != self.of(tuple)):
            made = self.needed(e.call("PySequence_Tuple", pointer, self.held("gs")))
            self.drop("gs")
            self.own("gs", made)

    def free(self) -> None:
        """Write the freeing of what the node has kept."""
        e, node = self.e, self.held("node")
        some = e.call("PyTuple_Size", int64, self.held("edges")) != 0
        with e.when((self.retain_all != self.of(True)) & some):
            kept = field(e, node, self.nodes["kept"], pointer)
            with e.when(field(e, kept, self.layout.type, pointer) != self.of(list)):
                for name in ("kept", "y"):
                    before = field(e, node, self.nodes[name], pointer)
                    self.put(node, self.nodes[name], self.none())
                    self.release(before)

    # where cotangents go

    def hand_out(self) -> None:
        """Write what becomes of the cotangents that a node gave."""
        e = self.e
        indices = field(e, self.held("node"), self.nodes["indices"], pointer)
        with e.loop(e.call("PyTuple_Size", int64, self.held("gs"))) as n:
            g = e.call("PyTuple_GetItem", pointer, self.held("gs"), n)
            edge = self.needed(e.call("PyTuple_GetItem", pointer, self.held("edges"), n))
            with e.when((g != self.of(None)) & (edge != self.of(None))):
                index = self.needed(e.call("PyTuple_GetItem", pointer, indices, n))
                with e.if_else(index != self.of(None)) as (one_of_several, the_only):
                    with one_of_several:
                        self.release(self.needed(self.method("send", [self.journey, edge, index, g])))
                    with the_only:
                        self.send(edge, g)

    def send(self, edge: Value, g: Value) -> None:
        """Write what becomes of a cotangent of a node of one output, or of a leaf."""
        e = self.e
        leaf = field(e, edge, self.nodes["id"], pointer) == self.of(0)
        with e.if_else(edge == self.held("ready")) as (now, later):
            with now:
                total = self.needed(e.call("PyNumber_Add", pointer, self.held("g"), g))
                self.drop("g")
                self.own("g", total)
            with later:
                table = e.select(leaf, self.leaves, self.waiting)
                before = e.call("PyDict_GetItemWithError", pointer, table, edge)
                with e.if_else(before != 0) as (more, first):
                    with more:
                        total = self.needed(e.call("PyNumber_Add", pointer, before, g))
                        self.put_in(table, edge, total)
                        self.release(total)
                    with first, e.if_else(leaf | (self.held("ready") != 0)) as (keep, next_):
                        with keep:
                            self.put_in(table, edge, g)
                            with e.when(~leaf):
                                entry = self.entry(edge)
                                pushed = self.vectorcall(self.of(heapq.heappush), [self.heap, entry])
                                self.release(entry)
                                self.release(self.needed(pushed))
                        with next_:
                            self.own("ready", self.retain(edge))
                            self.own("g", self.retain(g))

    # what is held

    def held(self, name: str) -> Value:
        return self.e.load(self.owned[name], pointer)

    def own(self, name: str, reference: Value) -> None:
        """Write that the loop holds a new reference where it held nothing."""
        self.e.store(reference, self.owned[name])

    def drop(self, name: str) -> None:
        """Write the giving up of what the loop holds, if anything."""
        before = self.held(name)
        self.e.store(self.e.const(0, pointer), self.owned[name])
        self.release(before)

    def needed(self, found: Value) -> Value:
        """Write that the pass ends with the error that was raised where nothing was found."""
        go_on = self.e.label("found")
        self.e.branch(found == 0, "failed", go_on)
        self.e.begin(go_on)
        return found

    def empty(self) -> Value:
        """Write whether nothing is in the heap."""
        return self.e.call("PyList_Size", int64, self.heap) == 0

    def number_of(self, node: Value) -> Value:
        """Write the number of a node."""
        return self.e.call("PyLong_AsSsize_t", int64, field(self.e, node, self.nodes["id"], pointer))

    def entry(self, node: Value) -> Value:
        """Write the new entry of a node in the heap, whose first is the latest."""
        number = self.e.call("PyLong_FromSsize_t", pointer, 0 - self.number_of(node))
        pair = self.together([number, node])
        self.release(number)
        return pair

    def put_in(self, table: Value, key: Value, value: Value) -> None:
        """Write `table[key] = value`, of a dict by nodes."""
        self.e.call("PyDict_SetItem", int32, table, key, value)

    def method(self, name: str, given: Sequence[Value]) -> Value:
        """Write the call of a method of the first of `given`; return the new reference, 0 if it raised."""
        e = self.e
        count, none = e.index(len(given)), e.const(0, pointer)
        return e.call("PyObject_VectorcallMethod", pointer, self.of(name), self.vector(given), count, none)


def opened(house: House, slow: Callable[..., Any], in_order: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the builtin; None where Python's objects cannot be read."""
    found = layout.ndarray()
    if found is None:
        return None
    e = Emitter(engine().target)
    try:
        writer = PassWriter(e, found, house, slow, in_order)
        writer.write()
    except LookupError:
        return None
    linked = engine().build(e, ["drive"], {name: at for name, at in writer.symbols.items() if name in e.declared})
    return builtin(linked["drive"], slow, (linked, writer.kept), "drive")
