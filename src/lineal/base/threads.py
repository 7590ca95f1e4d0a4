"""The number of threads that native code may use: lineal's own, and NumPy's OpenBLAS, which its wheels bring along."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

from lineal.base import later

finding = later.module("importlib.util")

__all__ = ["get_num_threads", "set_num_threads"]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""The environment variables by which users limit the threads of BLAS."""


class Threads:
    """The process-wide setting; None until somebody sets it."""

    chosen: int | None = None


def available() -> int:
    """Return the number of processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def openblas(package: str, function: str) -> Any:
    """Return a function of the OpenBLAS that came with the wheel of "numpy" or "scipy", or None if it uses another BLAS."""
    spec = finding.find_spec(package)
    folder = os.path.dirname((spec and spec.origin) or "")
    for place in (f"{folder}.libs", os.path.join(folder, ".dylibs")):
        for name in sorted(os.listdir(place)) if os.path.isdir(place) else ():
            library = ctypes.CDLL(os.path.join(place, name)) if "openblas" in name else None
            if hasattr(library, function):
                return getattr(library, function)
    return None


def get_num_threads() -> int:
    """Return the number of threads that native code uses."""
    if Threads.chosen is not None:
        return Threads.chosen
    known = openblas("numpy", "scipy_openblas_get_num_threads64_")
    return available() if known is None else int(known())


def set_num_threads(count: int) -> None:
    """Let native code use this many threads."""
    if count < 1:
        raise RuntimeError(f"set_num_threads: expects a positive integer, got {count}")
    Threads.chosen = count
    told = openblas("numpy", "scipy_openblas_set_num_threads64_")
    if told is not None:
        told(count)
