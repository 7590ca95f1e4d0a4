"""The kernels as functions of NumPy arrays; `choice` says who is to use them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lineal.base import later

__all__ = ["Solved", "solve"]

# one placeholder for all the code generators: each costs a search at import
elimination: Any = later.module("lineal.codegen.rowwise.elimination")


class Solved(NamedTuple):
    """What elimination gives: X, 0 or the place of the first zero pivot, and per matrix what tells of its condition."""

    X: np.ndarray
    info: np.ndarray
    findings: np.ndarray


def stack(a: np.ndarray) -> np.ndarray:
    """Return the matrices of a stack, row by row, in one dense array with one leading dimension."""
    return np.require(a, requirements=["C", "A"]).reshape(-1, *a.shape[-2:])


def solve(A: np.ndarray, B: np.ndarray, kept: int) -> Solved:
    """Return the first columns of A⁻¹ B and what the others tell; B may be one matrix for all."""
    *batch, n, _ = A.shape
    columns, given, right = B.shape[-1], stack(A), stack(B)
    X, info = np.empty((len(given), n, kept), A.dtype), np.empty(len(given), np.int32)
    findings = np.empty((len(given), len(elimination.FINDINGS)), A.real.dtype)
    left, chunks, memory = elimination.memory_of(A.dtype, n, columns)
    sizes = n, columns, kept, 0 if B.ndim == 2 else n * columns, left, chunks
    elimination.solver(A.dtype)((given, right, X, info, findings), sizes, memory, len(given), n * n * (n // 3 + columns))
    return Solved(X.reshape(*batch, n, kept), info.reshape(batch), findings.reshape(*batch, -1))
