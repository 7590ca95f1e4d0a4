"""One Python builtin for all loops over arrays: it reads where arrays begin, and calls code with their addresses.

The first argument is a table of whole numbers: the code's address, and whether to give the GIL away; the code gets the address
of the arrays' addresses, and that of the numbers that follow. Looking at an array takes some nanoseconds so, from Python half a
microsecond.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.entry import builtin
from lineal.codegen.cpython.objects import ALIGNED, ObjectWriter, field
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.once import once
from lineal.codegen.values import Value

__all__ = ["HEAD", "arraycall", "by_hand"]

CODE, RELEASE, HEAD = range(3)
"""The first words of a table, and where its numbers begin."""


class ArrayCallWriter(ObjectWriter):
    """Writes the builtin."""

    def write(self) -> None:
        """Write `entry(self, args, count)`."""
        e = self.e
        with e.function("entry", [("self", pointer), ("args", pointer), ("count", int64)], pointer) as (self_, args, count):
            addresses = e.new(f"alloca ptr, {count.typed}", pointer)
            with e.loop(count) as n:
                e.store(self.array(e.load(args, pointer, n)), addresses, n)
            table = e.load(addresses, pointer)
            code, given = e.load(table, pointer, CODE), [e.address(addresses, 1, pointer), e.address(table, HEAD, int64)]
            with e.if_else(e.load(table, int64, RELEASE) != 0) as (then, otherwise):
                with then:
                    state = e.call("PyEval_SaveThread", pointer)
                    e.call_pointer(code, *given)
                    e.call("PyEval_RestoreThread", None, state)
                with otherwise:
                    e.call_pointer(code, *given)
            e.ret(self.retain(self.of(True)))
            e.begin("slow")
            e.ret(e.call("PyObject_Vectorcall", pointer, self_, args, count, e.const(0, pointer)))

    def array(self, given: Value) -> Value:
        """Write the look at an argument, an aligned array of NumPy's own class; return where it begins."""
        e, at = self.e, self.layout
        self.expect(field(e, given, at.type, pointer) == self.of(np.ndarray))
        self.expect((field(e, given, at.flags, int32) & ALIGNED) == ALIGNED)
        return field(e, given, at.data, pointer)


def by_hand(table: np.ndarray, *arrays: np.ndarray) -> bool:
    """Do in Python what the builtin does; return False, having done nothing, if an array is not aligned."""
    if not all(each.flags.aligned for each in arrays):
        return False
    addresses = np.array([each.ctypes.data for each in arrays], np.uintp)
    kind = ctypes.CFUNCTYPE if table[RELEASE] else ctypes.PYFUNCTYPE
    numbers = table[HEAD:]
    kind(None, ctypes.c_void_p, ctypes.c_void_p)(int(table[CODE]))(addresses.ctypes.data, numbers.ctypes.data)
    return True


@once
def arraycall() -> Callable[..., Any]:
    """Return `call(table, *arrays)`, which says whether it is done: the builtin, or `by_hand` where arrays cannot be read."""
    found = layout.ndarray()
    if found is None:
        return by_hand
    e = Emitter(engine().target)
    writer = ArrayCallWriter(e, found)
    writer.write()
    linked = engine().build(e, ["entry"], {name: at for name, at in writer.symbols.items() if name in e.declared})
    return builtin(linked["entry"], by_hand, (linked, writer.kept), "arraycall")
