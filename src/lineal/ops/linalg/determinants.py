"""Determinants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base.signatures import Tensor
from lineal.codegen.choice import ACROSS, WITHIN, planned
from lineal.core import Op, apply, lift, modes, module_of
from lineal.ops.linalg import kernels
from lineal.ops.linalg.cofactors import cofactors
from lineal.ops.linalg.conditioning import FEW, Advice, doubt, doubtful, hosted, judge, norm1, range_of, rcond_of_lu, watched
from lineal.ops.linalg.expectations import expect_well_conditioned
from lineal.ops.linalg.lu import factors, getrf, getrs, permutations
from lineal.ops.linalg.matrices import linalg_slogdet, require_square, stored
from lineal.ops.linalg.pivots import product_of_pivots
from lineal.ops.linalg.refinement import doubled, mendable, residual
from lineal.ops.linalg.solving import stacked
from lineal.ops.linalg.systems import Inverse, InverseEx, by_factors, probing
from lineal.ops.premise import rely

__all__ = ["det", "logdet", "slogdet"]


LOOSE = 12
"""Above this size the bound of condition by |A|_F and the determinant says nothing in single precision; probes do."""
ADVICE = Advice("linalg.svdvals, which tell how near to singular A is", "linalg.slogdet has the range")


class Determinant(Op):
    """y = det A;  Ā = ȳ conj(cof A), the cofactors, which are det(A) A⁻ᵀ where A is regular.   Giles (2008), section 2.2.4.

    The factors of A, if given, are numbers to work with; if `refined`, so is what they leave of A.
    """

    refined: bool = False
    grad_name = "LinalgDetBackward0"
    keeps = "0 1 2 y"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, LU=None, pivots: Any = None):
        if LU is None:
            return kernels.det(A)
        if self.refined and A.dtype.char in "fF":
            with modes.quiet():
                return np.linalg.det(doubled(A)).astype(A.dtype)
        y = product_of_pivots(LU, pivots)
        return y * correction(A, LU, pivots).astype(y.dtype) if self.refined and A.size else y

    def vjp(self, needs, g, y, A, *factors):
        g = g[..., None, None]
        if not factors:
            return (g * cofactors(A).conj(),)
        # a program solves by the factors, if a premise holds; eagerly NumPy's loop over a stack beats ours over factors
        if y.value.all() and (A.value.ndim == 2 or modes.recorder.get() is not None):
            rely(lambda: y != 0)
            inverse = inverse_adjoint(A, *factors)
            # the derivative of the inverse loses as many digits as the matrix has condition; the polynomial loses none
            with modes.quiet():
                safe = norm1(A.value) * norm1(inverse.value) < range_of(A.value.dtype).eps ** -0.5
            if safe.all():
                rely(lambda: largest_sum(A) * largest_sum(inverse) < range_of(A.value.dtype).eps ** -0.5)
                return (g * y.conj()[..., None, None]) * inverse, None, None
        return g * cofactors(A).conj(), None, None


class DeterminantMended(Op):
    """y = det A, known but where `suspects`, one truth value a matrix, has it computed again, in double precision.

    The derivative is that of `Determinant`.
    """

    grad_name = "LinalgDetBackward0"
    keeps = "0"
    no_lowering = "host step: NumPy, in double precision"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, suspects, known):
        y = known.copy()
        with modes.quiet():
            y[suspects] = np.linalg.det(doubled(A[suspects])).astype(A.dtype)
        return y

    def vjp(self, needs, g, y, A, suspects, known):
        return g[..., None, None] * cofactors(A).conj(), None, None


def correction(A: np.ndarray, LU: np.ndarray, pivots: np.ndarray) -> np.ndarray:
    """Return det A / det P L U to first order in R = P⁻¹A - L U, summed with twice the digits: 1 + tr((L U)⁻¹ R)."""
    n = A.shape[-1]
    L, U = np.tril(LU, -1) + np.eye(n, dtype=A.dtype), np.triu(LU)
    R = residual(L, U, np.take_along_axis(A, permutations(pivots, n)[..., None], -2))[0].astype(A.dtype)
    straight = np.broadcast_to(np.arange(1, n + 1, dtype=np.int32), pivots.shape).copy()
    with modes.quiet():
        first = np.trace(getrs(LU, straight, R), axis1=-2, axis2=-1)
        # where that is no small change, the digits are lost and told to be
        return np.where(np.abs(first) < 0.5, 1 + first, 1)


class DeterminantBounded(Op):
    """y = det A, and a number that 1 / (|A|₁ |A⁻¹|₁) is not below; y alone has a derivative, as in `Determinant`."""

    grad_name = "LinalgDetBackward0"
    keeps = "0"
    width = 2
    no_lowering = "host step: it only decides by numbers how eager code goes on"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        return kernels.det_bounded(A)

    def vjp(self, needs, g, y, A):
        return (None if g[0] is None else g[0][..., None, None] * cofactors(A).conj(),)


BOUNDED = DeterminantBounded()


class DeterminantProbed(DeterminantBounded):
    """y = det A, with |A| and |A⁻¹ V| for the probes V; y alone has a derivative, as in `Determinant`."""

    width = 3
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        return kernels.det_probed(A, probing(A.shape[-1], A.dtype)[0])


class SignLogDet(Op):
    """(s, l) with det A = s eˡ, |s| = 1;  Ā = (l̄ + i Im(s̄ conj(s))) A⁻ᴴ: from d log det A = tr(A⁻¹ dA)."""

    grad_name = "LinalgSlogdetBackward0"
    keeps = "0 y"
    width = 2
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        sign, logarithm = kernels.slogdet(A)
        if sign.dtype.kind == "f":
            # of a matrix with NaN the sign is 0, as PyTorch has it
            sign = np.where(np.isnan(logarithm), sign.dtype.type(0), sign)
        return sign, logarithm

    def vjp(self, needs, g, y, A):
        by_sign, by_log = g
        weight = by_log
        if A.value.dtype.kind == "c" and by_sign is not None:
            turn = (by_sign * y[0].conj()).imag
            weight = (0 if by_log is None else by_log) + turn * 1j
        if weight is None:
            return (None,)
        return (weight[..., None, None] * inverse_of_transpose(A),)


def largest_sum(A: Any) -> Any:
    """Return |A|₁ as an op."""
    return A.abs().sum(-2).amax(-1)


def inverse_adjoint(A: Any, LU: Any = None, pivots: Any = None) -> Any:
    """Return A⁻ᴴ, by the factors of A if they are known."""
    if LU is None:
        return apply(Inverse(), A).mH
    xp = module_of(A)
    one = lift(xp.broadcast_to(xp.eye(A.value.shape[-1], dtype=A.value.dtype), A.value.shape))
    return apply(by_factors("lu", True, False), A, one, LU, pivots)


def inverse_of_transpose(A: Any) -> Any:
    """Return A⁻ᴴ; infinite where A is singular."""
    try:
        return apply(Inverse(), A).mH
    except (RuntimeError, np.linalg.LinAlgError):
        Y, info = apply(InverseEx(), A)
        return Y.mH.masked_fill((info != 0)[..., None, None], np.inf)


def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the determinant of (…, n, n); 1 of an empty matrix. IllConditionedWarning says where no digit of it is right."""
    name = "linalg.det"
    require_square(name, A)
    expect_well_conditioned(A)
    y = lone(A)
    if y is not None:
        return stored(y, out, name)
    if stacked(A.value):
        y = stack(name, A) if watched() else apply(Determinant(), A)
        if y is not None:
            return stored(y, out, name)
    LU, pivots, info = factors(A)
    y = apply(Determinant(), A, LU, pivots)
    if watched() and A.value.ndim > 2 and A.value.shape[-1] > LOOSE:
        unsure = judge_stack(name, A.value, y.value, probed(A.value, LU.value, pivots.value))
        if unsure.any():
            y = (
                apply(DeterminantMended(), A, lift(unsure), y.detach())
                if mendable(A.value)
                else apply(Determinant(True), A, LU, pivots)
            )
    elif watched() and not plain(A.value, y.value):
        norms = norm1(A.value)
        rcond, norms = settled(A.value, info, rcond_of_lu(LU.value, norms), norms)
        y = apply(Determinant(True), A, LU, pivots) if doubtful(rcond, A.value.dtype) else y
        judge(name, A.value, rcond, *ranged(y.value, info != 0), norms, ADVICE)
    return stored(y, out, name)


