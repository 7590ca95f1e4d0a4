"""Iterative refinement: a solution is corrected by its residual until it is as good as rounding allows."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.ops.linalg.matrices import adjoint as adjoint_of
from lineal.ops.linalg.structure import KERNELS

__all__: list[str] = []

ROUNDS = 10
"""Corrections at most; with a condition number below 1/ε two or three suffice."""

LARGE = 10**8
"""From how many products on residuals of float64 are computed in float64: the platform's longest dtype has no BLAS."""

WIDER = {"f": np.dtype("d"), "d": np.dtype("g"), "F": np.dtype("D"), "D": np.dtype("G")}
"""In what residuals are computed: twice the digits for float32, the platform's longest for float64."""


def residual(A: np.ndarray, X: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return B - A X, computed in the wider dtype; float64 too large for arithmetic without BLAS stays what it is."""
    wide = WIDER[A.dtype.char] if A.size * X.shape[-1] <= LARGE or A.dtype.char in "fF" else A.dtype
    return B.astype(wide) - np.matmul(A.astype(wide), X.astype(wide))


def backward_error(A: np.ndarray, X: np.ndarray, B: np.ndarray, normwise: bool = False) -> np.ndarray:
    """Return, per column, a bound of the least ω with (A + E) x = b + e, |E| ≤ ω |A| and |e| ≤ ω |b|.

    Oettli and Prager (1964): ω = max |b - A x| / (|A| |x| + |b|), to which the rounding of the residual itself is added. With
    `normwise`, |·| is the ∞-norm instead of each element (Rigal and Gaches 1967). NaN where A, X or B is not finite.
    """
    if not X.size:
        return np.zeros((*X.shape[:-2], X.shape[-1]), np.empty(0, A.dtype).real.dtype)
    n = A.shape[-1]
    R = np.abs(residual(A, X, B))
    if normwise:
        scale = np.abs(A).sum(-1).max(-1)[..., None] * np.abs(X).max(-2) + np.abs(B).max(-2)
        return _ratio(R.max(-2), scale).astype(np.empty(0, A.dtype).real.dtype)
    scale = np.matmul(np.abs(A).astype(R.dtype), np.abs(X).astype(R.dtype)) + np.abs(B)
    bound = _ratio(R, scale).max(-2) + (n + 1) * np.finfo(R.dtype).eps
    return bound.astype(np.empty(0, A.dtype).real.dtype)


def _ratio(R: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.where((R == 0) & (scale == 0), 0, R / np.where((scale == 0) & (R == 0), 1, scale))


def refined(method: str, A: Any, B: Any, X: Any, factors: tuple, adjoint: bool) -> np.ndarray:
    """Return X after corrections D with A D = B - A X, until they are below rounding or shrink no more."""
    matrix = adjoint_of(A) if adjoint else A
    before = np.full((*X.shape[:-2], 1, X.shape[-1]), np.inf)
    for _ in range(ROUNDS):
        if not X.size:
            break
        D = KERNELS[method](A, residual(matrix, X, B).astype(A.dtype), factors, adjoint)
        size, whole = np.abs(D).max(-2, keepdims=True), np.abs(X).max(-2, keepdims=True)
        helps = (size <= before / 2) & (size > 0)
        if not helps.any():
            break
        X = np.where(helps, X + D, X)
        before = np.where(helps, size, 0)
        if np.all(size <= whole * np.finfo(A.dtype).eps / 2):
            break
    return X
