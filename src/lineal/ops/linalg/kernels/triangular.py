"""Triangular matrices: systems, products of which one triangle is wanted."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import later
from lineal.codegen.batched.arrays import fit, kernel, laid
from lineal.codegen.dense import arrays as large

scipy: Any = later.module("scipy")

WIDE_BATCH = 8
"""From how many matrices on NumPy substitutes across the batch, row by row, instead of BLAS matrix by matrix."""


def solve_triangular(A: np.ndarray, B: np.ndarray, upper: bool, unit: bool) -> np.ndarray:
    """Return A⁻¹ B for stacks of triangular matrices A; the other triangle is zero."""
    if B.size == 0:
        return np.zeros(B.shape, A.dtype)
    if fit(A, B):
        (left, left_turned), (right, right_turned) = laid(A), laid(B)
        X = np.empty(right.shape, A.dtype)
        parameters = *B.shape[-2:], upper, unit, (left_turned, right_turned)
        kernel("solve_triangular", A.dtype, *parameters)(left, right, X)
        return (X.mT if right_turned else X).reshape(B.shape)
    if large.fit(A):
        return large.solve_triangular(A, B, upper, unit)
    if A.shape[:-2] and A[..., 0, 0].size >= WIDE_BATCH and A.shape[-1] <= 32:
        return substitute(A, B, upper, unit)
    trsm = scipy.linalg.blas.get_blas_funcs("trsm", dtype=A.dtype)
    X = np.empty(B.shape, A.dtype)
    n = A.shape[-1]
    for a, b, x in zip(A.reshape(-1, n, n), B.reshape(-1, *B.shape[-2:]), X.reshape(-1, *B.shape[-2:])):
        # BLAS wants columns contiguous: a row-major A is its transpose, upper becomes lower
        x[...] = trsm(1.0, a.T, b, lower=upper, trans_a=1, diag=unit)
    return X


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


LOWER_BLOCK = 128
"""How many rows of a triangular product are made at once: larger blocks make more zeros, smaller ones slower products."""


def lower_product(U: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Return the lower triangle of U G for upper triangular U, without the products that are zero or not wanted."""
    n = U.shape[-1]
    S = np.zeros(G.shape, G.dtype)
    for start in range(0, n, LOWER_BLOCK):
        stop = min(start + LOWER_BLOCK, n)
        S[..., start:stop, :stop] = np.tril(np.matmul(U[..., start:stop, start:], G[..., start:, :stop]), start)
    return S
