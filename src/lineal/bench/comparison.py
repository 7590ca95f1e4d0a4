"""Running the workloads side by side: what the rivals are, and their medians."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np

import lineal
from lineal.bench import jax_workloads
from lineal.bench.interleaved import machine, medians
from lineal.bench.workloads import WORKLOADS

torch: Any = None
with contextlib.suppress(ImportError):
    import torch  # pyright: ignore[reportMissingImports]

__all__ = ["LIBRARIES", "compared", "machine", "rivals", "versions"]

LIBRARIES = ("lineal", "lineal eager", "torch", "torch.compile", "jax")
WARM_CALLS = 5
"""Calls before the clock starts: the states of an optimizer appear, programs are compiled."""


def rivals(name: str, torch_compile: bool = False) -> dict[str, Callable[[], Any]]:
    """Return what computes one workload, by library; peers that are not installed are left out.

    `torch_compile` adds PyTorch's compiler, where a C++ compiler is found; compiling a workload takes it up to a minute.
    """
    make = WORKLOADS[name]
    function, data = make(lineal)
    compiled, eager = lineal.compile(function), make(lineal)
    found: dict[str, Callable[[], Any]] = {"lineal": lambda: compiled(*data), "lineal eager": lambda: eager[0](*eager[1])}
    if torch is not None:
        theirs, given = make(torch)
        found["torch"] = lambda: theirs(*given)
    if torch is not None and torch_compile and shutil.which("c++"):
        traced, arguments = make(torch)
        quick = torch.compile(traced)
        found["torch.compile"] = lambda: quick(*arguments)
    jitted = jax_workloads.rival(name)
    if jitted is not None:
        found["jax"] = jitted
    for each in found.values():
        for _ in range(WARM_CALLS):
            each()
    return found


def compared(name: str, rounds: int = 25, torch_compile: bool = False) -> dict[str, float]:
    """Return the median seconds of a call of one workload, by library, in `rounds` interleaved rounds."""
    return medians(rivals(name, torch_compile), rounds)


def versions() -> str:
    """Return the versions of what is compared."""
    found = [f"lineal {lineal.__version__}", f"numpy {np.__version__}"]
    found += [] if torch is None else [f"torch {torch.__version__}"]
    found += [] if jax_workloads.jax is None else [f"jax {jax_workloads.jax.__version__}"]
    return ", ".join(found)
