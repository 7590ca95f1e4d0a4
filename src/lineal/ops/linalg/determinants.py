"""Determinants."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core import AbstractTensor, Op, apply, lift
from lineal.ops.linalg.lu import getrf
from lineal.ops.linalg.matrices import linalg_slogdet, real_dtype, require_square, stored
from lineal.ops.linalg.svd import svd
from lineal.ops.linalg.systems import Inverse

__all__ = ["det", "logdet", "slogdet"]


class Determinant(Op):
    """y = det A;  Ā = ȳ conj(cof A), the matrix of cofactors, which is det(A) A⁻ᵀ where A is regular.   Giles (2008), section 2.2.4."""

    name = "LinalgDet"
    keeps = "0 y"

    def eager(self, xp, A):
        return np.linalg.det(A)

    def vjp(self, needs, g, y, A):
        g = g[..., None, None]
        if np.all(y.value):
            return ((g * y.conj()[..., None, None]) * apply(Inverse(), A).mH,)
        return (g * cofactors(A).conj(),)


class SignLogDet(Op):
    """(s, l) with det A = s eˡ, |s| = 1;  Ā = (l̄ + i Im(s̄ conj(s))) A⁻ᴴ: from d log det A = tr(A⁻¹ dA)."""

    name = "LinalgSlogdet"
    keeps = "0 y"
    width = 2

    def eager(self, xp, A):
        return tuple(np.linalg.slogdet(A))

    def vjp(self, needs, g, y, A):
        by_sign, by_log = g
        weight = by_log
        if A.value.dtype.kind == "c" and by_sign is not None:
            turn = (by_sign * y[0].conj()).imag
            weight = (0 if by_log is None else by_log) + turn * 1j
        if weight is None:
            return (None,)
        return (weight[..., None, None] * inverse_of_transpose(A),)


def inverse_of_transpose(A: Any) -> Any:
    """Return A⁻ᴴ; infinite where A is singular."""
    _, _, info = getrf(A.value)
    if not info.any():
        return apply(Inverse(), A).mH
    safe = lift(np.where(info[..., None, None] != 0, np.eye(A.value.shape[-1], dtype=A.value.dtype), 0))
    lost = lift(np.where(info[..., None, None] != 0, np.inf, 1).astype(real_dtype(A.value)))
    return apply(Inverse(), A * lift((info[..., None, None] == 0).astype(A.value.dtype)) + safe).mH * lost


def cofactors(A: Any) -> Any:
    """Return the matrix of cofactors of any square A = U Σ Vᴴ: det(U Vᴴ) conj(U) cof(Σ) Vᵀ, right for singular A too."""
    U, S, Vh = svd(A, full_matrices=False)
    n = S.value.shape[-1]
    others = S[..., None, :] * (1 - lift(np.eye(n, dtype=S.value.dtype))) + lift(np.eye(n, dtype=S.value.dtype))
    phase = (U @ Vh).det()[..., None, None]
    return phase * (U.conj() * others.prod(-1)[..., None, :] @ Vh.conj())


def det(A: AbstractTensor, *, out: AbstractTensor | None = None) -> Any:
    """Return the determinant of (…, n, n); 1 of an empty matrix."""
    require_square("linalg.det", A)
    return stored(apply(Determinant(), A), out, "linalg.det")


def slogdet(A: AbstractTensor, *, out: Any = None) -> Any:
    """Return (sign, logabsdet) with det A = sign · exp(logabsdet); of a singular A they are 0 and -inf."""
    require_square("linalg.slogdet", A)
    return stored(linalg_slogdet(apply(SignLogDet(), A)), out, "linalg.slogdet")


def logdet(input: AbstractTensor) -> Any:
    """Return log det A: NaN where the determinant is negative, -inf where it is 0."""
    require_square("logdet", input)
    sign, logabs = slogdet(input)
    if input.value.dtype.kind == "c":
        return sign.log() + logabs
    positive = lift(np.where(sign.value < 0, np.nan, 0).astype(logabs.value.dtype))
    return logabs + positive
