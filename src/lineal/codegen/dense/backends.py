"""Who computes with large matrices: the programs of this folder, or MKL.

On AMD's Zen 4 the programs take 0.5 to 0.9 of the time of MKL 2026.2 (LU, Cholesky and triangular systems of n = 1000 and
2000, one thread and two); so there "auto" chooses them, elsewhere MKL if it is installed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.blas import get_blas
from lineal.codegen.dense.mkl import mkl, mkl_library, version
from lineal.codegen.dense.programs import programs as own
from lineal.codegen.target import detected
from lineal.codegen.threads import wanted

__all__ = ["chosen", "described", "own"]

FASTER_THAN_MKL = ("znver",)
"""How LLVM's names of processors begin on which the programs are faster."""


def chosen(dtype: np.dtype) -> Any:
    """Return the programs, or MKL's routines, that are to be used for a dtype."""
    name = get_blas()
    if name == "own" or (name == "auto" and detected().cpu.startswith(FASTER_THAN_MKL)):
        return own(dtype)
    found = mkl(dtype)
    if found is None and name == "mkl":
        raise RuntimeError("LINEAL_BLAS: expected the package mkl to be installed, or another choice than mkl")
    return own(dtype) if found is None else found


def described() -> str:
    """Return in words what computes with large matrices, from which file, and on how many threads."""
    by_mkl = chosen(np.dtype(np.float64)) is not own(np.dtype(np.float64))
    library = f"MKL {version()} ({mkl_library()})" if by_mkl else "native programs of lineal"
    return f"{library}, {wanted()} threads, set to {get_blas()}"
