"""Triangular systems."""

from __future__ import annotations

import functools
from typing import Any

import lazy_loader
import numpy as np

from lineal.core import AbstractTensor, Op, apply
from lineal.ops.linalg.matrices import (
    broadcast_batches,
    require_matrix,
    require_one_dtype,
    require_square,
    stored,
)
from lineal.ops.linalg.matrices import triangular_solve as triangular_result

__all__ = ["solve_triangular", "triangular_solve"]

scipy = lazy_loader.load("scipy")

WIDE_BATCH = 8
"""From how many matrices on substitution runs across the batch, row by row, instead of matrix by matrix through BLAS."""


class SolveTriangular(Op):
    """A X = B with A triangular;  B̄ = A⁻ᴴ X̄,  Ā = -tri(B̄ Xᴴ).   Giles (2008), section 2.3.1 with A triangular."""

    upper: bool
    unit: bool
    name = "LinalgSolveTriangular"
    keeps = ("0 y", "0")

    def eager(self, xp, A, B):
        storage = A.dtype
        if B.shape[-1] == 0 or B.size == 0:
            return np.zeros(B.shape, storage)
        if A.shape[:-2] and A[..., 0, 0].size >= WIDE_BATCH and A.shape[-1] <= 32:
            return substitute(A, B, self.upper, self.unit)
        trsm = scipy.linalg.blas.get_blas_funcs("trsm", dtype=storage)
        X = np.empty(B.shape, storage)
        n = A.shape[-1]
        for a, b, x in zip(A.reshape(-1, n, n), B.reshape(-1, *B.shape[-2:]), X.reshape(-1, *B.shape[-2:])):
            # BLAS wants columns contiguous: a row-major A is its transpose, upper becomes lower
            x[...] = trsm(1.0, a.T, b, lower=self.upper, trans_a=1, diag=self.unit)
        return X

    def vjp(self, needs, g, y, A, B):
        back = apply(_solve(not self.upper, self.unit), A.mH, g)
        if not needs[0]:
            return None, back
        full = -(back @ y.mH)
        step = 1 if self.unit else 0
        return full.triu(step) if self.upper else full.tril(-step), back


_solve = functools.lru_cache(16)(SolveTriangular)


def substitute(A: np.ndarray, B: np.ndarray, upper: bool, unit: bool) -> np.ndarray:
    """Solve by substitution, each step for the whole batch."""
    n = A.shape[-1]
    X = np.array(B, dtype=A.dtype)
    for i in range(n - 1, -1, -1) if upper else range(n):
        known = slice(i + 1, n) if upper else slice(0, i)
        if i != (n - 1 if upper else 0):
            X[..., i, :] -= np.matmul(A[..., i : i + 1, known], X[..., known, :])[..., 0, :]
        if not unit:
            X[..., i, :] /= A[..., i : i + 1, i]
    return X


def solve_triangular(
    A: AbstractTensor,
    B: AbstractTensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
    out: AbstractTensor | None = None,
) -> Any:
    """Return X with A X = B (or X A = B if not `left`) for triangular A; the other triangle of A is not read.

    A is (…, n, n), B (…, n, k) or, if not `left`, (…, k, n). With `unitriangular` the diagonal counts as 1. A zero on the
    diagonal gives infinities or NaN, no error.
    """
    name = "linalg.solve_triangular"
    require_square(name, A)
    require_matrix(name, B, "B")
    require_one_dtype(name, A, B)
    if A.value.shape[-1] != B.value.shape[-2 if left else -1]:
        order = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {order} "
            f"({'x'.join(map(str, A.value.shape[-2:]))} and {'x'.join(map(str, B.value.shape[-2:]))})"
        )
    A, B = broadcast_batches(name, A, B)
    A = A.triu() if upper else A.tril()  # type: ignore[attr-defined]
    if left:
        X = apply(_solve(upper, unitriangular), A, B)
    else:
        X = apply(_solve(not upper, unitriangular), A.mT, B.mT).mT  # type: ignore[attr-defined]
    return stored(X, out, name)


def triangular_solve(
    input: AbstractTensor, A: AbstractTensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *, out=None
) -> Any:
    """Return the solution of A X = input (or Aᵀ X = input) with A triangular, and A; `linalg.solve_triangular` is newer."""
    matrix = A.mT if transpose else A  # type: ignore[attr-defined]
    X = solve_triangular(matrix, input, upper=upper != transpose, unitriangular=unitriangular)
    return stored(triangular_result((X, A)), out, "triangular_solve")
