"""Profile functions in emitted code, which know some code by its address and decide by it what they pass on.

CPython tells a profile function of every call and every return. To pass each of them on to one in Python takes a microsecond or
two; here the code that calls, or is called, is looked up in a table of addresses first, which takes some nanoseconds.
"""

from __future__ import annotations

import ctypes
from types import CodeType
from typing import ClassVar

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import int32, int64, pointer

__all__ = ["CALLED", "CALLED_C", "RETURNED", "CallFilter"]

CALLED, RETURNED, CALLED_C = 0, 3, 4
"""What CPython says of a call of a function of Python's, of a return or an error that leaves one, of a call of one of C's."""
SIZE, PROBES, SHIFT = 1 << 13, 4, 5
"""How many places the table has, at how many of them code may stand, and which bits of its address tell where."""


class CallFilter:
    """The profile function at `address`, which passes on to the one at `heard` what it lets through."""

    events: ClassVar[tuple[int, int]]
    """What it may pass on, by CPython's numbers."""
    passes_known: ClassVar[bool]
    """Whether it passes on what is of code in the table, or what is of any other."""

    def __init__(self, heard: int):
        self.table = np.zeros(SIZE + PROBES, np.int64)
        self.codes: list[CodeType] = []
        """The code in the table, which must stay alive: other code could come to lie there."""
        e = Emitter(engine().target)
        self.write(e)
        symbols = {"heard": heard, "known": self.table.ctypes.data}
        for name in ("PyFrame_GetCode", "Py_DecRef"):
            symbols[name] = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
        self.library = engine().build(e, ["filter"], symbols)
        self.address = self.library["filter"]

    def enter(self, code: CodeType) -> bool:
        """Enter code in the table, and return whether it was not there and has found a place near the one its address names."""
        first = (id(code) >> SHIFT) % SIZE
        near = self.table[first : first + PROBES]
        free = np.flatnonzero(near == 0)
        if not free.size or id(code) in near:
            return False
        self.codes.append(code)
        near[free[0]] = id(code)
        return True

    def write(self, e: Emitter) -> None:
        """Write the function."""
        given = [("self", pointer), ("frame", pointer), ("what", int32), ("of", pointer)]
        with e.function("filter", given, int32) as (self_, frame, what, of):
            with e.when((what != self.events[0]) & (what != self.events[1])):
                e.ret(e.const(0, int32))
                e.begin(e.label("never"))
            code = e.call("PyFrame_GetCode", pointer, frame)
            e.call("Py_DecRef", None, code)
            address = e.new(f"ptrtoint {code.typed} to i64", int64)
            place = e.bits("and", e.bits("lshr", address, SHIFT), SIZE - 1)
            table = e.symbol("known")
            found = [e.load(table, int64, place + n) == address for n in range(PROBES)]
            known = found[0] | found[1] | found[2] | found[3]
            with e.when(~known if self.passes_known else known):
                e.ret(e.const(0, int32))
                e.begin(e.label("never"))
            e.ret(e.call("heard", int32, self_, frame, what, of))
