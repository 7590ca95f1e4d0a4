"""Iterative refinement: a solution is corrected by its residual until it is as good as rounding allows."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from lineal.core.modes import quiet
from lineal.ops.linalg.matrices import adjoint as adjoint_of
from lineal.ops.linalg.matrices import real_dtype
from lineal.ops.linalg.structure import KERNELS

__all__: list[str] = []

ROUNDS = 15
"""Corrections at most; with a condition number below 1/ε two or three suffice, with factors of half the digits six."""
DENSE = ("lu", "hermitian", "positive definite")
"""Methods that take about as long as elimination, which in double precision refines solutions of single precision at once."""
SMALL = 128
"""Up to how many rows that is faster than to correct a solution by its residual (measured)."""
ROUGH = ("lu in single precision",)
"""Methods whose first solution has but half the digits."""

LARGE = 10**8
"""From how many products on a residual of float64 is left to BLAS, without the second half of its digits."""


def residual(A: Any, X: Any, B: Any) -> tuple[np.ndarray, float]:
    """Return B - A X, summed with twice the digits of its dtype, and the relative rounding of that sum."""
    eps = float(np.finfo(A.dtype).eps)
    n = A.shape[-1] + 2
    if A.dtype.char in "fF":
        return doubled(B) - np.matmul(doubled(A), doubled(X)), n * 2.0**-52
    if A.size * X.shape[-1] > LARGE:
        return B - np.matmul(A, X), n * eps
    if 1e290 < np.abs(A).max(initial=0) < np.inf:
        # splitting into halves multiplies by 2²⁷; powers of two change no digit
        R, rounding = residual(A * 2.0**-100, X, B * 2.0**-100)
        return R * 2.0**100, rounding
    if A.dtype.kind == "c":
        both = np.concatenate((X.real, X.imag), -2)
        R: Any = np.empty(B.shape, B.dtype)
        R.real = compensated(np.concatenate((A.real, -A.imag), -1), both, B.real)
        R.imag = compensated(np.concatenate((A.imag, A.real), -1), both, B.imag)
    else:
        R = compensated(A, X, B)
    return R, (n * eps) ** 2


def doubled(x: np.ndarray) -> np.ndarray:
    """Return numbers of single precision in double precision."""
    return x.astype("D" if x.dtype.kind == "c" else "d")


def compensated(A: np.ndarray, X: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return B - A X as if computed with twice the digits and rounded.   Ogita, Rump and Oishi (2005), Dot2."""
    columns, rows = np.ascontiguousarray(np.moveaxis(A, -1, 0))[..., None], np.moveaxis(X, -2, 0)[..., None, :]
    (high, low), (high_x, low_x) = halves(columns), halves(rows)
    total, rest = np.array(B), np.zeros(B.shape)
    for a, ah, al, x, xh, xl in zip(columns, high, low, rows, high_x, low_x):
        p = a * x
        lost = al * xl - (((p - ah * xh) - al * xh) - ah * xl)
        sum_ = total - p
        part = sum_ - total
        rest += ((total - (sum_ - part)) - (p + part)) - lost
        total = sum_
    return total + rest


def halves(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x as the sum of two numbers of 26 digits, whose products are exact.   Dekker (1971), Numer. Math. 18."""
    large = x * 134217729.0
    high = large - (large - x)
    return high, x - high


def backward_error(A: np.ndarray, X: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return, per column, a bound of the least ω with (A + E) x = b + e, |E| ≤ ω |A| and |e| ≤ ω |b|.

    Oettli and Prager (1964): ω = max |b - A x| / (|A| |x| + |b|), to which the rounding of the residual itself is added.
    """
    real = real_dtype(A)
    if not X.size:
        return np.zeros((*X.shape[:-2], X.shape[-1]), real)
    R, rounding = residual(A, X, B)
    scale = np.matmul(np.abs(A), np.abs(X)) + np.abs(B)
    return (_ratio(np.abs(R), scale).max(-2) + rounding).astype(real)


def trusted(A: np.ndarray, X: np.ndarray, B: np.ndarray) -> bool:
    """Return whether X, of an algorithm that need not be stable, is as good as a stable one's, in norms."""
    if not X.size:
        return True
    scale = np.abs(A).sum(-1).max(-1)[..., None] * np.abs(X).max(-2) + np.abs(B).max(-2)
    error = _ratio(np.abs(B - np.matmul(A, X)).max(-2), scale)
    return bool(np.all(error <= 10 * A.shape[-1] * np.finfo(A.dtype).eps))


def _ratio(R: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.where((R == 0) & (scale == 0), 0, R / np.where((scale == 0) & (R == 0), 1, scale))


def refined(method: str, A: Any, B: Any, X: Any, factors: tuple, adjoint: bool) -> np.ndarray:
    """Return X after corrections D with A D = B - A X, until they are below rounding or shrink no more."""
    matrix, eps = adjoint_of(A) if adjoint else A, np.finfo(A.dtype).eps
    single = A.dtype.char in "fF" and method in DENSE
    if single and A.shape[-1] <= SMALL:
        return in_double(matrix, B, X)
    before = np.full((*X.shape[:-2], 1, X.shape[-1]), np.inf)
    rough = method in ROUGH
    for _ in range(ROUNDS if X.size else 0):
        # while whole digits are wrong, the residual needs no more than the working precision
        R = B - np.matmul(matrix, X) if rough else residual(matrix, X, B)[0].astype(A.dtype)
        D = KERNELS[method](A, R, factors, adjoint)
        size, whole = np.abs(D).max(-2, keepdims=True), np.abs(X).max(-2, keepdims=True)
        helps = (size <= before / 2) & (size > 0)
        if not helps.any() and not rough:
            break
        X = np.where(helps, X + D, X)
        before = np.where(helps, size, 0 if not rough else before)
        if rough:
            rough = bool(np.any(size > whole * eps * 1e4)) and bool(helps.any())
        elif np.all(size <= whole * eps / 2):
            return X
    return in_double(matrix, B, X) if single else X


def mendable(A: np.ndarray) -> bool:
    """Return whether A is a stack of which the doubtful matrices alone are computed again, in double precision."""
    return A.ndim > 2 and A.dtype.char in "fF" and A.shape[-1] <= SMALL


def in_double(A: np.ndarray, B: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Return A⁻¹ B, rounded to the dtype of A only in the end; X if A is singular."""
    with contextlib.suppress(np.linalg.LinAlgError), quiet():
        return np.linalg.solve(doubled(A), doubled(B)).astype(A.dtype)
    return X
