"""Large matrices as NumPy arrays, and stacks of them: what the programs make of them; `choice` says who is to use them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.base import later

__all__ = ["cholesky", "inverse_norm1", "lu_factor", "lu_inverse", "lu_solve", "order_of", "solve_triangular"]

# one placeholder for all the code generators: each costs a search at import
backends: Any = later.module("lineal.codegen.dense.backends")


def straight(a: np.ndarray) -> np.ndarray:
    """Return one matrix with dense rows or columns, copied if it has neither."""
    if not a.flags.aligned or a.itemsize not in a.strides or min(a.strides) <= 0:
        return np.array(a, order="C")
    return a


def lu_factor(A: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return LU, the exchanged rows counted from 1, and 0 or the place of the first zero pivot, of each matrix."""
    run, batch = backends.chosen(A.dtype), A.shape[:-2]
    if not batch:
        return run.lu(A)
    LU, pivots = np.empty(A.shape, A.dtype), np.empty((*batch, min(A.shape[-2:])), np.int32)
    info = np.empty(batch, np.int32)
    for place in np.ndindex(batch):
        LU[place], pivots[place], info[place] = run.lu(A[place])
    return LU, pivots, info


def order_of(pivots: np.ndarray) -> np.ndarray:
    """Return which row each row of L U is, from one matrix's exchanged rows."""
    order = list(range(len(pivots)))
    for i, j in enumerate(pivots.tolist()):
        order[i], order[j - 1] = order[j - 1], order[i]
    return np.array(order, np.intp)


def lu_solve(LU: np.ndarray, pivots: np.ndarray, B: np.ndarray, adjoint: bool = False) -> np.ndarray:
    """Return A⁻¹ B, or A⁻ᵀ B if `adjoint`, from the factors of each matrix."""
    if LU.ndim == 2:
        return lu_solve_one(LU, pivots, B, adjoint)
    X = np.empty(B.shape, B.dtype)
    for place in np.ndindex(B.shape[:-2]):
        X[place] = lu_solve_one(LU[place], pivots[place], B[place], adjoint)
    return X


def lu_solve_one(LU: np.ndarray, pivots: np.ndarray, B: np.ndarray, adjoint: bool) -> np.ndarray:
    run, LU, order = backends.chosen(B.dtype), straight(LU), order_of(pivots)
    if not adjoint:
        X = np.ascontiguousarray(B[order])
        run.solve(LU, X, False, True)
        run.solve(LU, X, True, False)
        return X
    X = np.array(B, order="C")
    run.solve(LU.T, X, False, False)
    run.solve(LU.T, X, True, True)
    transposed = np.empty_like(X)
    transposed[order] = X
    return transposed


def lu_inverse(LU: np.ndarray, pivots: np.ndarray) -> np.ndarray:
    """Return the inverses, from the factors of each matrix: U⁻¹ L⁻¹, the columns in the order of the exchanges."""
    Y = np.empty(LU.shape, LU.dtype)
    for place in np.ndindex(LU.shape[:-2]):
        factors, X = straight(LU[place]), np.eye(LU.shape[-1], dtype=LU.dtype)
        run = backends.chosen(LU.dtype)
        run.solve(factors, X, False, True, stairs=True)
        run.solve(factors, X, True, False)
        np.take(X, np.argsort(order_of(pivots[place])), 1, Y[place], "clip")
    return Y


def cholesky(A: np.ndarray, upper: bool) -> np.ndarray:
    """Return the lower factors, or the upper ones; NaN where a matrix is not positive definite."""
    if upper:
        return cholesky(A.mT, False).mT
    L = np.empty(A.shape, A.dtype) if A.ndim > 2 else None
    for place in np.ndindex(A.shape[:-2]):
        found, info = backends.chosen(A.dtype).cholesky(straight(A[place]))
        if info:
            found.fill(math.nan)
        if L is None:
            return found
        L[place] = found
    return L  # type: ignore[return-value]


def solve_triangular(A: np.ndarray, B: np.ndarray, upper: bool, unit: bool) -> np.ndarray:
    """Return A⁻¹ B for triangular matrices; what lies in the other triangle is not read."""
    X = np.array(B, order="C")
    for place in np.ndindex(A.shape[:-2]):
        backends.chosen(A.dtype).solve(straight(A[place]), X[place], upper, unit)
    return X


def inverse_norm1(LU: np.ndarray) -> np.ndarray:
    """Return estimates of |A⁻¹|₁ from LU factors; NaN or infinite where a pivot is zero."""
    found = np.empty(LU.shape[:-2], LU.dtype)
    for place in np.ndindex(LU.shape[:-2]):
        found[place] = estimate(straight(LU[place]))
    return found


def estimate(LU: np.ndarray) -> float:
    """Return a lower bound of |U⁻¹ L⁻¹|₁ that is seldom off by a factor of 3.   Higham (1988), algorithm 4.1."""
    run, n = backends.own(LU.dtype), LU.shape[-1]

    def solved(x: np.ndarray, adjoint: bool = False) -> np.ndarray:
        y = np.array(x, LU.dtype)[:, None]
        run.solve(LU.T if adjoint else LU, y, False, not adjoint)
        run.solve(LU.T if adjoint else LU, y, True, adjoint)
        return y[:, 0]

    y = solved(np.full(n, 1 / n))
    found, signs, best = float(np.abs(y).sum()), np.sign(y), -1
    for _ in range(4):
        slope = solved(signs, adjoint=True)
        place = int(np.abs(slope).argmax())
        if place == best:
            break
        best = place
        y = solved(np.arange(n) == place)
        size, new = float(np.abs(y).sum()), np.sign(y)
        if size <= found or np.array_equal(new, signs):
            found = max(found, size)
            break
        found, signs = size, new
    other = 2 * float(np.abs(solved((1 + np.arange(n) / max(n - 1, 1)) * (-1.0) ** np.arange(n))).sum()) / (3 * n)
    return other if other > found or math.isnan(other) else found
