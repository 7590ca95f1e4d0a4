"""Cholesky, QR with least squares, eigenvalues and singular values, and what the derivatives of the first two compute."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from lineal.base import later
from lineal.codegen.batched.arrays import dense, kernel, laid
from lineal.codegen.choice import ACROSS, APIECE, PROGRAMS, WITHIN, planned
from lineal.codegen.dense import arrays as large
from lineal.codegen.rowwise import arrays as rowwise
from lineal.ops.linalg.kernels.triangular import lower_product, solve_triangular
from lineal.ops.linalg.matrices import adjoint

scipy: Any = later.module("scipy")
# what it compiles large problems with is not loaded for small ones
spectral: Any = later.module("lineal.ops.linalg.kernels.spectral")

SHORT, TALL = 16, 2
"""From how many columns on, and how many times as many rows, singular values are those of R in A = Q R (measured)."""
PULL_BLOCK = 96
"""How many columns of a Cholesky factor are differentiated at once (measured)."""


def cholesky(A: np.ndarray, upper: bool) -> np.ndarray:
    """Return L (or Lᴴ, if `upper`) of matrices, one triangle of which is read; NaN for one that is not positive definite.

    Where rounding decides, LAPACK has the last word, which also says at which minor a factorisation ends.
    """
    L = factored(A, upper)
    failed = np.isnan(L[..., -1, -1]) if A.size else np.zeros(A.shape[:-2], bool)
    if failed.any():
        L = np.where(failed[..., None, None], A.dtype.type(np.nan), L)
        potrf = scipy.linalg.lapack.get_lapack_funcs("potrf", dtype=A.dtype)
        for place in map(tuple, np.argwhere(failed)):
            factor, info = potrf(A[place], lower=not upper, clean=1)
            # not every LAPACK counts NaN as not positive
            if info == 0 and np.isfinite(factor).all():
                L[place] = factor
    return L


def factored(A: np.ndarray, upper: bool) -> np.ndarray:
    """Return L, or Lᴴ, with NaN in the last corner of one that did not come to its end."""
    chosen = planned("cholesky", A)
    if chosen == ACROSS:
        given, transposed = laid(A)
        L = np.empty(given.shape, A.dtype)
        # a pivot that is not positive makes all after it NaN
        kernel("cholesky", A.dtype, A.shape[-1], upper != transposed)(given, L)
        return (L.mT if transposed else L).reshape(A.shape)
    if chosen == WITHIN:
        return adjoint(rowwise.cholesky(adjoint(A))) if upper else rowwise.cholesky(A)
    if chosen == PROGRAMS:
        return large.cholesky(A, upper)
    try:
        return np.linalg.cholesky(A, upper=upper)
    except np.linalg.LinAlgError:
        return np.full(A.shape, np.nan, A.dtype)


def cholesky_pull(L: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Return L⁻ᴴ S L⁻¹, S being the Hermitian matrix of which ½ Lᴴ G is the lower triangle."""
    if planned("cholesky_pull", L, G) == ACROSS:
        (given, transposed), P = laid(G), np.empty(L.shape, L.dtype)
        kernel("cholesky_pull", L.dtype, L.shape[-1], transposed)(dense(L), given, P.reshape(given.shape))
        return P
    return block_pull(L, G) if np.iscomplexobj(L) or L.shape[-1] <= PULL_BLOCK else blocked_pull(L, G)


