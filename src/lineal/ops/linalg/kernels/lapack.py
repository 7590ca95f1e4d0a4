"""LAPACK routines of one dtype as functions of Python, for what SciPy has no functions of its own."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from lineal.base.platforms import HOST
from lineal.codegen import blas


@cache
def routine(name: str, dtype: np.dtype) -> Callable[..., int]:
    """Return a LAPACK routine of letters, whole numbers and arrays, and which takes info last and returns it."""
    function = ctypes.CFUNCTYPE(None)(blas.address(blas.LETTER[dtype.name] + name))

    def called(*given: Any) -> int:
        info = ctypes.c_int32()
        function(*map(reference, given), ctypes.byref(info))
        return info.value

    return called


def reference(given: Any) -> Any:
    """Return what LAPACK is given for an argument."""
    if isinstance(given, np.ndarray):
        return ctypes.c_void_p(HOST.address(given))
    return ctypes.byref(ctypes.c_char(given.encode()) if isinstance(given, str) else ctypes.c_int32(given))
