"""Who computes with large matrices: the programs of this folder, or MKL, as `choice.large_by` says."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.blas import get_blas
from lineal.codegen.choice import PROGRAMS, large_by
from lineal.codegen.dense.mkl import mkl, mkl_library, version
from lineal.codegen.dense.programs import programs as own
from lineal.codegen.target import detected
from lineal.codegen.threads import wanted

__all__ = ["chosen", "described", "own"]


def chosen(dtype: np.dtype) -> Any:
    """Return the programs, or MKL's routines, that are to be used for a dtype."""
    name = get_blas()
    if large_by(name, detected().cpu) == PROGRAMS:
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
