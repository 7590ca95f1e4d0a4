"""Native code as a Python builtin: checks its arguments against a table of constants and calls the kernel with their addresses.

The builtin is made in emitted code (METH_FASTCALL). What does not fit the table goes to the slow path, a Python callable with
the same arguments. Where arrays cannot be read natively (`layout.ndarray()` is None), the checks are made in Python.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.objects import Argument, ObjectWriter
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Engine, Library, engine
from lineal.codegen.kinds import int32, int64, pointer

METH_FASTCALL = 0x80
# below this, giving the GIL away costs more than others gain
RELEASE_ABOVE_NS = 50_000


class MethodDef(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = [("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)]


class SlowPath:
    """The self of a builtin: called with what the fast path refuses; keeps the code alive."""

    __slots__ = ("keep", "slow")

    def __init__(self, slow: Callable, keep: object):
        self.slow = slow
        self.keep = keep

    def __call__(self, *args: Any) -> Any:
        return self.slow(*args)


class EntryWriter(ObjectWriter):
    """Writes the builtin of a kernel."""

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
            with e.when(status != 0):
                e.ret(e.call("PyLong_FromSsize_t", pointer, e.cast(status, int64)))
                e.begin(e.label("never"))
            e.ret(self.retain(self.of(None)))
            e.begin("slow")
            e.ret(e.call("PyObject_Vectorcall", pointer, self_, args, count, e.const(0, pointer)))


def bound(address: int, self: object, name: str, flags: int = METH_FASTCALL) -> Callable:
    """Return the builtin function `name` of the native function at an address, which is given `self` and keeps it."""
    make = ctypes.pythonapi.PyCMethod_New
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p]
    definition = MethodDef(name.encode(), address, flags)
    # a builtin asks its description when it is freed, and a garbage collection may have emptied its self before that
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(definition))
    return make(ctypes.addressof(definition), self, None, None)


def builtin(address: int, slow: Callable, keep: object, name: str) -> Callable:
    """Return the builtin function `name` of the native function at an address; `slow` is its self, `keep` lives as long."""
    return bound(address, SlowPath(slow, keep), name)


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
    symbols = {**writer.symbols, "lineal_kernel": library[kernel]}
    linked = using.build(e, ["entry"], {n: a for n, a in symbols.items() if n in e.declared})
    return builtin(linked["entry"], slow, (library, linked, writer.kept), name)


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
