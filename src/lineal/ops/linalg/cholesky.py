"""The Cholesky factorisation of positive definite matrices."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal.base.errors import LinAlgError
from lineal.base.signatures import Tensor
from lineal.core import Op, apply, lift, modes, module_of, renamed
from lineal.core.calling import public
from lineal.ops.linalg import kernels
from lineal.ops.linalg.cholesky_derivative import CholeskyPull
from lineal.ops.linalg.conditioning import hosted, judge_cholesky, judge_inverse, lapack, listed, tell, watched
from lineal.ops.linalg.expectations import expect_contained, expect_well_factored
from lineal.ops.linalg.matrices import (
    broadcast_batches,
    linalg_cholesky_ex,
    place_of,
    real_dtype,
    require_matrix,
    require_one_dtype,
    require_square,
    stored,
)
from lineal.ops.linalg.triangular import solve_triangular, substituted
from lineal.ops.premise import rely

__all__ = ["cholesky", "cholesky_ex", "cholesky_solve", "cholesky_inverse"]


class Cholesky(Op):
    """A = L Lᴴ;  Ā = L⁻ᴴ sym(Φ(Lᴴ L̄)) L⁻¹ with Φ the lower triangle, its diagonal halved.   Murray (2016), eq. 10.

    Only the lower triangle of A is read; with `upper` only the upper one, and the result is Lᴴ. A matrix that is not positive
    definite gives NaN here; the front raises.
    """

    upper: bool
    grad_name = "LinalgCholeskyExBackward0"
    keeps = "y"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        return kernels.cholesky(A, self.upper)

    def vjp(self, needs, g, y, A):
        L, g = (y.mH, g.mH) if self.upper else (y, g)
        return (apply(CholeskyPull(), L, g),)


_cholesky = functools.lru_cache(2)(Cholesky)


def congruence(L: Any, S: Any) -> Any:
    """Return L⁻ᴴ S L⁻¹ for lower triangular L."""
    return substituted(L.mH, substituted(L.mH, S, upper=True).mH, upper=True).mH


def potrf(A: np.ndarray, upper: bool) -> tuple[np.ndarray, int]:
    """Return the factor of one matrix and LAPACK's info."""
    if A.size == 0:
        return A.copy(), 0
    return lapack("potrf", A.dtype)(A, lower=not upper, clean=1)


def failures(A: np.ndarray, L: np.ndarray, upper: bool) -> np.ndarray:
    """Return, per matrix, 0 or the order of the leading minor that is not positive definite."""
    A, L = hosted(A, L)
    info = np.zeros(A.shape[:-2], np.int32)
    if A.size:
        failed = np.isnan(np.diagonal(L, axis1=-2, axis2=-1)).any(-1)
        for each in np.argwhere(failed):
            place = tuple(each)
            # not every LAPACK counts NaN as not positive
            info[place] = potrf(A[place], upper)[1] or 1 + np.isnan(np.diagonal(L[place])).argmax()
    return info


@public
def cholesky_ex(
    input: Tensor, *, upper: bool = False, check_errors: bool = False, out: Sequence[Tensor] | None = None
) -> linalg_cholesky_ex:
    """Return L and info as `cholesky`, without raising: info is 0 or the order of the leading minor that is not positive."""
    name = "linalg.cholesky_ex"
    require_square(name, input)
    L = apply(_cholesky(upper), input)
    rely(lambda: worked(L))
    info = failures(input.value, L.value, upper)
    if check_errors:
        refuse_indefinite(name, info)
    return stored(linalg_cholesky_ex((L, lift(module_of(L).asarray(info)))), out, name)


def worked(L: Any) -> Any:
    """Return whether each factorisation came to its end."""
    corner = L[..., -1:, -1:]
    return corner == corner


def refuse_indefinite(name: str, info: np.ndarray, A: np.ndarray | None = None) -> None:
    """Raise LinAlgError for the first matrix that is not positive definite, or for NaN in it."""
    flat = info.ravel()
    bad = np.flatnonzero(flat)
    if bad.size:
        if A is not None and not np.isfinite(A.reshape(-1, *A.shape[-2:])[bad[0]]).all():
            raise LinAlgError(f"{name}: {place_of(int(bad[0]), info.shape)}the input has NaN or infinite elements")
        raise LinAlgError(
            f"{name}: {place_of(int(bad[0]), info.shape)}The factorization could not be completed because the input is not "
            f"positive-definite (the leading minor of order {int(flat[bad[0]])} is not positive-definite)."
        )


