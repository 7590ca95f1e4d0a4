"""`inv`: inverses, formed only when somebody looks at them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base.signatures import Tensor
from lineal.core import apply, is_grad_enabled, lift, modes, module_of, synchronize
from lineal.core.calling import public
from lineal.ops.linalg.conditioning import FEW, doubt, doubtful, frobenius, hosted, judge, norm1, range_of, rcond_of_lu, watched
from lineal.ops.linalg.expectations import expect_well_conditioned
from lineal.ops.linalg.lu import factors
from lineal.ops.linalg.matrices import linalg_inv_ex, refuse_singular, require_square, stored
from lineal.ops.linalg.refinement import mendable
from lineal.ops.linalg.systems import Inverse, InverseEx, InverseMended, by_factors

__all__ = ["inv", "inv_ex", "inverse"]


@public
def inv_ex(A: Tensor, *, check_errors: bool = False, out: Sequence[Tensor] | None = None) -> linalg_inv_ex:
    """Return the inverse and info as `inv`, without raising: info is 0 or the place of the pivot that is zero."""
    name = "linalg.inv_ex"
    require_square(name, A)
    if check_errors:
        Y, info = _inverse(name, A)
        return stored(linalg_inv_ex((Y, lift(module_of(Y).asarray(info)))), out, name)
    return stored(linalg_inv_ex(apply(InverseEx(), A)), out, name)


INVERSE = Inverse()


class Unformed:
    """How the level above holds the inverse of one larger matrix until somebody looks at it."""

    hold: Any = None

    def enter(self, function: Any) -> Any:
        """Make `function(A, LU, pivots)` what returns such an inverse; a decorator."""
        self.hold = function
        return function


unseen = Unformed()
LARGE = 48
"""From how many rows on an inverse is not formed before it is looked at; below, forming it costs no more than waiting."""


@public
def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return A⁻¹ of (…, n, n); LinAlgError names the batch entry of a singular A. To solve a system, `solve` is better.

    The inverse of one larger matrix is formed when somebody looks at it: `inv(A) @ b` and `inv(A).mT @ b` solve instead.
    """
    name = "linalg.inv"
    require_square(name, A)
    # who listens hears of an op; programs rewrite a product with it as a solution themselves
    if unseen.hold and A.value.ndim == 2 and A.value.shape[-1] >= LARGE and out is None and modes.recorder.get() is None:
        return unformed(name, A)
    Y = _inverse(name, A)[0]
    expect_well_conditioned(A)
    if watched() and A.value.size:
        known = judge_inverse(name, A.value, Y.value)
        if doubtful(known, A.value.dtype):
            Y = mended(A, Y, known)
    return stored(Y, out, name)


def mended(A: Any, Y: Any, known: Any) -> Any:
    """Return A⁻¹, of which Y is too rough where the reciprocal condition numbers `known` leave few digits of some."""
    if mendable(A.value):
        return apply(InverseMended(), A, lift(known < doubt(A.value.dtype)), Y.detach())
    return refined_inverse(A, *factors(A)[:2])


def refined_inverse(A: Any, LU: Any, pivots: Any) -> Any:
    """Return A⁻¹ by its factors and refinement."""
    xp = module_of(A)
    one = xp.broadcast_to(xp.eye(A.value.shape[-1], dtype=A.value.dtype), A.value.shape)
    return apply(by_factors("lu", False, True), A, lift(one), LU, pivots)


def unformed(name: str, A: Any) -> Any:
    """Return A⁻¹ by its factors, judged by them, to be formed on first sight."""
    LU, pivots, info = factors(A)
    refuse_singular(name, info, "inversion")
    if watched():
        norms = norm1(A.value)
        known = rcond_of_lu(LU.value, norms)
        judge(name, A.value, known, None, None, norms)
        if doubtful(known, A.value.dtype):
            return refined_inverse(A, LU, pivots)
        if not np.isfinite(LU.value).all():
            judge(name, A.value, np.nan, None, None, norms)
    # what A is later, after writes in place, is not what was inverted: its history as of now is kept, under another tensor
    now = lift(A.value)
    if A.origin is not None:
        synchronize(A)
    if is_grad_enabled():
        now.node, now.index = A.node, A.index
    return unseen.hold(now, LU, pivots)


def solve_factored(A: Any, B: Any, found: tuple, adjoint: bool = False) -> Any:
    """Return X with A X = B, or Aᴴ X = B, by LU and pivots."""
    return apply(by_factors("lu", adjoint, False), A, B, *found)


def judge_inverse(name: str, A: np.ndarray, Y: np.ndarray) -> Any:
    """Report inverses by |A| and |A⁻¹|, in the Frobenius norm first, in one pass, and in the 1-norm where that is doubtful.

    Return the reciprocal condition numbers.
    """
    limits = range_of(A.dtype)
    if A.ndim == 2:
        known = rcond_alone(A, Y)
        if known >= doubt(A.dtype):
            return known
    with modes.quiet():
        norms = frobenius(A)
        rcond = 1 / (norms * frobenius(Y))
        good = (rcond >= FEW * limits.eps) & (norms * rcond >= limits.least) & (norms < np.inf)
        if good.all():
            return rcond
        norms = norm1(A)
        rcond = 1 / (norms * norm1(Y))
    judge(name, A, rcond, Y, None, norms)
    return rcond


def rcond_alone(A: np.ndarray, Y: np.ndarray) -> float:
    """Return 1 / (|A| |A⁻¹|) of one matrix, in Python; 0 where it leaves the range, or is not all that counts."""
    limits = range_of(A.dtype)
    norm, size = (math.sqrt(float(np.vdot(each, each).real)) for each in hosted(A, Y))
    if not 0 < size <= 1 / limits.least or not 0 < norm < math.inf:
        return 0.0
    return 1 / (norm * size)


def _inverse(name: str, A: Any) -> tuple[Any, np.ndarray]:
    try:
        return apply(INVERSE, A), np.zeros(A.value.shape[:-2], np.int32)
    except (RuntimeError, np.linalg.LinAlgError):
        LU, pivots, info = factors(A)
    refuse_singular(name, info, "inversion")
    # rounded otherwise, as in the other kernel, the last pivot need not be 0
    return apply(INVERSE, A, LU, pivots), info


inverse = inv