def lone(A: Any) -> Any:
    """Return the determinant of one matrix of few rows, None if it does not itself say that the condition is good."""
    value = A.value
    if value.ndim != 2 or value.shape[0] > LOOSE or modes.recorder.get() is not None:
        return None
    if planned("determinant_bounded", value) != WITHIN:
        return None
    y, least = apply(BOUNDED, A)
    found, bound = hosted(y.value, least.value)
    sure = float(bound) >= doubt(value.dtype) and range_of(value.dtype).tiny <= abs(found.item()) < math.inf
    return y if sure else None


def plain(A: np.ndarray, y: np.ndarray) -> bool:
    """Return whether the determinant alone says that the condition of a matrix of few rows is good, and is itself in range."""
    limits = range_of(A.dtype)
    if A.ndim != 2 or not 0 < A.shape[-1] <= LOOSE or not limits.tiny <= abs(y) < np.inf:
        return False
    with modes.quiet():
        return bool(kernels.bound_by_det(A, y) >= doubt(A.dtype))


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
    with modes.quiet():
        largest = np.maximum(lengths, 1).prod(-1)
    whole = (A == np.round(A)).all((-1, -2)) & (largest * A.shape[-1] ** 2 * range_of(A.dtype).eps < 0.1)
    right = (info != 0) & (empty | whole)
    return np.where(right, 1, rcond), np.where(right, 1, norms)


