"""The one place that chooses who computes: kernels across the batch for many small matrices, else NumPy's, BLAS and LAPACK."""

from __future__ import annotations

from typing import Any, Literal

import lazy_loader
import numpy as np

from lineal.codegen.batched.arrays import LARGEST_JACOBI, dense, fit, kernel, laid, matmul

scipy: Any = lazy_loader.load("scipy")

__all__ = ["cholesky", "cholesky_pull", "det", "eigh", "frobenius", "inv", "inverse_norm1", "lu_factor", "matmul", "norm1"]
__all__ += ["qr", "slogdet", "solve", "solve_probed", "solve_triangular", "svd"]

WIDE_BATCH = 8
"""From how many matrices on NumPy substitutes across the batch, row by row, instead of BLAS matrix by matrix."""


def cholesky(A: np.ndarray, upper: bool) -> np.ndarray:
    """Return L (or Lᴴ, if `upper`) of matrices, one triangle of which is read; NaN for one that is not positive definite."""
    if fit(A):
        given, turned = laid(A)
        L = np.empty(given.shape, A.dtype)
        kernel("cholesky", A.dtype, A.shape[-1], upper != turned)(given, L)
        # a pivot that is not positive makes all after it NaN
        failed = np.isnan(L[:, -1, -1])
        if failed.any():
            L[failed] = np.nan
        return (L.mT if turned else L).reshape(A.shape)
    try:
        return np.linalg.cholesky(A, upper=upper)
    except np.linalg.LinAlgError:
        potrf = scipy.linalg.lapack.get_lapack_funcs("potrf", dtype=A.dtype)
        L = np.full(A.shape, np.nan, A.dtype)
        for place in np.ndindex(A.shape[:-2]):
            factor, info = potrf(A[place], lower=not upper, clean=1)
            if info == 0:
                L[place] = factor
        return L


