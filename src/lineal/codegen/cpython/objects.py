"""Python objects in emitted code: arrays that are checked and read, attributes and items that are compared, calls.

References are borrowed unless it is said that they are new. Where something else keeps an object alive for the whole call, a
new reference is given back at once.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.cpython import layout
from lineal.codegen.cpython.facts import ABSENT
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import float64, int32, int64, pointer
from lineal.codegen.values import Value

__all__ = ["Argument", "ObjectWriter"]

ALIGNED, WRITEABLE = 0x100, 0x400

# what emitted code calls of Python's C API
FUNCTIONS = (
    "PyContextVar_Get",
    "PyContextVar_Reset",
    "PyContextVar_Set",
    "PyDict_DelItem",
    "PyDict_GetItemWithError",
    "PyDict_Next",
    "PyDict_SetItem",
    "PyDict_Size",
    "PyErr_Clear",
    "PyErr_Fetch",
    "PyErr_NormalizeException",
    "PyErr_Occurred",
    "PyEval_RestoreThread",
    "PyEval_SaveThread",
    "PyException_SetTraceback",
    "PyFrame_GetCode",
    "PyFrame_GetLasti",
    "PyList_GetItem",
    "PyList_New",
    "PyList_SetItem",
    "PyList_Size",
    "PyLong_AsSsize_t",
    "PyLong_FromSsize_t",
    "PyNumber_Add",
    "PyObject_GenericGetDict",
    "PyObject_GetAttr",
    "PyObject_Vectorcall",
    "PyObject_VectorcallMethod",
    "PySequence_Tuple",
    "PySet_Contains",
    "PySet_Size",
    "PyTuple_GetItem",
    "PyTuple_New",
    "PyTuple_SetItem",
    "PyTuple_Size",
    "PyType_GenericAlloc",
    "Py_DecRef",
    "Py_IncRef",
)


@dataclass(frozen=True)
class Argument:
    """What an argument must be: an ndarray of this dtype, shape and strides (in bytes; None: contiguous).

    With `holder`, the argument is an object of that type, whose slot at `slot` bytes refers to the ndarray.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None = None
    written: bool = False
    holder: type | None = None
    slot: int = 0

    @property
    def steps(self) -> tuple[int, ...]:
        if self.strides is not None:
            return self.strides
        steps = [self.dtype.itemsize]
        for size in self.shape[:0:-1]:
            steps.append(steps[-1] * size)
        return tuple(steps[::-1])[: len(self.shape)]

    def array_of(self, given: Any) -> np.ndarray | None:
        """Return the array in an argument if it fits, else None: what the emitted check does, in Python."""
        if self.holder is not None:
            if type(given) is not self.holder:
                return None
            given = ctypes.cast(layout.word(id(given) + self.slot), ctypes.py_object).value
        fits = type(given) is np.ndarray and given.dtype == self.dtype and given.shape == self.shape
        if not fits or any(s != t for n, s, t in zip(self.shape, given.strides, self.steps) if n > 1 and 0 not in self.shape):
            return None
        return given if given.flags.aligned and (given.flags.writeable or not self.written) else None


def field(e: Emitter, thing: Value, offset: int, kind: kinds.Kind) -> Value:
    return e.load(e.offset(thing, offset), kind)


