"""Matrices of cofactors and their derivatives, as the polynomials they are: no division, singular matrices no exception."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.signatures import Tensor
from lineal.core import Op, apply, lift, modes, module_of
from lineal.ops.contraction.einsum import einsum
from lineal.ops.linalg import kernels
from lineal.ops.linalg.conditioning import hosted, range_of
from lineal.ops.linalg.lu import getrf, getri
from lineal.ops.linalg.matrices import adjoint
from lineal.ops.linalg.pivots import product_of_pivots
from lineal.ops.linalg.solving import SMALL, factored_for_condition
from lineal.ops.linalg.svd import svd
from lineal.ops.linalg.systems import Inverse

__all__ = ["cofactors"]


class Cofactors(Op):
    """C = cof A, the gradient of det: with A = U Σ Vᴴ, det(U Vᴴ) conj(U) cof(Σ) Vᵀ;  Ā = conj(slope of cof at A along conj(C̄)),

    since the second derivative of det is symmetric.   Stewart (1998), Linear Algebra Appl. 283, eq. 2. Where A⁻¹ is accurate,

    the slope along E is tr(CᵀE) A⁻ᵀ - C Eᵀ A⁻ᵀ, from C = det(A) A⁻ᵀ.
    """

    keeps = "0 y"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        C, doubtful = kernels.cofactors(A) or by_inverse(A)
        if doubtful.any():
            C[doubtful] = by_singular_values(A[doubtful])
        return np.ascontiguousarray(C)

    def vjp(self, needs, g, y, A):
        E = g.conj()
        # who records is not to learn a decision by numbers
        if modes.recorder.get() is not None or not modest(A.value):
            return (apply(Slope(), A, E).conj(),)
        inverse = apply(Inverse(), A).mT
        return (((y * E).sum((-1, -2), keepdim=True) * inverse - y @ E.mT @ inverse).conj(),)


class Slope(Op):
    """The derivative of cof at A along E; with F = UᴴEV and Mᵢⱼ the product of all singular values but σᵢ and σⱼ (0 for i = j)

    it is det(U Vᴴ) conj(U) (diag(M diag F) - (M ∘ F)ᵀ) Vᵀ.  Ē = conj(slope along conj(Ȳ)), and Ā the third derivative of det,
    written out in `curvature`. Both from the minors of Σ + F.   Horn and Johnson (2013), Matrix Analysis, section 0.8.12.
    """

    grad_name = "CofactorsSlopeBackward0"
    keeps = "0 1"
    no_lowering = "host step: singular values, by the eager kernel"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, E):
        y, finite = np.full(A.shape, np.nan, A.dtype), np.isfinite(A).all((-1, -2))
        y[finite] = slope(A[finite], E[finite])
        return y

    def vjp(self, needs, g, y, A, E):
        by_A = curvature(A, E, g.conj()).conj() if needs[0] else None
        return by_A, apply(self, A, g.conj()).conj() if needs[1] else None


def slope(A: np.ndarray, E: np.ndarray) -> np.ndarray:
    """Return the derivative of cof at finite A along E."""
    phase, U, S, Vh = turned(A)
    F, M = np.matmul(adjoint(U), np.matmul(E, adjoint(Vh))), without_two(S)
    inner = -np.swapaxes(M * F, -1, -2)
    np.einsum("...ii->...i", inner)[...] = np.einsum("...ij,...jj->...i", M, F)
    return phase * np.matmul(U.conj(), np.matmul(inner, Vh.conj()))


def by_inverse(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return det(A) A⁻ᵀ, computed in double precision, and where it has lost half its digits, or det A leaves the range."""
    wide = A.astype(np.result_type(A.dtype, np.float64), copy=False)
    limits = range_of(wide.dtype)
    with modes.quiet():
        d, inverse = det_and_inverse(wide)
        safe = (np.abs(d) >= limits.least) & (np.abs(d) < np.inf)
        safe &= kernels.frobenius(wide) * kernels.frobenius(inverse) < limits.eps**-0.5
        return (d[..., None, None] * np.swapaxes(inverse, -1, -2)).astype(A.dtype, copy=False), ~safe


