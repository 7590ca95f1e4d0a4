"""Triangular matrices: systems, products of which one triangle is wanted."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from lineal.base import later
from lineal.codegen.batched.arrays import kernel, laid
from lineal.codegen.choice import ACROSS, PROGRAMS, STEPS, planned
from lineal.codegen.dense import arrays as large

scipy: Any = later.module("scipy")


def across(A: np.ndarray) -> bool:
    """Return whether a batch of triangular systems is solved at once, not matrix by matrix."""
    return planned("solve_triangular", A) in (ACROSS, STEPS)


def solve_triangular(A: np.ndarray, B: np.ndarray, upper: bool, unit: bool) -> np.ndarray:
    """Return A⁻¹ B for stacks of triangular matrices A; the other triangle is not read."""
    if B.size == 0:
        return np.zeros(B.shape, A.dtype)
    chosen = planned("solve_triangular", A, B)
    if chosen == ACROSS:
        (left, left_transposed), (right, right_transposed) = laid(A), laid(B)
        X = np.empty(right.shape, A.dtype)
        parameters = *B.shape[-2:], upper, unit, (left_transposed, right_transposed)
        kernel("solve_triangular", A.dtype, *parameters)(left, right, X)
        return (X.mT if right_transposed else X).reshape(B.shape)
    if chosen == PROGRAMS:
        return large.solve_triangular(A, B, upper, unit)
    return substitute(A, B, upper, unit) if chosen == STEPS else solve_each(A, B, upper, unit)


def triangular_inverse(L: np.ndarray) -> np.ndarray | None:
    """Return L⁻¹ of lower triangular matrices, of a batch that is solved at once; None of others."""
    if not across(L):
        return None
    return solve_triangular(L, np.broadcast_to(np.eye(L.shape[-1], dtype=L.dtype), L.shape), False, False)


def solve_each(A: np.ndarray, B: np.ndarray, upper: bool, unit: bool) -> np.ndarray:
    """Solve matrix by matrix, by BLAS."""
    trsm, (given, transposed) = blas("trsm", A.dtype), laid(A)
    X = np.array(B, order="C")
    # BLAS wants columns contiguous, and so sees transposes: Xᵀ Aᵀ = Bᵀ
    side, lower, overwrite = 1, upper != transposed, 1
    for a, x in zip(given.mT, X.reshape(-1, *X.shape[-2:]).mT):
        trsm(1.0, a, x, side, lower, transposed, unit, overwrite)
    return X


@cache
def blas(name: str, dtype: np.dtype) -> Any:
    """Return BLAS's routine `name` for a dtype."""
    return scipy.linalg.blas.get_blas_funcs(name, dtype=dtype)


def substitute(A: np.ndarray, B: np.ndarray, upper: bool, unit: bool) -> np.ndarray:
    """Solve by substitution, each step for the whole batch."""
    n, T, X = A.shape[-1], side_by_side(A), side_by_side(B)
    for i in range(n - 1, -1, -1) if upper else range(n):
        if not unit:
            X[i] /= T[i, i]
        rest = slice(0, i) if upper else slice(i + 1, n)
        X[rest] -= T[rest, i, None] * X[i]
    return apart(X, B.shape)


def side_by_side(a: np.ndarray) -> np.ndarray:
    """Return a copy of a stack of matrices with the batch as last dimension, so that each step runs over dense numbers."""
    return np.array(a.reshape(-1, *a.shape[-2:]).transpose(1, 2, 0), order="C")


def apart(a: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the matrices of an array that has the batch as last dimension."""
    return np.array(a.transpose(2, 0, 1), order="C").reshape(shape)


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
