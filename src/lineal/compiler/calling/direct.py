"""The whole call of a small program in native code: what `launch.py` does in Python, where all is as it was the last time.

A program of a microsecond would otherwise spend three in Python: looking at modes and options, making result tensors, counting
writes. Whatever is not as expected returns REFUSED before anything is done, and the slower call decides.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.entry import builtin
from lineal.codegen.cpython.facts import Current
from lineal.codegen.cpython.objects import Argument, ObjectWriter, field
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Library, engine
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.values import Value
from lineal.core import lift, modes
from lineal.core import op as engine_of
from lineal.core.apply import memory_of
from lineal.core.op import Memory, next_id

if TYPE_CHECKING:
    from lineal.compiler.calling.program import Program

__all__ = ["direct"]

SLOTS = ("value", "node", "index", "memory", "origin")


@cache
def tensor_slots() -> dict[str, int]:
    """Return where tensors keep their slots, in bytes."""
    x = lift(np.zeros(1))
    return {name: slot_of(x, name) for name in SLOTS}


@cache
def memory_slots() -> dict[str, int]:
    """Return where the record of a memory keeps its two numbers."""
    memory = Memory()
    return {name: slot_of(memory, name) for name in ("version", "written")}


@cache
def holders() -> int:
    """Measure the references to a grad that nobody else looks at: the leaf's, and that of the list of grads to fill again."""
    held = [lift(np.zeros(1))]
    leaf = lift(np.zeros(1))
    leaf.origin = held[0]
    return layout.word(id(held[0]), 4)


def slot_of(thing: Any, name: str) -> int:
    mark = np.zeros(1)
    setattr(thing, name, mark)
    return layout.slot(thing, mark)


