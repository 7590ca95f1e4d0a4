"""A profile function that passes on the calls of some code alone, and its returns: what a profiler wants to hear of.

CPython tells a profile function of every call and every return. Emitted code looks the code up in a table of addresses, which
takes some nanoseconds, so that what nobody asked for is hardly slower than without a profiler.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from types import CodeType

import numpy as np

from lineal.codegen.cpython.sieve import CALLED, PROBES, SHIFT
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import int32, int64, pointer

__all__ = ["CALLED", "RETURNED", "CallWatch"]

RETURNED = 3
"""What CPython says of a return, and of a frame that an error leaves."""
SIZE = 1 << 13
"""How many places the table has, of which few are taken."""


class CallWatch:
    """The profile function at `address`, which passes calls of some code, and returns from it, on to the one at `heard`."""

    def __init__(self, heard: int):
        self.table = np.zeros(SIZE + PROBES, np.int64)
        self.codes: list[CodeType] = []
        """What is heard, which must stay alive: other code could come to lie there."""
        e = Emitter(engine().target)
        self.write(e)
        symbols = {"heard": heard, "watched": self.table.ctypes.data}
        for name in ("PyFrame_GetCode", "Py_DecRef"):
            symbols[name] = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
        self.library = engine().build(e, ["watch"], symbols)
        self.address = self.library["watch"]

    def hear(self, codes: Iterable[CodeType]) -> None:
        """Pass on calls of these codes, and of no others; what finds no place near the one its address names is not heard."""
        self.codes = list(dict.fromkeys(codes))
        self.table[:] = 0
        for code in self.codes:
            first = (id(code) >> SHIFT) % SIZE
            free = np.flatnonzero(self.table[first : first + PROBES] == 0)
            self.table[first + free[:1]] = id(code)

    def write(self, e: Emitter) -> None:
        """Write the function."""
        given = [("self", pointer), ("frame", pointer), ("what", int32), ("of", pointer)]
        with e.function("watch", given, int32) as (self_, frame, what, of):
            with e.when((what != CALLED) & (what != RETURNED)):
                e.ret(e.const(0, int32))
                e.begin(e.label("never"))
            code = e.call("PyFrame_GetCode", pointer, frame)
            e.call("Py_DecRef", None, code)
            address = e.new(f"ptrtoint {code.typed} to i64", int64)
            place = e.bits("and", e.bits("lshr", address, SHIFT), SIZE - 1)
            table = e.symbol("watched")
            missing = [e.load(table, int64, place + n) != address for n in range(PROBES)]
            with e.when(missing[0] & missing[1] & missing[2] & missing[3]):
                e.ret(e.const(0, int32))
                e.begin(e.label("never"))
            e.ret(e.call("heard", int32, self_, frame, what, of))