@public
def cholesky(input: Tensor, *, upper: bool = False, out: Tensor | None = None, jitter: float | str | None = None) -> Tensor:
    """Return the lower triangular L with L Lᴴ = A (or with `upper`, U with Uᴴ U = A) of Hermitian positive definite A.

    A is (…, n, n), floating or complex; only one triangle is read. LinAlgError names the leading minor that is not positive.
    With `jitter`, the matrix factored is A + jitter · I; with `jitter="auto"` it is the smallest that works for each matrix, 0
    where none is needed, and a warning names it.
    """
    name = "linalg.cholesky"
    require_square(name, input)
    A: Any = input
    if jitter == "auto":
        added = smallest_jitter(A.value, upper)
        A = shifted(A, added)
        if watched() and added.any():
            bad = np.argwhere(added)
            where = f"batch entries {listed(bad)}: " if added.ndim else ""
            tell(name, f"{name}: {where}not positive definite; a jitter of {added.max():.2e} was added to the diagonal")
    elif jitter is not None:
        A = shifted(A, np.asarray(jitter, real_dtype(A.value)))
    L = apply(_cholesky(upper), A)
    rely(lambda: worked(L))
    xp = module_of(L)
    if xp.count_nonzero(xp.isnan(L.value[..., -1:, -1:])):
        refuse_indefinite(name, failures(A.value, L.value, upper), A.value)
    return stored(L, out, name)


def shifted(A: Any, jitter: np.ndarray) -> Any:
    """Return A + jitter · I."""
    return A + lift(jitter[..., None, None] * np.eye(A.value.shape[-1], dtype=A.value.dtype))


def smallest_jitter(A: np.ndarray, upper: bool = False) -> np.ndarray:
    """Return, per matrix, the least jitter (within 2 %) with which A + jitter · I has a Cholesky factor; NaN if none has."""
    found = np.zeros(A.shape[:-2], real_dtype(A))
    for place in np.ndindex(found.shape):
        found[place] = _jitter_of(A[place], upper)
    return found


def _jitter_of(A: np.ndarray, upper: bool) -> float:
    one = np.eye(A.shape[-1], dtype=A.dtype)

    def works(j: float) -> bool:
        return potrf(A + A.dtype.type(j) * one, upper)[1] == 0

    if works(0.0):
        return 0.0
    if not np.isfinite(A).all():
        return np.nan
    limits = np.finfo(A.dtype)
    size = max(float(np.abs(A).sum(-1).max()), float(limits.tiny / limits.eps))
    low, high = size * float(limits.eps) / 8, 2 * size
    if works(low):
        return low
    while high > low * 1.02:
        middle = float(np.sqrt(low) * np.sqrt(high))
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return X with A X = B, given the Cholesky factor of A; IllConditionedWarning says where digits are lost."""
    name = "cholesky_solve"
    require_matrix(name, B, "b")
    require_square(name, L)
    require_one_dtype(name, B, L)
    return renamed(stored(back_from(name, B, L, upper, judge_cholesky), out, name), "CholeskySolveBackward0")


def back_from(name: str, B: Any, L: Any, upper: bool, judged: Callable[..., None]) -> Any:
    """Return X with A X = B, given the Cholesky factor of A, reported by `judged`."""
    factor, right = broadcast_batches(name, L.mH if upper else L, B)
    half = solve_triangular(factor, right, upper=False)
    X = solve_triangular(factor.mH, half, upper=True)
    expect_well_factored(factor)
    expect_contained(X, right)
    if watched() and X.value.size:
        with modes.quiet():
            judged(name, factor.value, X.value, right.value)
    return X


def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return A⁻¹, given the Cholesky factor of A; IllConditionedWarning says where digits are lost."""
    name = "cholesky_inverse"
    require_square(name, L)
    xp = module_of(L)
    one = lift(xp.broadcast_to(xp.eye(L.value.shape[-1], dtype=L.value.dtype), L.value.shape))
    return renamed(stored(back_from(name, one, L, upper, judge_inverse), out, name), "CholeskyInverseBackward0")
