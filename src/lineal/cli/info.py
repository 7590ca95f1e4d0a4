"""`lineal info`."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from lineal import cli
from lineal.base.blas import EAGER
from lineal.base.threads import THREAD_VARIABLES
from lineal.base.version import __version__
from lineal.codegen.cache import Cache, default_folder
from lineal.codegen.dense import backends

REQUIRED = ("numpy", "scipy", "llvmlite", "ml_dtypes", "safetensors", "rich")
OPTIONAL = ("matplotlib", "plotly", "shtab", "mkl", "cupy", "mpi4py", "onnx", "onnxruntime", "torch", "jax", "threadpoolctl")


def run(args: argparse.Namespace) -> int:
    """Show the table and return the exit code."""
    display: Any = cli.display  # type: ignore[attr-defined]
    display.show_json(dict(facts())) if args.json else display.show_rows(facts())
    return 0


def facts() -> list[tuple[str, str]]:
    """Return what lineal runs on, as names and values."""
    rows = [("lineal", __version__), ("Python", f"{platform.python_version()} ({sys.executable})")]
    rows += [("system", platform.platform())]
    rows += [(name, version(name) or "missing") for name in REQUIRED]
    rows += [(name, found) for name in OPTIONAL if (found := version(name))]
    rows += [("BLAS of numpy", blas(np)), ("BLAS of scipy", blas(scipy))]
    rows += [("large matrices", backends.described())]
    rows += [("CPU", processor()), ("SIMD", simd()), ("threads", threads()), ("devices", "cpu")]
    rows += [("eager calls", EAGER.get()), ("compiled code", compiled())]
    return rows


def compiled() -> str:
    """Return where compiled code is kept, and how much there is."""
    folder = default_folder()
    return "not kept" if folder is None else f"{folder}: {cli.caching.held(Cache(folder))}"  # type: ignore[attr-defined]


def version(name: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def blas(module: Any) -> str:
    """Return the BLAS a package was built with."""
    built: dict[str, Any] = module.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return " ".join(str(built[key]) for key in ("name", "version") if built.get(key)) or "unknown"


def processor() -> str:
    """Return the name of the CPU."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def simd() -> str:
    """Return the vector instructions that NumPy found."""
    found: dict[str, Any] = np.show_config(mode="dicts").get("SIMD Extensions", {})  # type: ignore[union-attr]
    return " ".join([*found.get("baseline", []), *found.get("found", [])]) or "unknown"


def threads() -> str:
    """Return how many CPUs this process may use, and what limits the threads of BLAS."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if name in os.environ]
    return ", ".join([f"{usable} of {os.cpu_count()} CPUs", *limits])
