"""Determinants."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core import AbstractTensor, Op, apply, lift, modes
from lineal.ops.linalg import kernels
from lineal.ops.linalg.cofactors import cofactors
from lineal.ops.linalg.conditioning import FEW, Advice, judge, norm1, range_of, rcond_of_lu, watched
from lineal.ops.linalg.lu import factors, getrf
from lineal.ops.linalg.matrices import linalg_slogdet, real_dtype, require_square, stored
from lineal.ops.linalg.systems import Inverse, _factored, stacked
from lineal.ops.structural.joining import cat

__all__ = ["det", "logdet", "slogdet"]


ADVICE = Advice("linalg.svdvals, which tell how near to singular A is", "linalg.slogdet has the range")


class Determinant(Op):
    """y = det A;  Ā = ȳ conj(cof A), the cofactors, which are det(A) A⁻ᵀ where A is regular.   Giles (2008), section 2.2.4.

    The factors of A, if given, are numbers to work with.
    """

    name = "LinalgDet"
    keeps = "0 1 2 y"

    def eager(self, xp, A, LU=None, pivots=None):
        return kernels.det(A) if LU is None else product_of_pivots(LU, pivots)

    def vjp(self, needs, g, y, A, *factors):
        g = g[..., None, None]
        nothing = [None] * len(factors)
        if np.all(y.value):
            inverse = inverse_adjoint(A, *factors)
            # the derivative of the inverse loses as many digits as the matrix has condition; the polynomial loses none
            with modes.quiet():
                safe = norm1(A.value) * norm1(inverse.value) < range_of(A.value.dtype).eps ** -0.5
            if np.all(safe):
                return ((g * y.conj()[..., None, None]) * inverse, *nothing)
            if safe.any() and not factors:
                return (g * cofactors_by_parts(A, y, safe).conj(),)
        return (g * cofactors(A).conj(), *nothing)


class SignLogDet(Op):
    """(s, l) with det A = s eˡ, |s| = 1;  Ā = (l̄ + i Im(s̄ conj(s))) A⁻ᴴ: from d log det A = tr(A⁻¹ dA)."""

    name = "LinalgSlogdet"
    keeps = "0 y"
    width = 2

    def eager(self, xp, A):
        return kernels.slogdet(A)

    def vjp(self, needs, g, y, A):
        by_sign, by_log = g
        weight = by_log
        if A.value.dtype.kind == "c" and by_sign is not None:
            turn = (by_sign * y[0].conj()).imag
            weight = (0 if by_log is None else by_log) + turn * 1j
        if weight is None:
            return (None,)
        return (weight[..., None, None] * inverse_of_transpose(A),)


def product_of_pivots(LU: np.ndarray, pivots: Any) -> np.ndarray:
    """Return det A from A's factors."""
    d = np.diagonal(LU, axis1=-2, axis2=-1)
    odd = (pivots != np.arange(1, d.shape[-1] + 1)).sum(-1) % 2
    sign = np.where(odd, -1, 1).astype(LU.dtype)
    y, limits = sign * d.prod(-1), np.finfo(LU.dtype)
    size = np.abs(y)
    inside = (size >= limits.tiny / limits.eps) & (size < np.inf)
    return np.asarray(y) if inside.all() else scaled_product(sign, d)


