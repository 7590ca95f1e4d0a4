"""Norms of matrices and of their inverses."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.platforms import FOREIGN, HOST, moved
from lineal.codegen.batched.arrays import dense, kernel, laid
from lineal.codegen.choice import ACROSS, PROGRAMS, planned
from lineal.codegen.dense import arrays as large


def frobenius(A: Any) -> np.ndarray:
    """Return the roots of the sums of squares, in one pass; infinite where a square is."""
    if FOREIGN:
        A = moved(A, HOST)
    if A.ndim == 2:
        return np.sqrt(np.vdot(A, A).real)
    if A.dtype.kind == "c":
        return np.sqrt(np.einsum("...ij,...ij->...", A.real, A.real) + np.einsum("...ij,...ij->...", A.imag, A.imag))
    if planned("frobenius", A) != ACROSS:
        return np.sqrt(np.einsum("...ij,...ij->...", A, A))
    given, _ = laid(A)
    y = np.empty(A.shape[:-2], A.dtype)
    kernel("frobenius", A.dtype, given[0].size)(given, y.reshape(-1))
    return y


def norm1(A: np.ndarray) -> np.ndarray:
    """Return the largest column sums of absolute values."""
    if FOREIGN:
        A = moved(A, HOST)
    if planned("norm1", A) != ACROSS:
        return np.abs(A).sum(-2).max(-1, initial=0)
    given, transposed = laid(A)
    y = np.empty(A.shape[:-2], A.dtype)
    kernel("norm1", A.dtype, *given.shape[1:], transposed)(given, y.reshape(-1))
    return y


def inverse_norm1(LU: np.ndarray) -> np.ndarray | None:
    """Return |A⁻¹|₁ of matrices given by their LU factors, NaN where a pivot is zero; None if LAPACK is to estimate it."""
    chosen = planned("inverse_norm1", LU)
    if chosen != ACROSS:
        return large.inverse_norm1(LU) if chosen == PROGRAMS else None
    y = np.empty(LU.shape[:-2], LU.dtype)
    kernel("inverse_norm1", LU.dtype, LU.shape[-1])(dense(LU), y.reshape(-1))
    return y


def condition(A: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return |A|₁ and |A⁻¹|₁, infinite where a pivot is zero, of however few matrices; None if there is no kernel."""
    if planned("condition", A) != ACROSS:
        return None
    given, count = dense(A), A[..., 0, 0].size
    run = kernel("condition", A.dtype, A.shape[-1])
    if count < run.lanes:
        given = np.resize(given, (run.lanes, *given.shape[1:]))
    found = np.empty((2, len(given)), A.dtype)
    run(given, *found)
    first, second = found[:, :count].reshape(2, *A.shape[:-2])
    return first, second
