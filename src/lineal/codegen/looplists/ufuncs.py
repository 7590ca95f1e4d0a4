"""Where NumPy keeps the inner loops of its ufuncs: the struct PyUFuncObject, part of its binary interface since 1.0."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

__all__ = ["Loop", "loop_of"]


class Head(ctypes.Structure):
    """How a PyUFuncObject begins."""

    _fields_ = [
        ("references", ctypes.c_ssize_t),
        ("type", ctypes.c_void_p),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.c_void_p),
    ]


class Loop(NamedTuple):
    """An inner loop: void (char **args, npy_intp *dimensions, npy_intp *steps, void *data)."""

    function: int
    data: int


@lru_cache(1024)
def loop_of(ufunc: np.ufunc, dtypes: tuple[np.dtype, ...]) -> Loop | None:
    """Return the loop of a ufunc for operands of these dtypes, results last; None if there is none that can be called."""
    head = head_of(ufunc)
    wanted = "".join([each.char for each in dtypes])
    if head is None:
        return None
    for place, types in enumerate(ufunc.types):
        if types.replace("->", "") == wanted:
            function = head.functions[place]
            return Loop(function, (head.data[place] if head.data else None) or 0) if function else None
    return None


def head_of(ufunc: np.ufunc) -> Head | None:
    """Return the struct of a ufunc; None where it does not say what the ufunc itself says."""
    if type(ufunc) is not np.ufunc:
        return None
    head = Head.from_address(id(ufunc))
    told = (head.nin, head.nout, head.nargs, head.ntypes)
    if told != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes) or head.name != ufunc.__name__.encode():
        return None
    codes = np.ctypeslib.as_array((ctypes.c_byte * (head.ntypes * head.nargs)).from_address(head.types))
    return head if told_types(ufunc.types) == codes.tolist() else None


def told_types(types: Sequence[str]) -> list[int]:
    """Return the numbers of the dtypes of a ufunc's loops, as it tells them."""
    return [np.dtype(letter).num for each in types for letter in each.replace("->", "")]
