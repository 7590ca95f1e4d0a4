"""Determinants, their logarithms, bounds and cofactors."""

from __future__ import annotations

import math

import numpy as np

from lineal.base.platforms import HOST, moved
from lineal.codegen.batched.arrays import kernel, laid
from lineal.codegen.choice import ACROSS, PROGRAMS, WITHIN, planned
from lineal.codegen.dense import arrays as large
from lineal.codegen.rowwise import arrays as rowwise
from lineal.ops.linalg.kernels.norms import frobenius


def det(A: np.ndarray) -> np.ndarray:
    """Return the determinants."""
    chosen = planned("determinant", A)
    if chosen == WITHIN:
        return rowwise.eliminate(A).det
    if chosen != ACROSS:
        return det_large(A) if chosen == PROGRAMS else np.linalg.det(A)
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
    chosen = planned("determinant_bounded", A)
    if chosen == WITHIN:
        found = rowwise.eliminate(A)
        return found.det, bound_of(n, found.findings.tolist()) if A.ndim == 2 else bound_by_norm(n, found.norms, found.det)
    if chosen != ACROSS:
        y = det(A)
        return y, bound_by_det(A, y)
    given, _ = laid(A)
    y, least = np.empty(A.shape[:-2], A.dtype), np.empty(A.shape[:-2], A.dtype)
    kernel("determinant_bounded", A.dtype, n)(given, y.reshape(-1), least.reshape(-1))
    return y, least


def bound_by_det(A: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return what `det_bounded` does beside the determinants, which are known."""
    return bound_by_norm(A.shape[-1], frobenius(A), y)


def bound_of(n: int, findings: list[float]) -> np.ndarray:
    """Return the same of one matrix; in Python, factor by factor, which stays in range where the powers do not."""
    size, least = math.sqrt(findings[2] / n), math.hypot(findings[0], findings[1]) / (2 * n)
    for _ in range(n):
        least = least / size if size else 0.0
    return np.array(least)


def bound_by_norm(n: int, norms: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the same by Frobenius norms that are known."""
    size = np.asarray(norms / n**0.5, y.dtype.char.lower()) ** n
    return np.abs(moved(y, HOST)) / (2 * n * size)


def det_probed(A: np.ndarray, V: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the determinants, |A|_F, and |W|_F with A W = V for one matrix V; only of what has a kernel."""
    if planned("determinant_probed", A) == WITHIN:
        found = rowwise.eliminate(A, V)
        return found.det, found.norms, np.where(found.info == 0, found.sizes, np.inf).astype(found.sizes.dtype)
    given, _ = laid(A)
    found = np.empty((3, *A.shape[:-2]), A.dtype)
    # |A⁻ᵀ V| tells as much as |A⁻¹ V|
    kernel("determinant_probed", A.dtype, *V.shape)(given, np.require(V, requirements=["C", "A"]), *found.reshape(3, -1))
    return found[0], found[1], found[2]


def slogdet(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the determinants' signs and the logarithms of their absolute values."""
    chosen = planned("sign_and_logarithm", A)
    if chosen != ACROSS:
        return slogdet_large(A) if chosen == PROGRAMS else tuple(np.linalg.slogdet(A))
    given, _ = laid(A)
    sign, logarithm = np.empty(A.shape[:-2], A.dtype), np.empty(A.shape[:-2], A.dtype)
    kernel("sign_and_logarithm", A.dtype, A.shape[-1])(given, sign.reshape(-1), logarithm.reshape(-1))
    return sign, logarithm


def slogdet_large(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    LU, pivots, _ = large.lu_factor(A)
    d = np.diagonal(LU, axis1=-2, axis2=-1)
    odd = (pivots != np.arange(1, d.shape[-1] + 1)).sum(-1) % 2
    return np.asarray(np.sign(d).prod(-1) * np.where(odd, -1, 1).astype(d.dtype)), np.asarray(np.log(np.abs(d)).sum(-1))


def cofactors(A: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the cofactors of a stack, and where they are not to be trusted; None if there is no kernel."""
    if planned("cofactors", A) != ACROSS:
        return None
    given, transposed = laid(A)
    C, info = np.empty(given.shape, A.dtype), np.empty(len(given), np.int32)
    kernel("cofactors", A.dtype, A.shape[-1])(given, C, info)
    return (C.mT if transposed else C).reshape(A.shape), info.reshape(A.shape[:-2])