class ObjectWriter:
    """Writes code that reads and makes Python objects; what is not as expected jumps to the label "slow"."""

    def __init__(self, e: Emitter, found: layout.ArrayLayout):
        self.e = e
        self.layout = found
        self.known: dict[int, tuple[str, object]] = {}
        self.checks: dict[Argument, str] = {}
        """The functions that check an argument, by what it must be."""
        self.tables: dict[str, np.ndarray] = {}
        """Memory that the code refers to, by the names of its symbols."""
        self.found: dict[tuple, Value] = {}
        """What was read before, and need not be read again."""

    def of(self, thing: object) -> Value:
        """Return the address of a Python object, bound as a symbol so that the code can be cached; 0 for ABSENT."""
        if thing is ABSENT:
            return self.e.const(0, pointer)
        name, _ = self.known.setdefault(id(thing), (f"object{len(self.known)}", thing))
        return self.e.symbol(name)

    @property
    def symbols(self) -> dict[str, int]:
        """What the linker has to bind: objects, which whoever keeps the code must keep, and Python's functions."""
        tables = {name: table.ctypes.data for name, table in self.tables.items()}
        return {**{name: address for address, (name, _) in self.known.items()}, **tables, **c_api()}

    @property
    def kept(self) -> list[object]:
        """The objects that the code refers to."""
        return [*(thing for _, thing in self.known.values()), *self.tables.values()]

    def expect(self, condition: Value) -> None:
        go_on = self.e.label("fits")
        self.e.branch(condition, go_on, "slow")
        self.e.begin(go_on)

    def check(self, given: Value, wanted: Argument) -> Value:
        """Write the checks of one argument; return the address of its data."""
        if wanted not in self.checks:
            self.checks[wanted] = f"check{len(self.checks)}"
            self.write_check(self.checks[wanted], wanted)
        address = self.e.call(self.checks[wanted], pointer, given)
        self.expect(address != 0)
        return address

    def write_check(self, name: str, wanted: Argument) -> None:
        """Write the function `name`, which returns the address of an argument's data, or 0 if it is not as wanted.

        The arguments of a training step are alike: parameters, grads and an optimizer's states.
        """
        e = self.e
        with e.function(name, [("given", pointer)], pointer) as (given,):
            e.ret(self.data(given, wanted))
            e.begin("slow")
            e.ret(e.const(0, pointer))

    def data(self, given: Value, wanted: Argument) -> Value:
        """Write the comparisons of one argument with what it must be; return the address of its data."""
        e, at = self.e, self.layout
        if wanted.holder is not None:
            self.expect(field(e, given, at.type, pointer) == self.of(wanted.holder))
            given = field(e, given, wanted.slot, pointer)
            self.expect(given != 0)
        self.expect(field(e, given, at.type, pointer) == self.of(np.ndarray))
        self.expect(field(e, given, at.dtype, pointer) == self.of(wanted.dtype))
        flags = ALIGNED | (WRITEABLE if wanted.written else 0)
        same = (field(e, given, at.ndim, int32) == len(wanted.shape)) & ((field(e, given, at.flags, int32) & flags) == flags)
        self.expect(same)
        if wanted.shape:
            shape, strides = field(e, given, at.shape, pointer), field(e, given, at.strides, pointer)
            tests = []
            for n, (size, step) in enumerate(zip(wanted.shape, wanted.steps)):
                tests.append(e.load(shape, int64, n) == size)
                # NumPy gives an array without elements any strides
                if size > 1 and 0 not in wanted.shape:
                    tests.append(e.load(strides, int64, n) == step)
            every = tests[0]
            for test in tests[1:]:
                every = every & test
            self.expect(every)
        return field(e, given, at.data, pointer)

    # objects

    def call(self, function: object, *given: Value) -> Value:
        """Write the call of a Python function on the addresses of its arguments; return the new reference, 0 if it raised."""
        e = self.e
        arguments, count = self.vector(given), e.index(len(given))
        return e.call("PyObject_Vectorcall", pointer, self.of(function), arguments, count, e.const(0, pointer))

    def vector(self, given: Sequence[Value]) -> Value:
        """Return the address of references one after the other, in memory of this call."""
        e = self.e
        place = Value(e, e.name(), pointer)
        e.frame.slots.append(f"  {place.text} = alloca [{max(len(given), 1)} x ptr]")
        for n, each in enumerate(given):
            e.store(each, place, n)
        return place

    def attribute(self, thing: Value, name: str) -> Value:
        """Write `thing.name` of a thing that keeps it alive."""
        found = self.e.call("PyObject_GetAttr", pointer, thing, self.of(sys.intern(name)))
        self.expect_made(found)
        self.release(found)
        return found

    def shared_attribute(self, thing: object, name: str) -> Value:
        """Write `thing.name`, once however often it is asked for."""
        if (id(thing), name) not in self.found:
            self.found[id(thing), name] = self.attribute(self.of(thing), name)
        return self.found[id(thing), name]

    def own(self, thing: object) -> Value:
        """Write the dict of an object's own attributes, which the object keeps alive."""
        if (id(thing),) not in self.found:
            space = self.e.call("PyObject_GenericGetDict", pointer, self.of(thing), self.e.const(0, pointer))
            self.expect_made(space)
            self.release(space)
            self.found[(id(thing),)] = space
        return self.found[(id(thing),)]

    def kind(self, thing: object) -> Value:
        """Write `type(thing)`."""
        return field(self.e, self.of(thing), self.layout.type, pointer)

    def slot(self, thing: object, offset: int) -> Value:
        """Write the reference so many bytes into an object."""
        return field(self.e, self.of(thing), offset, pointer)

    def cell(self, cell: object) -> Value:
        """Write what a cell holds."""
        return self.slot(cell, layout.offset_in_cell())

    def number_in(self, thing: object, offset: int) -> Value:
        """Write the 32-bit number so many bytes into an object."""
        return field(self.e, self.of(thing), offset, int32)

    def number_at(self, place: np.ndarray) -> Value:
        """Write the first 32-bit number of an array."""
        return self.e.load(self.table(place), int32)

    def table(self, numbers: np.ndarray) -> Value:
        """Return the address of an array's memory, which is kept with the code."""
        name = f"table{len(self.tables)}"
        self.tables[name] = numbers
        return self.e.symbol(name)

    def holds(self, container: list | dict, things: tuple) -> Value:
        """Write whether a list holds these things, or a dict these keys and values in turn, in this order."""
        e, address = self.e, self.of(container)
        count, size = (1, "PyList_Size") if isinstance(container, list) else (2, "PyDict_Size")
        for each in things:
            self.known.setdefault(id(each), (f"object{len(self.known)}", each))
        self.expect(e.call(size, int64, address) == len(things) // count)
        if not things:
            return address != 0
        table, place = self.table(np.array([id(each) for each in things], np.uintp)), e.slot(e.const(0, int64))
        pair = [e.slot(e.const(0, pointer)) for _ in range(2)]
        with e.loop(len(things) // count) as i:
            if count == 1:
                self.expect(e.call("PyList_GetItem", pointer, address, i) == e.load(table, pointer, i))
            else:
                self.expect(e.call("PyDict_Next", int32, address, place, *pair) != 0)
                for n in range(2):
                    self.expect(e.load(pair[n], pointer) == e.load(table, pointer, 2 * i + n))
        return address != 0

    def expect_made(self, found: Value, owned: Sequence[Value] = ()) -> None:
        """Write: where a call of Python's has raised, forget the error, give back what is owned, and go the slow way."""
        missing, go_on = self.e.label("missing"), self.e.label("found")
        self.e.branch(found == 0, missing, go_on)
        self.e.begin(missing)
        self.e.call("PyErr_Clear", None)
        for each in owned:
            self.release(each)
        self.e.jump("slow")
        self.e.begin(go_on)

    def item(self, mapping: Value, key: Any) -> Value:
        """Write `mapping[key]` of a dict whose keys compare without code of users'; 0 if there is none."""
        return self.e.call("PyDict_GetItemWithError", pointer, mapping, self.of(sys.intern(key) if type(key) is str else key))

    def current(self, variable: ContextVar) -> Value:
        """Write `variable.get()`, of a variable with a default; something else keeps the value alive."""
        place = self.e.slot(self.e.const(0, pointer))
        self.e.call("PyContextVar_Get", int32, self.of(variable), self.e.const(0, pointer), place)
        found = self.e.load(place, pointer)
        self.release(found)
        return found

    def number(self, given: Value) -> Value:
        """Write the reading of a Python float as a float64."""
        self.expect(given != 0)
        self.expect(field(self.e, given, self.layout.type, pointer) == self.of(float))
        return field(self.e, given, layout.offset_in_float(), float64)

    def references(self, given: Value) -> Value:
        """Write the number of references to an object."""
        return field(self.e, given, 0, int32)

    def retain(self, given: Value) -> Value:
        """Write the making of a reference; return it."""
        self.e.call("Py_IncRef", None, given)
        return given

    def release(self, given: Value) -> None:
        """Write the giving back of a reference."""
        self.e.call("Py_DecRef", None, given)


@cache
def c_api() -> dict[str, int]:
    """Return the addresses of the functions of Python that emitted code calls."""
    return {name: ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0 for name in FUNCTIONS}
