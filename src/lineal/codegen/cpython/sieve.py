"""A profile function that keeps to itself what need not be heard: most calls while something is traced are lineal's own.

CPython tells a profile function of every call and every return. To pass each of them on to one in Python takes a microsecond or
two; here the code that calls, or is called, is looked up in a table of addresses first, which takes some nanoseconds.
"""

from __future__ import annotations

import ctypes
from types import CodeType

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import int32, int64, pointer

__all__ = ["Sieve"]

CALLED, CALLED_C = 0, 4
"""What CPython says of a call of a function of Python's, and of one of C's; returns and errors are something else."""
SIZE, PROBES, SHIFT = 1 << 13, 4, 5
"""How many places the table has, at how many of them code may stand, and which bits of its address tell where."""
MOST = SIZE // 4


class Sieve:
    """The profile function at `address`, which passes calls on to another one unless they are of code that was left out."""

    def __init__(self, heard: int):
        self.table = np.zeros(SIZE + PROBES, np.int64)
        self.codes: list[CodeType] = []
        """What was left out, which must stay alive: other code could come to lie there."""
        e = Emitter(engine().target)
        self.write(e)
        symbols = {"heard": heard, "left_out": self.table.ctypes.data}
        for name in ("PyFrame_GetCode", "Py_DecRef"):
            symbols[name] = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
        self.library = engine().build(e, ["sieve"], symbols)
        self.address = self.library["sieve"]

    def write(self, e: Emitter) -> None:
        """Write the function."""
        given = [("self", pointer), ("frame", pointer), ("what", int32), ("of", pointer)]
        with e.function("sieve", given, int32) as (self_, frame, what, of):
            with e.when((what != CALLED) & (what != CALLED_C)):
                e.ret(e.const(0, int32))
                e.begin(e.label("never"))
            code = e.call("PyFrame_GetCode", pointer, frame)
            e.call("Py_DecRef", None, code)
            address = e.new(f"ptrtoint {code.typed} to i64", int64)
            place = e.bits("and", e.bits("lshr", address, SHIFT), SIZE - 1)
            table = e.symbol("left_out")
            found = [e.load(table, int64, place + n) == address for n in range(PROBES)]
            with e.when(found[0] | found[1] | found[2] | found[3]):
                e.ret(e.const(0, int32))
                e.begin(e.label("never"))
            e.ret(e.call("heard", int32, self_, frame, what, of))

    def leave_out(self, code: CodeType) -> None:
        """Let calls of some code, and those that it makes, no longer be passed on."""
        first = (id(code) >> SHIFT) % SIZE
        free = np.flatnonzero(self.table[first : first + PROBES] == 0)
        if free.size and len(self.codes) < MOST and id(code) not in self.table[first : first + PROBES]:
            self.codes.append(code)
            self.table[first + free[0]] = id(code)
