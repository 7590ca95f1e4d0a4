"""The Cholesky factorisation of positive definite matrices."""

from __future__ import annotations

import functools
from typing import Any

import lazy_loader
import numpy as np

from lineal.base.errors import LinAlgError
from lineal.core import AbstractTensor, Op, apply, lift
from lineal.ops.linalg.matrices import (
    broadcast_batches,
    linalg_cholesky_ex,
    place_of,
    require_matrix,
    require_one_dtype,
    require_square,
    stored,
)
from lineal.ops.linalg.triangular import solve_triangular

__all__ = ["cholesky", "cholesky_ex", "cholesky_solve", "cholesky_inverse"]

scipy = lazy_loader.load("scipy")


class Cholesky(Op):
    """A = L Lᴴ;  Ā = L⁻ᴴ sym(Φ(Lᴴ L̄)) L⁻¹ with Φ the lower triangle, its diagonal halved.   Murray (2016), arXiv:1602.07527, eq. 10.

    Only the lower triangle of A is read; with `upper` only the upper one, and the result is Lᴴ. A matrix that is not positive
    definite gives NaN here; the front raises.
    """

    upper: bool
    name = "LinalgCholeskyEx"
    keeps = "y"

    def eager(self, xp, A):
        try:
            return np.linalg.cholesky(A, upper=self.upper)
        except np.linalg.LinAlgError:
            L = np.full(A.shape, np.nan, A.dtype)
            for place in np.ndindex(A.shape[:-2]):
                factor, info = potrf(A[place], self.upper)
                if info == 0:
                    L[place] = factor
            return L

    def vjp(self, needs, g, y, A):
        L, g = (y.mH, g.mH) if self.upper else (y, g)
        S = (L.mH @ g).tril()
        return (congruence(L, (S + S.tril(-1).mH) * 0.5),)


_cholesky = functools.lru_cache(2)(Cholesky)


def congruence(L: Any, S: Any) -> Any:
    """Return L⁻ᴴ S L⁻¹ for lower triangular L."""
    half = solve_triangular(L.mH, S, upper=True)
    return solve_triangular(L, half, upper=False, left=False)


def potrf(A: np.ndarray, upper: bool) -> tuple[np.ndarray, int]:
    """Return the factor of one matrix and LAPACK's info."""
    if A.size == 0:
        return A.copy(), 0
    return scipy.linalg.lapack.get_lapack_funcs("potrf", dtype=A.dtype)(A, lower=not upper, clean=1)


def failures(A: np.ndarray, L: np.ndarray, upper: bool) -> np.ndarray:
    """Return, per matrix, 0 or the order of the leading minor that is not positive definite."""
    info = np.zeros(A.shape[:-2], np.int32)
    if A.size:
        failed = np.isnan(np.diagonal(L, axis1=-2, axis2=-1)).any(-1)
        for place in np.argwhere(failed):
            info[tuple(place)] = potrf(A[tuple(place)], upper)[1]
    return info


def cholesky_ex(input: AbstractTensor, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """Return L and info as `cholesky`, without raising: info is 0 or the order of the leading minor that is not positive."""
    name = "linalg.cholesky_ex"
    require_square(name, input)
    L = apply(_cholesky(upper), input)
    info = failures(input.value, L.value, upper)
    if check_errors:
        refuse_indefinite(name, info)
    return stored(linalg_cholesky_ex((L, lift(info))), out, name)


def refuse_indefinite(name: str, info: np.ndarray) -> None:
    """Raise LinAlgError for the first matrix that is not positive definite."""
    flat = info.ravel()
    bad = np.flatnonzero(flat)
    if bad.size:
        raise LinAlgError(
            f"{name}: {place_of(int(bad[0]), info.shape)}The factorization could not be completed because the input is not "
            f"positive-definite (the leading minor of order {int(flat[bad[0]])} is not positive-definite)."
        )


def cholesky(input: AbstractTensor, *, upper: bool = False, out: AbstractTensor | None = None) -> Any:
    """Return the lower triangular L with L Lᴴ = A (or with `upper`, U with Uᴴ U = A) of Hermitian positive definite A.

    A is (…, n, n), floating or complex; only one triangle is read. LinAlgError names the leading minor that is not positive.
    """
    name = "linalg.cholesky"
    require_square(name, input)
    L = apply(_cholesky(upper), input)
    if np.isnan(np.einsum("...ii->...", L.value)).any():
        refuse_indefinite(name, failures(input.value, L.value, upper))
    return stored(L, out, name)


def cholesky_solve(B: AbstractTensor, L: AbstractTensor, upper: bool = False, *, out: AbstractTensor | None = None) -> Any:
    """Return X with A X = B, given the Cholesky factor of A."""
    name = "cholesky_solve"
    require_matrix(name, B, "b")
    require_square(name, L)
    require_one_dtype(name, B, L)
    factor: Any = L.mH if upper else L  # type: ignore[attr-defined]
    factor, right = broadcast_batches(name, factor, B)
    half = solve_triangular(factor, right, upper=False)
    return stored(solve_triangular(factor.mH, half, upper=True), out, name)


def cholesky_inverse(L: AbstractTensor, upper: bool = False, *, out: AbstractTensor | None = None) -> Any:
    """Return A⁻¹, given the Cholesky factor of A."""
    name = "cholesky_inverse"
    require_square(name, L)
    one = lift(np.broadcast_to(np.eye(L.value.shape[-1], dtype=L.value.dtype), L.value.shape))
    return stored(cholesky_solve(one, L, upper), out, name)