def cholesky_pull(L: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Return L⁻ᴴ S L⁻¹, S being the Hermitian matrix of which ½ Lᴴ G is the lower triangle."""
    if fit(L, G):
        (given, turned), P = laid(G), np.empty(L.shape, L.dtype)
        kernel("cholesky_pull", L.dtype, L.shape[-1], turned)(dense(L), given, P.reshape(given.shape))
        return P
    U = np.swapaxes(L, -1, -2).conj()
    S = np.tril(np.matmul(U, G)) / 2
    S += np.swapaxes(np.tril(S, -1), -1, -2).conj()
    half = solve_triangular(U, S, True, False)
    return np.swapaxes(solve_triangular(U, np.swapaxes(half, -1, -2).conj(), True, False), -1, -2).conj()


def solve(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return A⁻¹ B for stacks of matrices; LinAlgError if one is singular."""
    if not fit(A, B):
        return np.linalg.solve(A, B)
    (left, left_turned), (right, right_turned) = laid(A), laid(B)
    X, info = np.empty(right.shape, A.dtype), np.empty(len(right), np.int32)
    kernel("solve", A.dtype, *B.shape[-2:], (left_turned, right_turned))(left, right, X, info)
    refuse_singular(info)
    return X.mT.reshape(B.shape) if right_turned else X.reshape(B.shape)


def solve_probed(A: np.ndarray, B: np.ndarray, V: np.ndarray, residual: bool) -> tuple[np.ndarray, ...]:
    """Return A⁻¹ B for stacks A and B, |A|_F, |W|_F with A W = V for one matrix V, and the largest element of |A W - V|.

    The last is 0 unless `residual` is asked for. LinAlgError if a matrix is singular.
    """
    if not fit(A, B):
        k = B.shape[-1]
        X = np.linalg.solve(A, np.concatenate((B, np.broadcast_to(V, (*B.shape[:-1], V.shape[-1]))), -1))
        X, W = np.ascontiguousarray(X[..., :k]), X[..., k:]
        norms = frobenius(A)
        error = np.abs(matmul(A, W) - V).max((-1, -2), initial=0) if residual else np.zeros_like(norms)
        return X, norms, frobenius(W), error
    (left, left_turned), (right, right_turned) = laid(A), laid(B)
    X, reports = np.empty(right.shape, A.dtype), np.zeros((3, len(right)), A.dtype)
    info = np.empty(len(right), np.int32)
    parameters = *B.shape[-2:], V.shape[-1], residual, (left_turned, right_turned)
    kernel("solve_probed", A.dtype, *parameters)(left, right, np.require(V, requirements=["C", "A"]), X, *reports, info)
    refuse_singular(info)
    return (X.mT if right_turned else X).reshape(B.shape), *reports.reshape(3, *A.shape[:-2])


def inv(A: np.ndarray) -> np.ndarray:
    """Return A⁻¹; LinAlgError if a matrix is singular."""
    if not fit(A):
        return np.linalg.inv(A)
    given, turned = laid(A)
    Y, info = np.empty(given.shape, A.dtype), np.empty(len(given), np.int32)
    kernel("inverse", A.dtype, A.shape[-1])(given, Y, info)
    refuse_singular(info)
    return (Y.mT if turned else Y).reshape(A.shape)


def refuse_singular(info: np.ndarray) -> None:
    if info.any():
        raise np.linalg.LinAlgError("Singular matrix")


def det(A: np.ndarray) -> np.ndarray:
    """Return the determinants."""
    if not fit(A):
        return np.linalg.det(A)
    given, _ = laid(A)
    d = np.empty(A.shape[:-2], A.dtype)
    kernel("determinant", A.dtype, A.shape[-1])(given, d.reshape(-1))
    return d


def slogdet(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the determinants' signs and the logarithms of their absolute values."""
    if not fit(A):
        return tuple(np.linalg.slogdet(A))
    given, _ = laid(A)
    sign, logarithm = np.empty(A.shape[:-2], A.dtype), np.empty(A.shape[:-2], A.dtype)
    kernel("sign_and_logarithm", A.dtype, A.shape[-1])(given, sign.reshape(-1), logarithm.reshape(-1))
    return sign, logarithm


WIDE_NORM = 12
"""Above this size, NumPy's sums over a matrix's elements are as fast as a kernel's."""


def frobenius(A: Any) -> np.ndarray:
    """Return the roots of the sums of squares, in one pass; infinite where a square is."""
    if A.dtype.kind == "c":
        return np.sqrt(np.einsum("...ij,...ij->...", A.real, A.real) + np.einsum("...ij,...ij->...", A.imag, A.imag))
    if not fit(A, largest=WIDE_NORM):
        return np.sqrt(np.einsum("...ij,...ij->...", A, A))
    given, _ = laid(A)
    y = np.empty(A.shape[:-2], A.dtype)
    kernel("frobenius", A.dtype, given[0].size)(given, y.reshape(-1))
    return y


def inverse_norm1(LU: np.ndarray) -> np.ndarray | None:
    """Return |A⁻¹|₁ of matrices given by their LU factors, NaN where a pivot is zero; None if LAPACK is to estimate it."""
    if not fit(LU):
        return None
    y = np.empty(LU.shape[:-2], LU.dtype)
    kernel("inverse_norm1", LU.dtype, LU.shape[-1])(dense(LU), y.reshape(-1))
    return y


def norm1(A: np.ndarray) -> np.ndarray:
    """Return the largest column sums of absolute values."""
    if not fit(A):
        return np.abs(A).sum(-2).max(-1, initial=0)
    given, turned = laid(A)
    y = np.empty(A.shape[:-2], A.dtype)
    kernel("norm1", A.dtype, *given.shape[1:], turned)(given, y.reshape(-1))
    return y


def lu_factor(A: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return LU, the exchanged rows counted from 1, and 0 or the place of the first zero pivot; None if LAPACK is to do it."""
    m, n = A.shape[-2:]
    if m != n or not fit(A):
        return None
    batch = A.shape[:-2]
    LU, pivots, info = np.empty(A.shape, A.dtype), np.empty((*batch, n), np.int32), np.empty(batch, np.int32)
    kernel("factor", A.dtype, n)(dense(A), LU.reshape(-1, n, n), pivots.reshape(-1, n), info.reshape(-1))
    return LU, pivots, info


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


def qr(A: np.ndarray, mode: Literal["reduced", "complete"]) -> tuple[np.ndarray, np.ndarray]:
    """Return Q and R, "reduced" or "complete"."""
    if not fit(A):
        Q, R = np.linalg.qr(A, mode)
        return Q, R
    m, n = A.shape[-2:]
    k = m if mode == "complete" else min(m, n)
    given = dense(A)
    Q, R = np.empty((*A.shape[:-1], k), A.dtype), np.empty((*A.shape[:-2], k, n), A.dtype)
    kernel("qr", A.dtype, m, n, mode == "complete")(given, Q.reshape(-1, m, k), R.reshape(-1, k, n))
    return Q, R


def eigh(A: np.ndarray, uplo: Literal["L", "U"]) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues, ascending, and eigenvectors of symmetric or Hermitian matrices, one triangle of which is read."""
    if not fit(A, largest=LARGEST_JACOBI):
        values, V = np.linalg.eigh(A, uplo)
        return values, V
    given, turned = laid(A)
    values, V = np.empty(A.shape[:-1], A.dtype), np.empty(A.shape, A.dtype)
    n = A.shape[-1]
    kernel("eigh", A.dtype, n, (uplo == "U") != turned)(given, values.reshape(-1, n), V.reshape(-1, n, n))
    return values, V


def svd(A: np.ndarray, full: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return U, S and Vᴴ, all of U and Vᴴ if `full`."""
    m, n = A.shape[-2:]
    if not fit(A, largest=LARGEST_JACOBI) or (full and m != n):
        U, S, Vh = np.linalg.svd(A, full_matrices=full)
        return U, S, Vh
    given, k = dense(A), min(m, n)
    count = len(given)
    U, S, Vh = (np.empty((count, *shape), A.dtype) for shape in ((m, k), (k,), (k, n)))
    info = np.empty(count, np.int32)
    kernel("svd", A.dtype, m, n)(given, U, S, Vh, info)
    doubtful = np.flatnonzero(info)
    if doubtful.size:
        if not np.isfinite(given[doubtful]).all():
            # LAPACK does not always come to an end with infinities
            raise np.linalg.LinAlgError("SVD did not converge")
        U[doubtful], S[doubtful], Vh[doubtful] = np.linalg.svd(given[doubtful], full_matrices=False)
    batch = A.shape[:-2]
    return U.reshape(*batch, m, k), S.reshape(*batch, k), Vh.reshape(*batch, k, n)
