"""Native code as a Python builtin: checks its arguments against a table of constants and calls the kernel with their addresses.

The builtin is made in emitted code (METH_FASTCALL). What does not fit the table goes to the slow path, a Python callable with
the same arguments. Where arrays cannot be read natively (`layout.ndarray()` is None), the checks are made in Python.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal.codegen import kinds, layout
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Engine, Library, engine
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.values import Value

METH_FASTCALL = 0x80
ALIGNED, WRITEABLE = 0x100, 0x400
# below this, giving the GIL away costs more than others gain
RELEASE_ABOVE_NS = 50_000


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


class MethodDef(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = [("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)]


class SlowPath:
    """The self of a builtin: called with what the fast path refuses; keeps the code and the method's description alive."""

    __slots__ = ("definition", "keep", "slow")

    def __init__(self, slow: Callable, definition: MethodDef | None, keep: object):
        self.slow = slow
        self.definition = definition
        self.keep = keep

    def __call__(self, *args: Any) -> Any:
        return self.slow(*args)


def field(e: Emitter, thing: Value, offset: int, kind: kinds.Kind) -> Value:
    return e.load(e.offset(thing, offset), kind)


class EntryWriter:
    """Writes the entry function: `expect` compares, and any difference jumps to the slow path."""

    def __init__(self, e: Emitter, found: layout.ArrayLayout):
        self.e = e
        self.layout = found
        self.symbols: dict[str, int] = {}

    def of(self, thing: object) -> Value:
        """Return the address of a Python object, bound as a symbol so that the code can be cached."""
        name = next((n for n, address in self.symbols.items() if address == id(thing)), f"object{len(self.symbols)}")
        self.symbols[name] = id(thing)
        return self.e.symbol(name)

    def expect(self, condition: Value) -> None:
        go_on = self.e.label("fits")
        self.e.branch(condition, go_on, "slow")
        self.e.begin(go_on)

    def check(self, given: Value, wanted: Argument) -> Value:
        """Write the checks of one argument; return the address of its data."""
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

    def write(self, name: str, arguments: Sequence[Argument], kernel: str, release: bool) -> None:
        """Write the builtin `name`; the kernel takes the data addresses and returns an int32."""
        e = self.e
        with e.function(name, [("self", pointer), ("args", pointer), ("count", int64)], pointer) as (self_, args, count):
            self.expect(count == len(arguments))
            addresses = [self.check(e.load(args, pointer, n), wanted) for n, wanted in enumerate(arguments)]
            state = e.call("PyEval_SaveThread", pointer) if release else None
            status = e.call(kernel, int32, *addresses)
            if state is not None:
                e.call("PyEval_RestoreThread", None, state)
            done, failed = e.label("done"), e.label("failed")
            e.branch(status == 0, done, failed)
            e.begin(done)
            none = self.of(None)
            e.call("Py_IncRef", None, none)
            e.ret(none)
            e.begin(failed)
            e.ret(e.call("PyLong_FromLong", pointer, e.cast(status, int64)))
            e.begin("slow")
            e.ret(e.call("PyObject_Vectorcall", pointer, self_, args, count, e.const(0, pointer)))


def builtin(address: int, self_: SlowPath, definition: MethodDef) -> Callable:
    """Return a Python builtin function of the native function at an address."""
    make = ctypes.pythonapi.PyCMethod_New
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p]
    definition.function, definition.flags = address, METH_FASTCALL
    return make(ctypes.addressof(definition), self_, None, None)


def entry(
    arguments: Sequence[Argument],
    library: Library,
    kernel: str,
    slow: Callable,
    *,
    estimated_ns: float = 0.0,
    name: str = "kernel",
    using: Engine | None = None,
) -> Callable:
    """Return a callable that runs `kernel` of a library, `int32 kernel(address, …)`, on arguments that fit, else calls slow.

    It returns None, or the kernel's status if that is not 0. The GIL is released if a call is estimated to be long.
    """
    found = layout.ndarray()
    release = estimated_ns > RELEASE_ABOVE_NS
    if found is None:
        return checked_in_python(arguments, library, kernel, slow, release)
    using = engine() if using is None else using
    e = Emitter(using.target)
    writer = EntryWriter(e, found)
    writer.write("entry", arguments, "lineal_kernel", release)
    symbols = {**writer.symbols, **c_api(), "lineal_kernel": library[kernel]}
    linked = using.build(e, ["entry"], {n: a for n, a in symbols.items() if n in e.declared})
    definition = MethodDef(name.encode())
    keep = (library, linked, [(a.dtype, a.holder) for a in arguments])
    return builtin(linked["entry"], SlowPath(slow, definition, keep), definition)


def c_api() -> dict[str, int]:
    """Return the addresses of the functions of Python that entries call."""
    names = ("PyEval_SaveThread", "PyEval_RestoreThread", "Py_IncRef", "PyLong_FromLong", "PyObject_Vectorcall")
    return {name: ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0 for name in names}


def checked_in_python(arguments: Sequence[Argument], library: Library, kernel: str, slow: Callable, release: bool) -> Callable:
    """Return what `entry` returns, made with ctypes; slower by about a microsecond an argument."""
    kind = ctypes.CFUNCTYPE if release else ctypes.PYFUNCTYPE
    function = kind(ctypes.c_int32, *[ctypes.c_void_p] * len(arguments))(library[kernel])

    def call(*given: Any) -> Any:
        arrays = [wanted.array_of(each) for wanted, each in zip(arguments, given)]
        if len(given) != len(arguments) or any(array is None for array in arrays):
            return slow(*given)
        return function(*[array.ctypes.data for array in arrays]) or None  # type: ignore[union-attr]

    call.library = library  # type: ignore[attr-defined]
    return call