def scaled_product(y: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return y Π d, the exponents apart, so that only the product itself can leave the range."""
    total = np.zeros(y.shape, np.int32)
    for i in range(d.shape[-1]):
        factor, exponent = normalised(d[..., i])
        y, carried = normalised(y * factor)
        total = total + exponent + carried
    return times_power(y, total)


def normalised(x: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of size 1/2 to 1 and the powers of two that were taken out."""
    exponent = np.frexp(np.maximum(np.abs(x.real), np.abs(x.imag)))[1]
    return times_power(x, -exponent), exponent


def times_power(x: Any, exponent: np.ndarray) -> np.ndarray:
    """Return x · 2^exponent, rounded once."""
    if x.dtype.kind == "c":
        y: Any = np.empty(x.shape, x.dtype)
        y.real, y.imag = np.ldexp(x.real, exponent), np.ldexp(x.imag, exponent)
        return y
    return np.asarray(np.ldexp(x, exponent))


def inverse_adjoint(A: Any, LU: Any = None, pivots: Any = None) -> Any:
    """Return A⁻ᴴ, by the factors of A if they are known."""
    if LU is None:
        return apply(Inverse(), A).mH
    one = lift(np.broadcast_to(np.eye(A.value.shape[-1], dtype=A.value.dtype), A.value.shape))
    return apply(_factored("lu", True, False), A, one, LU, pivots)


def inverse_of_transpose(A: Any) -> Any:
    """Return A⁻ᴴ; infinite where A is singular."""
    _, _, info = getrf(A.value)
    if not info.any():
        return apply(Inverse(), A).mH
    safe = lift(np.where(info[..., None, None] != 0, np.eye(A.value.shape[-1], dtype=A.value.dtype), 0))
    lost = lift(np.where(info[..., None, None] != 0, np.inf, 1).astype(real_dtype(A.value)))
    return apply(Inverse(), A * lift((info[..., None, None] == 0).astype(A.value.dtype)) + safe).mH * lost


def cofactors_by_parts(A: Any, y: Any, safe: np.ndarray) -> Any:
    """Return the cofactors of a stack with determinants y: y A⁻ᵀ where that is safe, else by singular values."""
    n, count = A.value.shape[-1], int(safe.sum())
    order = np.argsort(~safe, axis=None, kind="stable")
    first, rest = lift(order[:count]), lift(order[count:])
    flat = A.reshape(-1, n, n)
    regular = y.reshape(-1)[first][:, None, None] * inverse_adjoint(flat[first]).conj()
    parts = cat((regular, cofactors(flat[rest])), 0)
    return parts[lift(np.argsort(order))].reshape(A.value.shape)


def det(A: AbstractTensor, *, out: AbstractTensor | None = None) -> Any:
    """Return the determinant of (…, n, n); 1 of an empty matrix. IllConditionedWarning says where no digit of it is right."""
    name = "linalg.det"
    require_square(name, A)
    if stacked(A.value):
        y = apply(Determinant(), A)
        if watched():
            judge_stack(name, A.value, y.value)
        return stored(y, out, name)
    LU, pivots, info = factors(A)
    y = apply(Determinant(), A, LU, pivots)
    if watched():
        norms = norm1(A.value)
        rcond, norms = settled(A.value, info, rcond_of_lu(LU.value, norms), norms)
        judge(name, A.value, rcond, *ranged(y.value, info != 0), norms, ADVICE)
    return stored(y, out, name)


def ranged(y: np.ndarray, zero: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return determinants as solutions to be judged by their range: 0 is in it where a pivot is 0, else it is underflow."""
    return y[..., None, None], np.where(zero, 0, 1)[..., None, None]


def settled(A: np.ndarray, info: np.ndarray, rcond: np.ndarray, norms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return conditions and norms, both 1 where a determinant of 0 is right: of a row of zeros, or of small whole numbers."""
    if not info.any():
        return rcond, norms
    lengths = np.sqrt((np.abs(A) ** 2).sum(-1))
    empty = ~(A.any(-1).all(-1) & A.any(-2).all(-1))
    # Hadamard: |det A| and all minors are at most the product of the lengths, so rounding cannot hide a 1
    largest = np.maximum(lengths, 1).prod(-1)
    whole = (A == np.round(A)).all((-1, -2)) & (largest * A.shape[-1] ** 2 * range_of(A.dtype).eps < 0.1)
    plain = (info != 0) & (empty | whole)
    return np.where(plain, 1, rcond), np.where(plain, 1, norms)


def judge_stack(name: str, A: np.ndarray, y: np.ndarray) -> None:
    """Report many small matrices; |A|_F and the determinant bound the condition of most, and only the others are factored.

    κ₂ < 2 (|A|_F / √n)ⁿ / |det A|.   Guggenheimer, Edelman and Johnson (1995), College Math. J. 26, eq. 2.
    """
    n = A.shape[-1]
    with modes.quiet():
        size = (kernels.frobenius(A) / np.sqrt(n).astype(real_dtype(y))) ** n
        rcond = np.abs(y) / (2 * n * size)
        doubtful = ~(rcond >= FEW * range_of(A.dtype).eps)
        if doubtful.any():
            LU, _, info = getrf(A[doubtful])
            norms, zero = np.ones(y.shape, rcond.dtype), np.zeros(y.shape, bool)
            exact = norm1(A[doubtful])
            rcond[doubtful], norms[doubtful] = settled(A[doubtful], info, rcond_of_lu(LU, exact), exact)
            zero[doubtful] = info != 0
            judge(name, A, rcond, *ranged(y, zero), norms, ADVICE)


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