class CallWriter(ObjectWriter):
    """Writes the call of one program."""

    def __init__(self, e: Emitter, found: layout.ArrayLayout, program: Program):
        super().__init__(e, found)
        self.program = program
        self.trace = program.trace
        self.grads = program.grads
        self.arguments = program.arguments()

    def write(self, refused: object, failed: object) -> None:
        """Write `call(self, args, count)`."""
        e, given = self.e, self.arguments
        count = len(self.trace.arguments)
        with e.function("call", [("self", pointer), ("args", pointer), ("count", int64)], pointer) as (_, args, number):
            self.expect(number == count)
            self.facts()
            tensors = [*(e.load(args, pointer, n) for n in range(count)), *map(self.of, self.program.captured)]
            inputs = [self.tensor(*each) for each in zip(tensors, self.program.histories, given)]
            inputs += [e.slot(self.number(self.item(self.of(holder), key))) for holder, key in self.trace.live.values()]
            filled = self.filled()
            results = self.results()
            places = [field(e, y, self.layout.data, pointer) for y in results]
            status = e.call("lineal_program", int32, *inputs, *places, *filled, e.symbol("arena"))
            with e.when(status != 0):
                for y in results:
                    self.release(y)
                e.ret(self.call(failed, e.call("PyLong_FromSsize_t", pointer, e.cast(status, int64))))
                e.begin(e.label("never"))
            self.note(args)
            e.ret(self.returned(results))
            e.begin("slow")
            e.ret(self.retain(self.of(refused)))

    def facts(self) -> None:
        """Write the checks of modes and guards."""
        facts = [Current(modes.grad_enabled, modes.grad_enabled.get()), Current(modes.recorder, None)]
        facts += [Current(modes.anomaly, False), Current(modes.autocast, modes.autocast.get())]
        for guard in self.trace.guards:
            facts += guard.facts() or ()
        for fact in facts:
            self.expect(fact.write(self))

    def tensor(self, given: Value, history: bool, wanted: Argument) -> Value:
        """Write the checks that a tensor is what is wanted, with a history or without; return the address of its data."""
        address = self.check(given, wanted)
        node = field(self.e, given, tensor_slots()["node"], pointer)
        none = self.of(None)
        self.expect(node != none if history else node == none)
        return address

    def filled(self) -> list[Value]:
        """Write the checks that nobody else holds the grads of the last call; return the addresses of their data."""
        if self.grads is None:
            return []
        e, found = self.e, []
        table = e.symbol("grads")
        for n, leaf in enumerate(self.grads.leaves):
            g = e.load(table, pointer, n)
            self.expect(self.attribute(self.of(leaf), "derivative") == g)
            array = field(e, g, tensor_slots()["value"], pointer)
            self.expect((self.references(g) == holders()) & (self.references(array) == 1))
            found.append(field(e, array, self.layout.data, pointer))
        return found

    def results(self) -> list[Value]:
        """Write the making of the results' arrays; return new references."""
        made: list[Value] = []
        for shape, dtype in self.program.made[: len(self.trace.outputs)]:
            made.append(self.made(np.empty, (shape, dtype), made))
        return made

    def made(self, function: object, given: tuple, before: list[Value]) -> Value:
        """Write a call that makes an object; should it raise, the new references before it are given back."""
        e = self.e
        y = self.call(function, *(self.of(each) for each in given))
        with e.when(y == 0):
            for each in before:
                self.release(each)
            e.ret(e.const(0, pointer))
            e.begin(e.label("never"))
        return y

    def note(self, args: Value) -> None:
        """Write what the engine has to know of tensors that were written, as `launch.note` does."""
        if not self.trace.writes:
            return
        e = self.e
        with e.function("note", [("tensor", pointer), ("now", pointer)]) as given:
            self.note_one(*given)
        arguments = {id(x): n for n, x in enumerate(self.trace.arguments)}
        now = self.call(next_id)
        for x, _ in self.trace.writes:
            tensor = e.load(args, pointer, arguments[id(x)]) if id(x) in arguments else self.of(x)
            e.call("note", None, tensor, now)
        self.release(now)

    def note_one(self, tensor: Value, now: Value) -> None:
        """Write that a tensor's memory has another version, written now."""
        e, slots = self.e, memory_slots()
        with e.when(field(e, tensor, tensor_slots()["memory"], pointer) == self.of(None)):
            self.release(self.call(memory_of, tensor))
        memory = field(e, tensor, tensor_slots()["memory"], pointer)
        version = e.call("PyLong_AsSsize_t", int64, field(e, memory, slots["version"], pointer))
        self.put(e.call("PyLong_FromSsize_t", pointer, version + 1), memory, slots["version"])
        self.put(self.retain(now), memory, slots["written"])

    def put(self, reference: Value, thing: Value, slot: int) -> None:
        """Write `reference` into a slot, and give back what was there."""
        before = field(self.e, thing, slot, pointer)
        self.e.store(reference, self.e.offset(thing, slot))
        self.release(before)

    def returned(self, arrays: list[Value]) -> Value:
        """Write the making of the result: a tensor, or a tuple of tensors."""
        tensors = []
        for n, array in enumerate(arrays):
            tensors.append(self.made(object.__new__, (engine_of.final,), [*tensors, *arrays[n:]]))
            self.e.store(array, self.e.offset(tensors[-1], tensor_slots()["value"]))
            for name in SLOTS[1:]:
                self.e.store(self.retain(self.of(None)), self.e.offset(tensors[-1], tensor_slots()[name]))
        if self.trace.result.single:
            return tensors[0]
        together = self.e.call("PyTuple_New", pointer, self.e.index(len(tensors)))
        for n, each in enumerate(tensors):
            self.e.call("PyTuple_SetItem", int32, together, self.e.index(n), each)
        return together


def direct(program: Program, refused: object, failed: Callable[[int], Any]) -> Callable[..., Any] | None:
    """Return the native call of a program on positional tensors, or None if it has to be Python's.

    It returns the function's result, or `refused`. `failed` is called with a program's status other than 0, and raises.
    """
    found, trace = layout.ndarray(), program.trace
    try:
        for look in (tensor_slots, memory_slots, layout.offset_in_float, layout.offset_in_cell, layout.offsets_in_function):
            look()
    except LookupError:
        return None
    refilled = program.grads is None or program.grads.again
    known = refilled and all(guard.facts() is not None for guard in trace.guards)
    plain = all(type(holder) is dict for holder, _ in trace.live.values()) and trace.loose and not trace.given
    if found is None or not known or not plain or not layout.references_are_readable():
        return None
    e = Emitter(engine().target)
    writer = CallWriter(e, found, program)
    writer.write(refused, failed)
    symbols = {**writer.symbols, "lineal_program": program.address, "arena": program.arena.ctypes.data}
    if program.grads is not None:
        symbols["grads"] = program.grads.table.ctypes.data
    linked: Library = engine().build(e, ["call"], {name: at for name, at in symbols.items() if name in e.declared})
    call = builtin(linked["call"], failed, (program, linked, writer.kept), trace.name)
    result = trace.result
    if result.single or result.flat:
        return call

    def rebuilt(*args: Any) -> Any:
        made = call(*args)
        if made is refused:
            return refused
        return result.assembled(made, args)

    return rebuilt