def stack(name: str, A: Any) -> Any:
    """Return the determinants of many small matrices, of which only the suspicious ones are factored for their condition.

    None where one is to be refined by its factors.
    """
    n, dtype = A.value.shape[-1], A.value.dtype
    if n > LOOSE and planned("determinant_probed", A.value) in ((ACROSS, WITHIN) if dtype.char == "f" else (WITHIN,)):
        y, norms, sizes = apply(DeterminantProbed(), A)
        least = rcond_told(n, dtype, norms.value, sizes.value)
    else:
        y, least = apply(DeterminantBounded(), A)
        least = least.value
    unsure = judge_stack(name, A.value, y.value, least)
    if not unsure.any():
        return y
    return apply(DeterminantMended(), A, lift(unsure), y.detach()) if mendable(A.value) else None


def probed(A: np.ndarray, LU: np.ndarray, pivots: np.ndarray) -> np.ndarray:
    """Return what probes tell of the condition of matrices with known factors, which LAPACK looks at one by one.

    They have more than `LOOSE` rows: where |A|_F or |W|_F underflows, so does det A or its inverse, which is told anyhow.
    """
    n = A.shape[-1]
    V = probing(n, A.dtype)[0]
    with modes.quiet():
        W = getrs(LU, pivots, np.broadcast_to(V, (*A.shape[:-2], *V.shape)))
        return rcond_told(n, A.dtype, kernels.frobenius(A), kernels.frobenius(W))


def rcond_told(n: int, dtype: np.dtype, norms: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return |A|_F and |A⁻¹ V|_F, V the probes, as a reciprocal condition number that is to be doubted where it is small."""
    with modes.quiet():
        return np.finfo(dtype).dtype.type(FEW * range_of(dtype).eps * probing(n, dtype)[1].product) / (norms * sizes)


def judge_stack(name: str, A: np.ndarray, y: np.ndarray, rcond: np.ndarray) -> np.ndarray:
    """Report many small matrices with determinants y and reciprocal condition numbers that are at least `rcond`.

    Return which are to be refined.
    """
    with modes.quiet():
        suspect = ~(rcond >= doubt(A.dtype))
        if not suspect.any():
            return suspect
        rcond = np.array(rcond)
        LU, _, info = getrf(A[suspect])
        norms, zero = np.ones(y.shape, rcond.dtype), np.zeros(y.shape, bool)
        exact = norm1(A[suspect])
        rcond[suspect], norms[suspect] = settled(A[suspect], info, rcond_of_lu(LU, exact), exact)
        zero[suspect] = info != 0
        judge(name, A, rcond, *ranged(y, zero), norms, ADVICE)
        return suspect & (rcond < doubt(A.dtype))


def slogdet(A: Tensor, *, out: Sequence[Tensor] | None = None) -> linalg_slogdet:
    """Return (sign, logabsdet) with det A = sign · exp(logabsdet); of a singular A they are 0 and -inf."""
    require_square("linalg.slogdet", A)
    return stored(linalg_slogdet(apply(SignLogDet(), A)), out, "linalg.slogdet")


def logdet(input: Tensor) -> Tensor:
    """Return log det A: NaN where the determinant is negative, -inf where it is 0."""
    require_square("logdet", input)
    sign, logabs = slogdet(input)
    if input.value.dtype.kind == "c":
        return sign.log() + logabs
    # NaN for a sign of -1, else 0
    return logabs + sign.detach().sqrt() * 0
