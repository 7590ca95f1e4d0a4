"""Tensors, nodes and modes in emitted code: what the doors, `apply` and the backward pass have in common."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.objects import ObjectWriter, field
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.values import Value

__all__ = ["HistoryWriter", "House", "all_of", "any_of", "offset_in_tuple", "slots_of"]

NODE = ("op", "edges", "indices", "kept", "y", "extra", "memories", "code", "offset", "id")
TENSOR = ("value", "node", "index", "memory", "origin")
MEMORY = ("version", "written", "rebased", "inference", "writer")
VIEW = ("root", "steps", "seen", "tracked")


@dataclass(frozen=True, eq=False)
class House:
    """What a door knows of the tensors, nodes and modes behind it."""

    tensor: type
    """The class of results, and of inputs."""
    passing: set[type]
    """The subclasses that inputs may have."""
    node: type
    memory: type
    view: type
    grad_enabled: ContextVar
    recorder: ContextVar
    error_state: ContextVar
    silent: Any
    modes: dict[str, Any]
    """The module in which `blank` is `object.__new__`, unless tensors are made otherwise just now."""
    unusual: set
    """Empty, or some tensors want to be looked at."""
    synchronize: Callable[[Any], None]
    next_id: Callable[[], int]
    frame_at: Callable[[int], Any]
    outside: set[str]
    site: Callable[[int], tuple[Any, int]]


class HistoryWriter(ObjectWriter):
    """Writes what builtins do with tensors and nodes."""

    def __init__(self, e: Emitter, found: layout.ArrayLayout, house: House):
        super().__init__(e, found)
        self.house = house
        self.tensors = slots_of(house.tensor, TENSOR)
        self.nodes = slots_of(house.node, NODE)
        self.memories = slots_of(house.memory, MEMORY)
        self.views = slots_of(house.view, VIEW)

    # what passes

    def array(self, x: Value) -> Value:
        """Write the look at an input; return its array."""
        e = self.e
        kind = field(e, x, self.layout.type, pointer)
        with e.when(kind != self.of(self.house.tensor)):
            self.expect(e.call("PySet_Contains", int32, self.of(self.house.passing), kind) == 1)
        value = field(e, x, self.tensors["value"], pointer)
        self.expect(value != 0)
        self.expect(field(e, value, self.layout.type, pointer) == self.of(np.ndarray))
        return value

    def modes(self) -> None:
        """Write that nobody listens, and that tensors are made as usual."""
        house = self.house
        self.expect(self.item(self.of(house.modes), "blank") == self.of(object.__new__))
        self.expect(self.e.call("PySet_Size", int64, self.of(house.unusual)) == 0)
        self.expect(self.current(house.recorder) == self.of(None))

    def synchronize(self, x: Value) -> None:
        """Write that a view follows its base's history, which has not changed while both have the same number, one object."""
        e, none = self.e, self.of(None)
        origin, memory = (field(e, x, self.tensors[name], pointer) for name in ("origin", "memory"))
        with e.when((origin != none) & (memory != none)):
            known = field(e, origin, self.views["seen"], pointer) == field(e, memory, self.memories["rebased"], pointer)
            with e.when(~known):
                self.release(self.asked(self.of(self.house.synchronize), [x]))

    # what is made

    def tensor(self, value: Value) -> Value:
        """Write the making of the result, which takes the array."""
        y = self.made(self.house.tensor)
        self.put(y, self.tensors["value"], value)
        for name in TENSOR[1:]:
            self.put(y, self.tensors[name], self.none())
        return y

    def node(self, op: Value) -> Value:
        """Write the making of an op's node, which is to be placed, filled and numbered."""
        node = self.made(self.house.node)
        self.put(node, self.nodes["op"], self.retain(op))
        self.put(node, self.nodes["extra"], self.none())
        self.put(node, self.nodes["memories"], self.none())
        return node

    def touch(self, memory: Value, writer: Value) -> None:
        """Write that memory is written now, by a writer that the record takes."""
        number = field(self.e, memory, self.memories["version"], pointer)
        version = self.e.call("PyNumber_Add", pointer, number, self.of(1))
        written = self.vectorcall(self.of(self.house.next_id), [])
        for name, each in (("version", version), ("written", written), ("writer", writer)):
            before = field(self.e, memory, self.memories[name], pointer)
            self.put(memory, self.memories[name], each)
            self.release(before)

    def number_node(self, node: Value) -> None:
        """Write the taking of a number from the engine's clock."""
        self.put(node, self.nodes["id"], self.asked(self.of(self.house.next_id), []))

    def place(self, node: Value, *depths: int) -> None:
        """Write where in the user's code this is: in the first frame outside, of those at these depths, or further out."""
        e, house = self.e, self.house
        code = e.slot(e.const(0, pointer))
        for depth in depths:
            with e.when(e.load(code, pointer) == 0):
                frame = self.vectorcall(self.of(house.frame_at), [self.of(depth)])
                with e.if_else(frame == 0) as (ended, found):
                    with ended:
                        e.call("PyErr_Clear", None)
                    with found:
                        e.store(self.outside(frame, node), code)
        with e.when(e.load(code, pointer) == 0):
            pair = self.asked(self.of(house.site), [self.of(2)])
            for n, name in enumerate(("code", "offset")):
                self.put(node, self.nodes[name], self.retain(e.call("PyTuple_GetItem", pointer, pair, e.index(n))))
            self.release(pair)

    def outside(self, frame: Value, node: Value) -> Value:
        """Write the look at a frame, whose reference it takes: its code if it is the user's, then the node's place; else 0."""
        e = self.e
        code = e.call("PyFrame_GetCode", pointer, frame)
        file = e.call("PyObject_GetAttr", pointer, code, self.of("co_filename"))
        known = e.call("PySet_Contains", int32, self.of(self.house.outside), file) == 1
        self.release(file)
        with e.if_else(known) as (then, otherwise):
            with then:
                offset = e.call("PyLong_FromSsize_t", pointer, e.cast(e.call("PyFrame_GetLasti", int32, frame), int64))
                self.put(node, self.nodes["code"], code)
                self.put(node, self.nodes["offset"], offset)
            with otherwise:
                self.release(code)
        self.release(frame)
        return e.select(known, code, e.const(0, pointer))

    def remember_memory(self, x: Value) -> None:
        """Write the making of the memory's record; a node that made `x` is not told."""
        memory, never = self.made(self.house.memory), {"inference": False, "writer": None}
        for name in MEMORY:
            self.put(memory, self.memories[name], self.retain(self.of(never.get(name, 0))))
        self.release(self.of(None))
        self.put(x, self.tensors["memory"], memory)

    # objects

    def none(self) -> Value:
        return self.retain(self.of(None))

    def put(self, thing: Value, slot: int, reference: Value) -> None:
        """Write a new reference into a slot that is empty."""
        self.e.store(reference, self.e.offset(thing, slot))

    def together(self, things: Sequence[Value]) -> Value:
        """Write a new tuple of things that are borrowed."""
        e = self.e
        made = e.call("PyTuple_New", pointer, e.index(len(things)))
        for n, each in enumerate(things):
            e.call("PyTuple_SetItem", int32, made, e.index(n), self.retain(each))
        return made

    def made(self, kind: type) -> Value:
        """Write `object.__new__(kind)`."""
        found = self.e.call("PyType_GenericAlloc", pointer, self.of(kind), self.e.index(0))
        self.or_raise(found)
        return found

    def asked(self, function: Value, given: Sequence[Value]) -> Value:
        """Write a call that returns a new reference; what it raises is raised."""
        found = self.vectorcall(function, given)
        self.or_raise(found)
        return found

    def vectorcall(self, function: Value, given: Sequence[Value]) -> Value:
        """Write a call that returns a new reference, or 0 where it raises."""
        e = self.e
        return e.call("PyObject_Vectorcall", pointer, function, self.vector(given), e.index(len(given)), e.const(0, pointer))

    def or_raise(self, found: Value) -> None:
        e = self.e
        with e.when(found == 0):
            e.ret(e.const(0, pointer))
            e.begin(e.label("never"))


def any_of(tests: Sequence[Value]) -> Value:
    found = tests[0]
    for each in tests[1:]:
        found = found | each
    return found


def all_of(tests: Sequence[Value]) -> Value:
    found = tests[0]
    for each in tests[1:]:
        found = found & each
    return found


def slots_of(kind: type, names: Sequence[str]) -> dict[str, int]:
    """Return where objects of a class, made as the builtins make them, keep these slots, in bytes; LookupError if nowhere."""
    make = ctypes.pythonapi.PyType_GenericAlloc
    make.restype, make.argtypes = ctypes.py_object, [ctypes.py_object, ctypes.c_ssize_t]
    thing, found = make(kind, 0), {}
    for name in names:
        mark = object()
        setattr(thing, name, mark)
        found[name] = layout.slot(thing, mark)
    return found


def offset_in_tuple() -> int:
    """Return where a tuple keeps its first item."""
    mark = object()
    return layout.offset_of(id(mark), (mark,))
