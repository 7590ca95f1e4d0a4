"""NumPy's inner loops by address: what a function like `np.exp` calls once it knows dtypes and shapes.

Where a function keeps them is part of NumPy's binary interface (`ufuncobject.h`); that it is so here is seen by what is known
of the function otherwise.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

__all__ = ["inner_loop"]


class Function(ctypes.Structure):
    """The first fields of a NumPy function."""

    _fields_ = [
        ("head", ctypes.c_char * object.__basicsize__),
        *[(name, ctypes.c_int) for name in ("nin", "nout", "nargs", "identity")],
        *[(name, ctypes.c_void_p) for name in ("functions", "data")],
        *[(name, ctypes.c_int) for name in ("ntypes", "reserved")],
        ("name", ctypes.c_char_p),
        ("types", ctypes.c_void_p),
    ]


@lru_cache(1024)
def inner_loop(function: np.ufunc, storages: Sequence[np.dtype]) -> tuple[int, int]:
    """Return the addresses of a function's loop for operands of these dtypes, and of its data; LookupError if it has none."""
    found = Function.from_address(id(function))
    counts = found.nin, found.nout, found.nargs, found.ntypes
    if counts != (function.nin, function.nout, function.nargs, function.ntypes) or found.name != function.__name__.encode():
        raise LookupError(f"{function.__name__}: expected the fields of a function of NumPy, got something else")
    wanted, width = bytes([each.num for each in storages]), function.nargs
    kinds = ctypes.string_at(found.types, width * function.ntypes)
    for place in range(function.ntypes):
        loop = ctypes.c_void_p.from_address(found.functions + 8 * place).value
        if kinds[place * width : (place + 1) * width] == wanted and loop:
            return loop, (ctypes.c_void_p.from_address(found.data + 8 * place).value or 0) if found.data else 0
    raise LookupError(f"{function.__name__}: no loop for {[str(each) for each in storages]}")
