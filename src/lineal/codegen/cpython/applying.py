"""`apply` as a Python builtin: what `core/apply.py` does around an op's kernel, in a third of the time.

Tensors of the usual classes, with nobody listening, pass here; all else goes to `perform`, before anything is done. Kernels,
what ops remember in ways of their own, and errors are Python's on either way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.entry import builtin
from lineal.codegen.cpython.histories import HistoryWriter, House, slots_of
from lineal.codegen.cpython.objects import field
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import bool_, int32, int64, pointer
from lineal.codegen.values import Value

__all__ = ["Application", "opened"]

MOST = 8
"""How many inputs an op may have to pass here."""
PLAN = ("holds", "marks", "output")


@dataclass(frozen=True, eq=False)
class Application:
    """What `apply` knows besides: classes, and the functions of `core/apply.py` that it leaves the rarer things to."""

    op: Any
    """The class of ops, whose own `run`, `remember` and `plan` are written here."""
    plan: type
    inference: Any
    """The class whose `used` says whether there was ever a tensor of inference mode."""
    perform: Callable[..., Any]
    arrayed: Callable[..., Any]
    several: Callable[..., Any]
    alias: Callable[..., Any]
    tell: Callable[..., Any]
    fail: Callable[..., Any]
    countdown: np.ndarray
    """After how many more ops one is looked at, by `sampled`."""
    sampled: Callable[[Any], None]


class ApplyWriter(HistoryWriter):
    """Writes the builtin."""

    def __init__(self, e: Emitter, found: layout.ArrayLayout, house: House, given: Application):
        super().__init__(e, found, house)
        self.given = given
        self.plans = slots_of(given.plan, PLAN)

    def write(self) -> None:
        """Write `apply(self, args, count)`: the op, then its inputs."""
        e = self.e
        with e.function("apply", [("self", pointer), ("args", pointer), ("count", int64)], pointer) as (_, args, count):
            self.expect((count > 0) & (count <= MOST + 1))
            self.op, self.xs, self.many = e.load(args, pointer), e.offset(args, 8), count - 1
            self.cls = field(e, self.op, self.layout.type, pointer)
            self.modes()
            arrays = self.arrays()
            aliasing = self.attribute(self.op, "aliasing")
            shares = aliasing != self.of(None)
            self.expect((self.many == 1) | (aliasing == self.of(None)))
            value = self.computed(arrays, shares)
            y = self.tensor(value)
            self.remembered(y, value, shares)
            with e.when(shares):
                self.aliased(y, aliasing)
            e.ret(y)
            e.begin("slow")
            e.ret(e.call("PyObject_Vectorcall", pointer, self.of(self.given.perform), args, count, e.const(0, pointer)))

    def arrays(self) -> Value:
        """Write the look at the inputs; return where what `eager` takes stands: the op, NumPy, the arrays."""
        e = self.e
        given = self.vector([self.op, self.of(np), *[e.const(0, pointer)] * MOST])
        with e.loop(self.many) as n:
            e.store(self.array(e.load(self.xs, pointer, n)), given, n + 2)
        return given

    # what is done

    def computed(self, arrays: Value, shares: Value) -> Value:
        """Write the work; return the new array. NumPy is silent about inf and nan."""
        e, house = self.e, self.house
        token, found = (e.slot(e.const(0, pointer)) for _ in range(2))
        with e.when((self.current(house.error_state) != self.of(house.silent)) & ~shares):
            e.store(e.call("PyContextVar_Set", pointer, self.of(house.error_state), self.of(house.silent)), token)
        own = self.attribute(self.cls, "run") == self.of(self.given.op.run)
        settles = self.attribute(self.op, "settles") == self.of(True)
        with e.when(~settles & ~shares):
            self.sample()
        own = own | settles
        with e.if_else(own | shares) as (then, otherwise):
            with then:
                e.store(self.method("eager", arrays, self.many + 2), found)
            with otherwise:
                xs = self.inputs()
                e.store(self.method("run", self.vector([self.op, xs]), e.index(2)), found)
                self.release(xs)
        error = self.raised(e.load(found, pointer))
        with e.when(e.load(token, pointer) != 0):
            e.call("PyContextVar_Reset", int32, self.of(house.error_state), e.load(token, pointer))
            self.release(e.load(token, pointer))
        with e.when(error != 0):
            self.failed(error)
        self.one_array(found, shares)
        return e.load(found, pointer)

    def sample(self) -> None:
        """Write that one in so many ops whose kernels are called from Python is looked at."""
        e, place = self.e, self.table(self.given.countdown)
        left = e.load(place, int64) - 1
        e.store(left, place)
        with e.when(left == 0):
            self.release(self.asked(self.of(self.given.sampled), [self.op]))

    def one_array(self, found: Value, shares: Value) -> None:
        """Write that a kernel's result is an array from here on; with a tuple all is done."""
        e = self.e
        kind = field(e, e.load(found, pointer), self.layout.type, pointer)
        with e.when(kind != self.of(np.ndarray)):
            before = e.load(found, pointer)
            with e.when(kind == self.of(tuple)):
                with e.when(~shares):
                    self.several(before)
                xs = self.inputs()
                several = self.vectorcall(self.of(self.given.several), [self.op, xs, before])
                self.release(xs)
                self.release(before)
                e.ret(several)
                e.begin(e.label("never"))
            array = self.vectorcall(self.of(self.given.arrayed), [before])
            self.release(before)
            self.or_raise(array)
            e.store(array, found)

    def several(self, values: Value) -> None:
        """Write the return of several results, if all are arrays of floating numbers, or no derivative may be asked for."""
        e = self.e
        wanted, floats = self.wanted(), e.slot(e.index(1))
        count, arrays = e.call("PyTuple_Size", int64, values), e.slot(e.index(1))
        with e.loop(count) as n:
            value = e.call("PyTuple_GetItem", pointer, values, n)
            with e.if_else(field(e, value, self.layout.type, pointer) == self.of(np.ndarray)) as (array, other):
                with array:
                    number = field(e, field(e, value, self.layout.dtype, pointer), self.layout.number, int32)
                    with e.when(number < np.dtype(np.float32).num):
                        e.store(e.index(0), floats)
                with other:
                    e.store(e.index(0), arrays)
        with e.when((e.load(arrays, int64) != 0) & ((e.load(floats, int64) != 0) | (wanted == 0))):
            node, ys = e.slot(e.const(0, pointer)), e.call("PyTuple_New", pointer, count)
            with e.when(wanted != 0):
                e.store(self.remembering(values), node)
            with e.loop(count) as n:
                y = self.tensor(self.retain(e.call("PyTuple_GetItem", pointer, values, n)))
                e.call("PyTuple_SetItem", int32, ys, n, y)
                with e.when(wanted != 0):
                    self.release(self.of(None))
                    self.put(y, self.tensors["node"], self.retain(e.load(node, pointer)))
                    self.release(self.of(None))
                    self.put(y, self.tensors["index"], e.call("PyLong_FromSsize_t", pointer, n))
            with e.when(wanted != 0):
                self.release(e.load(node, pointer))
            self.release(values)
            e.ret(ys)
            e.begin(e.label("never"))

    def raised(self, found: Value) -> Value:
        """Write the taking of what was raised, if nothing was found; 0 otherwise."""
        e = self.e
        kind, error, trace = (e.slot(e.const(0, pointer)) for _ in range(3))
        with e.when(found == 0):
            e.call("PyErr_Fetch", None, kind, error, trace)
            e.call("PyErr_NormalizeException", None, kind, error, trace)
            with e.when(e.load(trace, pointer) != 0):
                e.call("PyException_SetTraceback", int32, e.load(error, pointer), e.load(trace, pointer))
                self.release(e.load(trace, pointer))
            self.release(e.load(kind, pointer))
        return e.load(error, pointer)

    def failed(self, error: Value) -> None:
        """Write what happens to an error: somebody explains it, and raises it."""
        e = self.e
        xs = self.inputs()
        done = self.vectorcall(self.of(self.given.fail), [self.op, xs, error])
        self.release(xs)
        self.release(error)
        e.ret(done)
        e.begin(e.label("never"))

    # what is remembered

    def remembered(self, y: Value, value: Value, shares: Value) -> None:
        """Write the making of the node, if a derivative may be asked for."""
        e = self.e
        with e.when(self.wanted(shares) != 0):
            node = self.remembering(value)
            self.release(self.of(None))
            self.put(y, self.tensors["node"], node)

    def remembering(self, value: Value) -> Value:
        """Write the making of a node of what was made; return the new reference."""
        node = self.node(self.op)
        self.place(node, 1, 2, 3, 4)
        self.fill(node, value)
        self.number_node(node)
        return node

    def wanted(self, shares: Value | None = None) -> Value:
        """Write whether a derivative may be asked for, 1 or 0; inputs that are views follow their base's history."""
        e, none = self.e, self.of(None)
        shares = e.const(False, bool_) if shares is None else shares
        differentiable = self.attribute(self.op, "differentiable") == self.of(True)
        history = e.slot(e.const(0, int64))
        with e.loop(self.many) as n:
            x = e.load(self.xs, pointer, n)
            with e.when(~shares | differentiable):
                self.synchronize(x)
            with e.when(field(e, x, self.tensors["node"], pointer) != none):
                e.store(e.index(1), history)
        enabled = self.current(self.house.grad_enabled) == self.of(True)
        return e.cast((e.load(history, int64) != 0) & differentiable & enabled, int64)

    def fill(self, node: Value, value: Value) -> None:
        """Write what `Op.remember` does; other ops do it themselves."""
        e, given = self.e, self.given
        usual = self.attribute(self.cls, "remember") == self.of(given.op.remember)
        usual = usual & (self.attribute(self.cls, "plan") == self.of(given.op.plan))
        with e.if_else(usual) as (then, otherwise):
            with then:
                self.fill_as_usual(node, value)
            with otherwise:
                xs = self.inputs()
                done = self.method("remember", self.vector([self.op, node, xs, value]), e.index(4))
                self.release(xs)
                self.or_raise(done)
                self.release(done)

    def fill_as_usual(self, node: Value, value: Value) -> None:
        e = self.e
        edges, indices, needs = (e.call("PyTuple_New", pointer, self.many) for _ in range(3))
        with e.loop(self.many) as n:
            x = e.load(self.xs, pointer, n)
            edge = field(e, x, self.tensors["node"], pointer)
            needed = e.select(edge == self.of(None), self.of(False), self.of(True))
            for holder, thing in ((edges, edge), (indices, field(e, x, self.tensors["index"], pointer)), (needs, needed)):
                e.call("PyTuple_SetItem", int32, holder, n, self.retain(thing))
        self.put(node, self.nodes["edges"], edges)
        self.put(node, self.nodes["indices"], indices)
        plan = self.planned(needs)
        self.release(needs)
        kept = e.slot(e.const(0, pointer))
        marks = field(e, plan, self.plans["marks"], pointer)
        with e.if_else(field(e, plan, self.plans["holds"], pointer) == self.of(True)) as (then, otherwise):
            with then:
                e.store(self.kept("PyTuple", marks), kept)
            with otherwise:
                e.store(self.kept("PyList", marks), kept)
        self.put(node, self.nodes["kept"], e.load(kept, pointer))
        output = field(e, plan, self.plans["output"], pointer) == self.of(True)
        self.put(node, self.nodes["y"], self.retain(e.select(output, value, self.of(None))))

    def planned(self, needs: Value) -> Value:
        """Write the look for the plan of what is kept; the op keeps it."""
        e = self.e
        plans = self.attribute(self.op, "plans")
        plan = e.slot(e.call("PyDict_GetItemWithError", pointer, plans, needs))
        with e.when(e.load(plan, pointer) == 0):
            made = self.method("plan", self.vector([self.op, needs]), e.index(2))
            self.or_raise(made)
            self.release(made)
            e.store(made, plan)
        return e.load(plan, pointer)

    def kept(self, kind: str, marks: Value) -> Value:
        """Write what is kept of the inputs, in a tuple or a list: themselves, or their shapes and dtypes."""
        e = self.e
        holder = e.call(f"{kind}_New", pointer, self.many)
        with e.loop(self.many) as n:
            x, item = e.load(self.xs, pointer, n), e.slot(e.const(0, pointer))
            with e.if_else(e.call("PyTuple_GetItem", pointer, marks, n) == self.of(True)) as (then, otherwise):
                with then:
                    e.store(self.retain(x), item)
                with otherwise:
                    array = field(e, x, self.tensors["value"], pointer)
                    shape = e.call("PyObject_GetAttr", pointer, array, self.of("shape"))
                    self.or_raise(shape)
                    e.store(self.together([shape, field(e, array, self.layout.dtype, pointer)]), item)
                    self.release(shape)
            e.call(f"{kind}_SetItem", int32, holder, n, e.load(item, pointer))
        return holder

    # views

    def aliased(self, y: Value, aliasing: Value) -> None:
        """Write what a result knows of the memory that it shares, and of what it is a view of."""
        e, none = self.e, self.of(None)
        x, enabled = e.load(self.xs, pointer), self.current(self.house.grad_enabled)
        used = self.attribute(self.of(self.given.inference), "used") == self.of(True)
        with e.if_else((field(e, x, self.tensors["origin"], pointer) != none) | used) as (further, first):
            with further:
                done = self.vectorcall(self.of(self.given.alias), [self.op, self.op, x, y, enabled])
                self.or_raise(done)
                self.release(done)
            with first:
                with e.when(field(e, x, self.tensors["memory"], pointer) == none):
                    self.remember_memory(x)
                memory = self.retain(field(e, x, self.tensors["memory"], pointer))
                self.release(none)
                self.put(y, self.tensors["memory"], memory)
                with e.when(aliasing == self.of("view")):
                    view = self.made(self.house.view)
                    self.put(view, self.views["root"], self.retain(x))
                    self.put(view, self.views["steps"], self.together([self.op]))
                    self.put(view, self.views["seen"], self.retain(field(e, memory, self.memories["rebased"], pointer)))
                    self.put(view, self.views["tracked"], self.retain(enabled))
                    self.release(none)
                    self.put(y, self.tensors["origin"], view)

    def remember_memory(self, x: Value) -> None:
        """Write the making of the memory's record, of which the node that made `x` learns."""
        e, none = self.e, self.of(None)
        super().remember_memory(x)
        memory = field(e, x, self.tensors["memory"], pointer)
        node = field(e, x, self.tensors["node"], pointer)
        with e.when(node != none), e.when(field(e, node, self.nodes["id"], pointer) != self.of(0)):
            done = self.vectorcall(self.of(self.given.tell), [node, field(e, x, self.tensors["index"], pointer), memory])
            self.or_raise(done)
            self.release(done)

    # calls

    def method(self, name: str, given: Value, number: Value) -> Value:
        """Write the call of a method of the first thing in a row; return the new reference, 0 if it raised."""
        return self.e.call("PyObject_VectorcallMethod", pointer, self.of(name), given, number, self.e.const(0, pointer))

    def inputs(self) -> Value:
        """Write a new tuple of the inputs."""
        e = self.e
        xs = e.call("PyTuple_New", pointer, self.many)
        with e.loop(self.many) as n:
            e.call("PyTuple_SetItem", int32, xs, n, self.retain(e.load(self.xs, pointer, n)))
        return xs


def opened(house: House, given: Application) -> Callable[..., Any] | None:
    """Return the builtin; None where Python's objects cannot be read."""
    found = layout.ndarray()
    if found is None:
        return None
    e = Emitter(engine().target)
    try:
        writer = ApplyWriter(e, found, house, given)
        writer.write()
    except LookupError:
        return None
    linked = engine().build(e, ["apply"], {name: at for name, at in writer.symbols.items() if name in e.declared})
    return builtin(linked["apply"], given.perform, (linked, writer.kept), "apply")