def det_and_inverse(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the determinants, 0 of singular matrices, and inverses of the others.

    NumPy's loop in C would factor twice, which is faster for small matrices all the same.
    """
    if A.ndim > 2 and A.shape[-1] <= SMALL:
        try:
            return np.linalg.det(A), np.linalg.inv(A)
        except np.linalg.LinAlgError:
            pass
    LU, pivots, _ = getrf(A)
    return product_of_pivots(LU, pivots), getri(LU, pivots)


def by_singular_values(A: np.ndarray) -> np.ndarray:
    """Return the cofactors; NaN for a matrix that is not finite."""
    C, finite = np.full(A.shape, np.nan, A.dtype), np.isfinite(A).all((-1, -2))
    phase, U, S, Vh = turned(A[finite])
    C[finite] = phase * np.matmul(U.conj() * without_one(S)[..., None, :], Vh.conj())
    return C


def modest(A: np.ndarray) -> bool:
    """Return whether the condition leaves half the digits, so that the derivative of the inverse does."""
    return bool(np.all(factored_for_condition(hosted(A)[0])[0] > range_of(A.dtype).eps ** 0.5))


def turned(A: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return det(U Vᴴ) and the factors of A = U Σ Vᴴ."""
    U, S, Vh = kernels.svd(A, False)
    return (np.linalg.det(U) * np.linalg.det(Vh))[..., None, None], U, S, Vh


def without_one(S: np.ndarray) -> np.ndarray:
    """Return, for each σᵢ, the product of the others."""
    before, after = np.ones_like(S), np.ones_like(S)
    before[..., 1:] = np.cumprod(S[..., :-1], -1)
    after[..., :-1] = np.cumprod(S[..., :0:-1], -1)[..., ::-1]
    return before * after


def without_two(S: np.ndarray) -> np.ndarray:
    """Return the matrix of the products of all singular values but σᵢ and σⱼ, with a diagonal of zeros."""
    n = S.shape[-1]
    M = np.zeros((*S.shape, n), S.dtype)
    for i in range(n):
        rest = S.copy()
        rest[..., i] = 1
        M[..., i, :] = without_one(rest)
        M[..., i, i] = 0
    return M


def curvature(A: Any, E: Any, G: Any) -> Any:
    """Return the gradient by H of the third derivative of det at A along E, G and H.

    With the directions turned by U and V, and N the products without three different singular values, it sums the minors
    Σ N sgn(π) F(i, π(i)) G(j, π(j)) H(k, π(k)) over the six permutations π of i, j, k.
    """
    U, S, Vh = svd(A, full_matrices=False)
    n, xp = S.value.shape[-1], module_of(S)
    phase = (U @ Vh).det()[..., None, None]
    index = np.arange(n)
    i, j, k, other = np.ix_(index, index, index, index)
    kept = lift(xp.asarray((~((other == i) | (other == j) | (other == k))).astype(S.value.dtype)))
    different = lift(xp.asarray(((i != j) & (j != k) & (i != k))[..., 0].astype(S.value.dtype)))
    N = ((S[..., None, None, None, :] * kept + (1 - kept)).prod(-1) * different).to(U.dtype)
    F, G = U.mH @ E @ Vh.mH, U.mH @ G @ Vh.mH
    f, g = F.diagonal(0, -2, -1), G.diagonal(0, -2, -1)
    diagonal = einsum("...ijk,...i,...j->...k", N, f, g) - einsum("...ijk,...ij,...ji->...k", N, F, G)
    rest = einsum("...ijk,...ik,...ji->...kj", N, F, G) + einsum("...ijk,...ik,...ji->...kj", N, G, F)
    rest = rest - einsum("...ijk,...i,...jk->...kj", N, f, G) - einsum("...ijk,...i,...jk->...kj", N, g, F)
    return phase * (U.conj() @ (rest + diagonal.diag_embed()) @ Vh.conj())


def cofactors(A: Any) -> Tensor:
    """Return the matrix of cofactors of each square matrix, singular or not."""
    return apply(Cofactors(), A)
