"""Intel's MKL in place of the programs, with the same methods; it has threads of its own, as many as `set_num_threads` says."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lineal.codegen.threads import wanted

__all__ = ["Mkl", "mkl", "mkl_library", "version"]

INTEL_THREADS = 0
RUNTIME = re.compile(r"(lib)?mkl_rt\.(so[.\d]*|(\d+\.)?dylib|(\d+\.)?dll)")
LETTER = {"float32": "s", "float64": "d"}


@cache
def mkl_library() -> Path | None:
    """Return the file of MKL's runtime, as its package lists it or as it lies beside this Python, or None."""
    try:
        listed = [Path(str(each.locate())) for each in importlib.metadata.files("mkl") or ()]
    except importlib.metadata.PackageNotFoundError:
        listed = []
    beside = [each for folder in ("lib", "Library/bin") for each in sorted(Path(sys.prefix, folder).glob("*mkl_rt*"))]
    return next((each.resolve() for each in (*listed, *beside) if RUNTIME.fullmatch(each.name) and each.exists()), None)


@cache
def library() -> ctypes.CDLL | None:
    """Return MKL's runtime, or None if it is not installed."""
    path = mkl_library()
    if path is None:
        return None
    # its threads would keep processors busy for 200 ms after each call, which the pool's threads need
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    found = ctypes.CDLL(str(path))
    found.MKL_Set_Threading_Layer(INTEL_THREADS)
    return found


def version() -> str:
    """Return MKL's version."""
    parts = (ctypes.c_int32 * 16)()
    found = library()
    if found is None:
        return "missing"
    # three numbers, then texts; what is told as the version are the first and the third
    found.MKL_Get_Version(parts)
    return f"{parts[0]}.{parts[2]}"


class Mkl:
    """MKL's routines for one dtype."""

    def __init__(self, dtype: np.dtype, found: Any):
        self.dtype, self.library = dtype, found

    def call(self, routine: str, *arguments: Any) -> int:
        """Call a routine that takes all by reference; return the info that LAPACK's end with."""
        info = ctypes.c_int32(0)
        given = [self.reference(each) for each in arguments]
        before = self.library.MKL_Set_Num_Threads_Local(wanted())
        getattr(self.library, LETTER[self.dtype.name] + routine + "_")(*given, ctypes.byref(info))
        self.library.MKL_Set_Num_Threads_Local(before)
        return info.value

    def reference(self, given: Any) -> Any:
        if isinstance(given, np.ndarray):
            return ctypes.c_void_p(given.ctypes.data)
        return ctypes.c_char_p(given.encode()) if isinstance(given, str) else ctypes.byref(ctypes.c_int32(given))

    def lu(self, A: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the LU factors of one matrix, by columns, the exchanged rows from 1, and info."""
        m, n = A.shape
        LU, pivots = np.array(A, order="F"), np.empty(min(m, n), np.int32)
        return LU, pivots, np.array(self.call("getrf", m, n, LU, m, pivots), np.int32)

    def cholesky(self, A: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the lower factor of one matrix, the lower triangle of which is read, and info."""
        L, n = np.tril(A), A.shape[0]
        # by columns, this is the upper triangle of the transpose
        return L, self.call("potrf", "U", n, L, n)

    def solve(self, A: np.ndarray, X: np.ndarray, upper: bool, unit: bool, stairs: bool = False) -> None:
        """Replace the right-hand sides X, dense rows, by A⁻¹ X for a triangular A; its other triangle is not read."""
        n, columns = X.shape
        # by columns, Xᵀ loses Aᵀ on its right, which lies there by columns, or A does
        transposed = A.strides[1] != A.itemsize
        step = A.strides[1 if transposed else 0] // A.itemsize
        letters = ("R", "U" if upper == transposed else "L", "T" if transposed else "N", "U" if unit else "N")
        self.call("trsm", *letters, columns, n, np.ones(1, self.dtype), A, step, X, columns)


@cache
def mkl(dtype: np.dtype) -> Mkl | None:
    """Return MKL's routines for float32 or float64, or None if MKL is not installed."""
    found = library()
    return None if found is None else Mkl(dtype, found)
