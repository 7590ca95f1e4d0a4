"""The one place that chooses who computes: kernels across the batch for many small matrices, else NumPy's, BLAS and LAPACK."""

from __future__ import annotations

from typing import Any, Literal

import lazy_loader
import numpy as np

from lineal.codegen.batched.arrays import LARGEST_JACOBI, dense, fit, kernel, laid, matmul
from lineal.codegen.dense import arrays as large
from lineal.ops.linalg.matrices import adjoint

scipy: Any = lazy_loader.load("scipy")

__all__ = ["cholesky", "cholesky_pull", "cofactors", "condition", "det", "det_bounded", "det_probed", "eigh", "fit"]
__all__ += ["frobenius", "inv", "inverse_norm1", "inverse_pull", "lstsq", "lstsq_pull", "lu_factor", "matmul", "norm1"]
__all__ += ["qr", "qr_pull", "slogdet", "solve", "solve_probed", "solve_pull", "solve_triangular", "svd"]

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
    if large.fit(A):
        return large.cholesky(A, upper)
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
    U = adjoint(L)
    S = lower_product(U, G) / 2
    S += adjoint(np.tril(S, -1))
    half = solve_triangular(U, S, True, False)
    return adjoint(solve_triangular(U, adjoint(half), True, False))


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


def solve(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return A⁻¹ B for stacks of matrices; LinAlgError if one is singular."""
    if not fit(A, B):
        return solve_large(A, B) if large.fit(A) else np.linalg.solve(A, B)
    (left, left_turned), (right, right_turned) = laid(A), laid(B)
    X, info = np.empty(right.shape, A.dtype), np.empty(len(right), np.int32)
    kernel("solve", A.dtype, *B.shape[-2:], (left_turned, right_turned))(left, right, X, info)
    refuse_singular(info)
    return X.mT.reshape(B.shape) if right_turned else X.reshape(B.shape)


def solve_large(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    LU, pivots, info = large.lu_factor(A)
    refuse_singular(info)
    return large.lu_solve(LU, pivots, B)


def solve_probed(A: np.ndarray, B: np.ndarray, V: np.ndarray, limits: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return A⁻¹ B for stacks A and B, and a note for each: 0, or 1 where it is suspicious, or 2 where numbers grew.

    `limits`, as the kernel has them, are those of the solution and of |A| and |W| with A W = V for one matrix V of probes.
    LinAlgError if a matrix is singular.
    """
    if not fit(A, B):
        return solve_probed_apart(A, B, V, limits)
    (left, left_turned), (right, right_turned) = laid(A), laid(B)
    X, (info, notes) = np.empty(right.shape, A.dtype), np.empty((2, len(right)), np.int32)
    parameters = *B.shape[-2:], V.shape[-1], limits, (left_turned, right_turned)
    kernel("solve_probed", A.dtype, *parameters)(left, right, np.require(V, requirements=["C", "A"]), X, info, notes)
    refuse_singular(info)
    return (X.mT if right_turned else X).reshape(B.shape), notes.reshape(A.shape[:-2])


def solve_probed_apart(A: np.ndarray, B: np.ndarray, V: np.ndarray, limits: Any) -> tuple[np.ndarray, np.ndarray]:
    """Do what `solve_probed` does by NumPy."""
    k = B.shape[-1]
    X = np.linalg.solve(A, np.concatenate((B, np.broadcast_to(V, (*B.shape[:-1], V.shape[-1]))), -1))
    X, W = np.ascontiguousarray(X[..., :k]), X[..., k:]
    norms, sizes = frobenius(A), frobenius(W)
    products, tops = norms * sizes, np.abs(X).max(-2, initial=0)
    sound = (products <= limits.product) & (sizes <= limits.size) & (norms < np.inf)
    sound &= ((tops >= limits.tiny) & (tops < np.inf)).all(-1)
    notes = np.where(sound, 0, 1).astype(np.int32)
    if limits.growth:
        notes[products * limits.growth < np.abs(matmul(A, W) - V).max((-1, -2), initial=0)] = 2
    return X, notes


def solve_pull(A: np.ndarray, G: np.ndarray, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return H = A⁻ᴴ G and -H Xᴴ."""
    if not fit(A, G, X):
        H = solve(adjoint(A), G)
        D = matmul(H, adjoint(X))
        return H, np.negative(D, out=D)
    (left, *first), (right, *second), (solution, *third) = laid(A), laid(G), laid(X)
    H, D, info = np.empty(right.shape, A.dtype), np.empty(left.shape, A.dtype), np.empty(len(left), np.int32)
    kernel("solve_pull", A.dtype, *G.shape[-2:], (*first, *second, *third))(left, right, solution, H, D, info)
    refuse_singular(info)
    return (H.mT if second[0] else H).reshape(G.shape), (D.mT if first[0] else D).reshape(A.shape)


def inv(A: np.ndarray) -> np.ndarray:
    """Return A⁻¹; LinAlgError if a matrix is singular."""
    if not fit(A):
        return inv_large(A) if large.fit(A) else np.linalg.inv(A)
    given, turned = laid(A)
    Y, info = np.empty(given.shape, A.dtype), np.empty(len(given), np.int32)
    kernel("inverse", A.dtype, A.shape[-1])(given, Y, info)
    refuse_singular(info)
    return (Y.mT if turned else Y).reshape(A.shape)


def inverse_pull(Y: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Return -Yᴴ G Yᴴ."""
    if not fit(Y, G):
        left = adjoint(Y)
        P = matmul(matmul(left, G), left)
        return np.negative(P, out=P)
    (given, *first), (right, *second) = laid(Y), laid(G)
    P = np.empty(given.shape, Y.dtype)
    kernel("inverse_pull", Y.dtype, Y.shape[-1], (*first, *second))(given, right, P)
    return (P.mT if first[0] else P).reshape(Y.shape)


def inv_large(A: np.ndarray) -> np.ndarray:
    LU, pivots, info = large.lu_factor(A)
    refuse_singular(info)
    return large.lu_inverse(LU, pivots)


def refuse_singular(info: np.ndarray) -> None:
    if info.any():
        raise np.linalg.LinAlgError("Singular matrix")


def det(A: np.ndarray) -> np.ndarray:
    """Return the determinants."""
    if not fit(A):
        return det_large(A) if large.fit(A) else np.linalg.det(A)
    given, _ = laid(A)
    d = np.empty(A.shape[:-2], A.dtype)
    kernel("determinant", A.dtype, A.shape[-1])(given, d.reshape(-1))
    return d


def det_large(A: np.ndarray) -> np.ndarray:
    sign, logarithm = slogdet_large(A)
    return sign * np.exp(logarithm)


def det_bounded(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the determinants and |det A| / (2n (|A|_F / √n)ⁿ), at most 1 / (|A|₁ |A⁻¹|₁).

    Guggenheimer, Edelman and Johnson (1995), College Math. J. 26, eq. 2.
    """
    n = A.shape[-1]
    if not fit(A):
        y = det(A)
        return y, bound_by_det(A, y)
    given, _ = laid(A)
    y, least = np.empty(A.shape[:-2], A.dtype), np.empty(A.shape[:-2], A.dtype)
    kernel("determinant_bounded", A.dtype, n)(given, y.reshape(-1), least.reshape(-1))
    return y, least


def bound_by_det(A: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return what `det_bounded` does beside the determinants, which are known."""
    n = A.shape[-1]
    size = np.asarray(frobenius(A) / n**0.5, y.dtype.char.lower()) ** n
    return np.abs(y) / (2 * n * size)


def det_probed(A: np.ndarray, V: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the determinants, |A|_F, and |W|_F with A W = V for one matrix V; only for what `fit` says is fit."""
    given, _ = laid(A)
    found = np.empty((3, *A.shape[:-2]), A.dtype)
    # |A⁻ᵀ V| tells as much as |A⁻¹ V|
    kernel("determinant_probed", A.dtype, *V.shape)(given, np.require(V, requirements=["C", "A"]), *found.reshape(3, -1))
    return found[0], found[1], found[2]


def cofactors(A: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the cofactors of a stack, and where they are not to be trusted; None if there is no kernel."""
    if not fit(A):
        return None
    given, turned = laid(A)
    C, info = np.empty(given.shape, A.dtype), np.empty(len(given), np.int32)
    kernel("cofactors", A.dtype, A.shape[-1])(given, C, info)
    return (C.mT if turned else C).reshape(A.shape), info.reshape(A.shape[:-2])


def condition(A: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return |A|₁ and |A⁻¹|₁, infinite where a pivot is zero, of however few matrices; None if there is no kernel."""
    if A.ndim < 3 or not fit(A, least=1):
        return None
    given, count = dense(A), A[..., 0, 0].size
    run = kernel("condition", A.dtype, A.shape[-1])
    if count < run.lanes:
        given = np.resize(given, (run.lanes, *given.shape[1:]))
    found = np.empty((2, len(given)), A.dtype)
    run(given, *found)
    first, second = found[:, :count].reshape(2, *A.shape[:-2])
    return first, second


def slogdet(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the determinants' signs and the logarithms of their absolute values."""
    if not fit(A):
        return slogdet_large(A) if large.fit(A) else tuple(np.linalg.slogdet(A))
    given, _ = laid(A)
    sign, logarithm = np.empty(A.shape[:-2], A.dtype), np.empty(A.shape[:-2], A.dtype)
    kernel("sign_and_logarithm", A.dtype, A.shape[-1])(given, sign.reshape(-1), logarithm.reshape(-1))
    return sign, logarithm


def slogdet_large(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    LU, pivots, _ = large.lu_factor(A)
    d = np.diagonal(LU, axis1=-2, axis2=-1)
    odd = (pivots != np.arange(1, d.shape[-1] + 1)).sum(-1) % 2
    return np.asarray(np.sign(d).prod(-1) * np.where(odd, -1, 1).astype(d.dtype)), np.asarray(np.log(np.abs(d)).sum(-1))


WIDE_NORM = 12
"""Above this size, NumPy's sums over a matrix's elements are as fast as a kernel's."""


def frobenius(A: Any) -> np.ndarray:
    """Return the roots of the sums of squares, in one pass; infinite where a square is."""
    if A.ndim == 2:
        return np.sqrt(np.vdot(A, A).real)
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
        return large.inverse_norm1(LU) if large.fit(LU, large.LEAST_ESTIMATE) else None
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
        return large.lu_factor(A) if large.fit(A) else None
    batch = A.shape[:-2]
    LU, pivots, info = np.empty(A.shape, A.dtype), np.empty((*batch, n), np.int32), np.empty(batch, np.int32)
    kernel("factor", A.dtype, n)(dense(A), LU.reshape(-1, n, n), pivots.reshape(-1, n), info.reshape(-1))
    return LU, pivots, info


def lu_solve(LU: np.ndarray, pivots: np.ndarray, B: np.ndarray, adjoint: bool) -> np.ndarray | None:
    """Return X with A X = B, or Aᴴ X = B if `adjoint`, from A's factors; None if LAPACK is to do it."""
    return large.lu_solve(LU, pivots, B, adjoint) if large.fit(LU) else None


def lu_inverse(LU: np.ndarray, pivots: np.ndarray) -> np.ndarray | None:
    """Return A⁻¹ from A's factors; None if LAPACK is to do it."""
    return large.lu_inverse(LU, pivots) if large.fit(LU) else None


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


def qr_pull(Q: np.ndarray, R: np.ndarray, G: np.ndarray, H: np.ndarray) -> np.ndarray:
    """Return (G + Q S) R⁻ᴴ with S Hermitian, its upper triangle that of H Rᴴ - Qᴴ G."""
    if fit(Q, R, G, H):
        A = np.empty(Q.shape, Q.dtype)
        kernel("qr_pull", Q.dtype, *Q.shape[-2:])(*(dense(each) for each in (Q, R, G, H)), A.reshape(-1, *Q.shape[-2:]))
        return A
    S = np.triu(np.matmul(H, adjoint(R)) - np.matmul(adjoint(Q), G))
    diagonal = np.einsum("...ii->...i", S)
    diagonal[...] = diagonal.real
    S += adjoint(np.triu(S, 1))
    return adjoint(solve_triangular(R, adjoint(G + np.matmul(Q, S)), True, False))


def lstsq(A: np.ndarray, B: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return A⁺ B, |A| and |A⁺| for tall A, the numbers being right where the rank is full; None if there is no kernel."""
    (m, n), k = A.shape[-2:], B.shape[-1]
    if m < n or not fit(A, B):
        return None
    X, norms = np.empty((*A.shape[:-2], n, k), A.dtype), np.empty((2, *A.shape[:-2]), A.dtype)
    kernel("lstsq", A.dtype, m, n, k)(dense(A), dense(B), X.reshape(-1, n, k), *norms.reshape(2, -1))
    return X, norms[0], norms[1]


def lstsq_pull(A: np.ndarray, B: np.ndarray, X: np.ndarray, G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return H = A⁺ᴴ G and (B - A X) (A⁺ H)ᴴ - H Xᴴ for tall A of full rank."""
    if fit(A, B, X, G):
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
