"""The number of threads that native code may use: today NumPy's OpenBLAS, which its wheels bring along."""

from __future__ import annotations

import ctypes
import os
from functools import cache

import numpy as np

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""The environment variables by which users limit the threads of BLAS."""


class Threads:
    """The process-wide setting; None until somebody sets it."""

    chosen: int | None = None


def available() -> int:
    """Return the number of processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def openblas() -> ctypes.CDLL | None:
    """Return the OpenBLAS library that came with NumPy, or None if NumPy uses another BLAS."""
    package = os.path.dirname(np.__file__)
    for folder in (f"{package}.libs", os.path.join(package, ".dylibs")):
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            library = ctypes.CDLL(os.path.join(folder, name)) if "openblas" in name else None
            if hasattr(library, "scipy_openblas_set_num_threads64_"):
                return library
    return None


def get_num_threads() -> int:
    """Return the number of threads that native code uses."""
    if Threads.chosen is not None:
        return Threads.chosen
    library = openblas()
    return available() if library is None else int(library.scipy_openblas_get_num_threads64_())


def set_num_threads(count: int) -> None:
    """Let native code use this many threads."""
    if count < 1:
        raise RuntimeError(f"set_num_threads: expects a positive integer, got {count}")
    Threads.chosen = count
    library = openblas()
    if library is not None:
        library.scipy_openblas_set_num_threads64_(count)