def block_pull(L: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Return the same by two triangular systems."""
    U = adjoint(L)
    S = lower_product(U, G) / 2
    S += adjoint(np.tril(S, -1))
    half = solve_triangular(U, S, True, False)
    return adjoint(solve_triangular(U, adjoint(half), True, False))


def blocked_pull(L: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Return the same for real matrices, some columns after the other from the last on: a third of the operations.

    With L = [[D, 0], [B, C]] and Y = [[X, Zᵀ], [Z, W]]:  W is that of C,  Z = (½ G₂₁ - W B) D⁻¹,  X that of D and G₁₁ - 2 Zᵀ B.
    The derivative of a blocked factorisation, as Murray (2016) has it, with what a block is given collected just before.
    """
    n = L.shape[-1]
    Y = np.empty(G.shape, G.dtype)
    for stop in range(n, 0, -PULL_BLOCK):
        now, below = slice(max(stop - PULL_BLOCK, 0), stop), slice(stop, n)
        D, B, own = L[..., now, now], L[..., below, now], G[..., now, now]
        if stop < n:
            Z = G[..., below, now] / 2 - np.matmul(Y[..., below, below], B)
            Z = adjoint(solve_triangular(adjoint(D), adjoint(Z), True, False))
            Y[..., below, now], Y[..., now, below] = Z, adjoint(Z)
            own = own - 2 * np.matmul(adjoint(Z), B)
        Y[..., now, now] = block_pull(D, own)
    return Y


def qr(A: np.ndarray, mode: Literal["reduced", "complete"]) -> tuple[np.ndarray, np.ndarray]:
    """Return Q and R, "reduced" or "complete"."""
    chosen = planned("qr" if mode == "reduced" else "qr_complete", A)
    if chosen == WITHIN and np.isfinite(A).all():
        return rowwise.qr(A, mode == "complete")
    if chosen != ACROSS:
        Q, R = np.linalg.qr(A, mode)
        return Q, R
    m, n = A.shape[-2:]
    k = m if mode == "complete" else min(m, n)
    given = dense(A)
    Q, R = np.empty((*A.shape[:-1], k), A.dtype), np.empty((*A.shape[:-2], k, n), A.dtype)
    kernel("qr", A.dtype, m, n, mode == "complete")(given, Q.reshape(-1, m, k), R.reshape(-1, k, n))
    return Q, R


def qr_pull(Q: np.ndarray, R: np.ndarray, G: np.ndarray, H: np.ndarray) -> np.ndarray:
    """Return (G + Q S) R⁻ᴴ with S Hermitian, its upper triangle that of H Rᴴ - Qᴴ G."""
    if planned("qr_pull", Q, R, G, H) == ACROSS:
        A = np.empty(Q.shape, Q.dtype)
        kernel("qr_pull", Q.dtype, *Q.shape[-2:])(*(dense(each) for each in (Q, R, G, H)), A.reshape(-1, *Q.shape[-2:]))
        return A
    S = np.triu(np.matmul(H, adjoint(R)) - np.matmul(adjoint(Q), G))
    diagonal = np.einsum("...ii->...i", S)
    diagonal[...] = diagonal.real
    S += adjoint(np.triu(S, 1))
    return adjoint(solve_triangular(R, adjoint(G + np.matmul(Q, S)), True, False))


def lstsq(A: np.ndarray, B: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return A⁺ B, |A| and |A⁺| (Frobenius) for tall A, right where the rank is full; None if A is not tall."""
    (m, n), k = A.shape[-2:], B.shape[-1]
    if m < n:
        return None
    if planned("lstsq", A, B) == ACROSS:
        X, norms = np.empty((*A.shape[:-2], n, k), A.dtype), np.empty((2, *A.shape[:-2]), A.dtype)
        kernel("lstsq", A.dtype, m, n, k)(dense(A), dense(B), X.reshape(-1, n, k), *norms.reshape(2, -1))
        return X, norms[0], norms[1]
    # [A B] = Q [R QᴴB], so that Q is never formed; for many right-hand sides forming it is less work
    if k <= n:
        both = triangle(np.concatenate((A, B), -1))
        R, C = both[..., :n, :n], both[..., :n, n:]
    else:
        Q, R = np.linalg.qr(A)
        C = np.matmul(adjoint(Q), B)
    one = np.broadcast_to(np.eye(n, dtype=A.dtype), R.shape)
    with np.errstate(all="ignore"):
        solved = solve_triangular(R, np.concatenate((C, one), -1), True, False)
        norm, other = (np.sqrt((abs(each) ** 2).sum((-2, -1))) for each in (R, solved[..., k:]))
    return np.ascontiguousarray(solved[..., :k]), norm, other


def triangle(A: np.ndarray) -> np.ndarray:
    """Return R of A = Q R."""
    if A.ndim == 2 and rowwise.halved(A.shape):
        return rowwise.triangle(A)
    R: Any = np.linalg.qr(A, "r")
    return R


def lstsq_pull(A: np.ndarray, B: np.ndarray, X: np.ndarray, G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return H = A⁺ᴴ G and (B - A X) (A⁺ H)ᴴ - H Xᴴ for tall A of full rank."""
    if planned("lstsq_pull", A, B, X, G) == ACROSS:
        H, D = np.empty(B.shape, A.dtype), np.empty(A.shape, A.dtype)
        (m, n), k = A.shape[-2:], B.shape[-1]
        given = (dense(each) for each in (A, B, X, G))
        kernel("lstsq_pull", A.dtype, m, n, k)(*given, H.reshape(-1, m, k), D.reshape(-1, m, n))
        return H, D
    Q, R = np.linalg.qr(A)
    half = solve_triangular(adjoint(R), G, False, False)
    H = np.matmul(Q, half)
    Z = solve_triangular(R, half, True, False)
    return H, np.matmul(B - np.matmul(A, X), adjoint(Z)) - np.matmul(H, adjoint(X))


def eigh(A: np.ndarray, uplo: Literal["L", "U"]) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues, ascending, and eigenvectors of symmetric or Hermitian matrices, one triangle of which is read."""
    chosen = planned("eigh", A)
    if chosen == APIECE:
        return spectral.each(spectral.eigh, A, uplo, True)
    if chosen == WITHIN:
        return rowwise.eigh(A, uplo)
    if chosen != ACROSS:
        values, V = np.linalg.eigh(A, uplo)
        return values, V
    given, transposed = laid(A)
    values, V = np.empty(A.shape[:-1], A.dtype), np.empty(A.shape, A.dtype)
    n = A.shape[-1]
    kernel("eigh", A.dtype, n, (uplo == "U") != transposed)(given, values.reshape(-1, n), V.reshape(-1, n, n))
    return values, V


def eigvalsh(A: np.ndarray, uplo: Literal["L", "U"]) -> np.ndarray:
    """Return the eigenvalues alone, ascending."""
    chosen = planned("eigh", A)
    if chosen == WITHIN:
        return rowwise.eigh(A, uplo, False)[0]
    if chosen == ACROSS:
        return eigh(A, uplo)[0]
    values: Any = spectral.each(spectral.eigh, A, uplo, False)[0] if chosen == APIECE else np.linalg.eigvalsh(A, uplo)
    return values


def svd(A: np.ndarray, full: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return U, S and Vᴴ, all of U and Vᴴ if `full`."""
    m, n = A.shape[-2:]
    chosen = planned("svd", A)
    if not full and is_tall(A):
        U, S, Vh = svd_tall(A)
        # as LAPACK's lie where it is given matrices in their own precision
        return (np.asfortranarray(U), S, np.asfortranarray(Vh)) if chosen == APIECE else (U, S, Vh)
    if chosen == APIECE:
        return spectral.each(spectral.svd, A, full, True)
    if chosen == WITHIN or (chosen == ACROSS and full and m != n):
        return rowwise.svd(A, "A" if full else "S")
    if chosen != ACROSS:
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


def is_tall(A: np.ndarray) -> bool:
    """Return whether a matrix is so much longer than wide, or wider than long, that its short factor is decomposed.

    LAPACK scales what is near the ends of the range, where sums of squares leave it.
    """
    short, long = sorted(A.shape[-2:])
    if A.ndim > 2 or short < SHORT or long < TALL * short:
        return False
    limits = np.finfo(A.dtype)
    return bool(limits.tiny**0.5 < np.abs(A).max() < limits.max**0.5)


def svd_tall(A: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return U, S, Vᴴ of A = Q R with R = W Σ Vᴴ and U = Q W; of a wide A by its adjoint.   Chan (1982), ACM TOMS 8."""
    if A.shape[0] < A.shape[1]:
        V, S, Uh = svd_tall(adjoint(A))
        return np.ascontiguousarray(adjoint(Uh)), S, np.ascontiguousarray(adjoint(V))
    Q, R = rowwise.orthogonal(A)
    W, S, Vh = svd(R, False)
    return np.matmul(Q, W), S, Vh


def svdvals(A: np.ndarray) -> np.ndarray:
    """Return the singular values alone, descending."""
    chosen = planned("svd", A)
    if chosen == WITHIN:
        return rowwise.svd(A, "N")[1]
    if chosen == ACROSS:
        return svd(A, False)[1]
    values: Any = spectral.each(spectral.svd, A, False, False)[1] if chosen == APIECE else np.linalg.svd(A, compute_uv=False)
    return values


def eig(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues and eigenvectors of square matrices of any kind."""
    values, V = spectral.each(spectral.eig, A, True) if planned("eig", A) == APIECE else np.linalg.eig(A)
    return values, V


def eigvals(A: np.ndarray) -> np.ndarray:
    """Return the eigenvalues of square matrices of any kind."""
    values: Any = spectral.each(spectral.eig, A, False)[0] if planned("eig", A) == APIECE else np.linalg.eigvals(A)
    return values
