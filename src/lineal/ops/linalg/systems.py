"""Systems of linear equations and inverses."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.core import AbstractTensor, Op, apply, is_grad_enabled, lift, modes, synchronize
from lineal.ops.conversion import cast
from lineal.ops.linalg import kernels
from lineal.ops.linalg.conditioning import FEW, frobenius, judge, norm1, probes, range_of, rcond_of_lu, watched
from lineal.ops.linalg.lu import factors, getrf, getri
from lineal.ops.linalg.matrices import linalg_inv_ex, linalg_solve_ex, real_dtype, refuse_singular, require_square, stored
from lineal.ops.linalg.posing import prepared
from lineal.ops.linalg.refinement import backward_error, refined, trusted
from lineal.ops.linalg.structure import KERNELS, factored, solve_info

__all__ = ["inv", "inv_ex", "inverse", "rcond", "solve", "solve_ex"]

STACK = 4
"""From how many matrices on, of at most `SMALL` rows, NumPy's loop in C beats LAPACK called from Python for each (measured)."""
SMALL = 32
MIXED = 1000
"""From how many rows on factors in single precision and more refinement are faster than factors in double (measured)."""
GROWTH = 100
"""From which growth of elements in elimination on, as a multiple of |A|, solutions are refined without being asked for it."""
SHORT = 12
"""Up to so many rows growth, 2¹¹ at most, stays within the usual bound."""


class Solve(Op):
    """A X = B;  B̄ = A⁻ᴴ X̄,  Ā = -B̄ Xᴴ.   Giles (2008), section 2.3.1."""

    name = "LinalgSolveEx"
    keeps = ("0 y", "0")

    def eager(self, xp, A, B):
        return kernels.solve(A, B)

    def vjp(self, needs, g, y, A, B):
        back = apply(Solve(), A.mH, g)
        return (-(back @ y.mH) if needs[0] else None), back


class SolveProbed(Op):
    """A X = B, with |A|, |W| and |A W - V| for the probes V, which tell the condition of A; X alone has a derivative."""

    name = "LinalgSolveEx"
    keeps = ("0 y", "0")
    width = 4

    def eager(self, xp, A, B):
        n = A.shape[-1]
        return kernels.solve_probed(A, B, probes(n, A.dtype), n > SHORT)

    def vjp(self, needs, g, y, A, B):
        if g[0] is None:
            return None, None
        back = apply(Solve(), A.mH, g[0])
        return (-(back @ y[0].mH) if needs[0] else None), back


class SolveFactored(Op):
    """A X = B, or Aᴴ X = B if `adjoint`, by factors of A, which are numbers to work with and carry no derivative.

    B̄ = A⁻ᴴ X̄ by the same factors, Ā = -B̄ Xᴴ (or its adjoint).   Giles (2008), section 2.3.1.
    """

    method: str
    adjoint: bool
    refine: bool
    name = "LinalgSolveEx"
    keeps = ("0 2 3 4 y", "0 2 3 4")

    def eager(self, xp, A, B, *factors):
        X = KERNELS[self.method](A, B, factors, self.adjoint)
        return refined(self.method, A, B, X, factors, self.adjoint) if self.refine else X

    def vjp(self, needs, g, y, A, B, *factors):
        back = apply(_factored(self.method, not self.adjoint, self.refine), A, g, *factors)
        by_A = None
        if needs[0]:
            by_A = -(y @ back.mH) if self.adjoint else -(back @ y.mH)
        return (by_A, back, *[None] * len(factors))


_factored = functools.lru_cache(64)(SolveFactored)


class Inverse(Op):
    """Y = A⁻¹;  Ā = -Yᴴ Ȳ Yᴴ.   Giles (2008), section 2.2.3. The factors of A, if given, are numbers to work with."""

    name = "LinalgInvEx"
    keeps = "y"

    def eager(self, xp, A, *factors):
        return getri(*factors) if factors else kernels.inv(A)

    def vjp(self, needs, g, y, A, *factors):
        return (-(y.mH @ g @ y.mH), *[None] * len(factors))


def solve_ex(A: AbstractTensor, B: AbstractTensor, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """Return the solution and info as `solve`, without raising: info is 0 or the place of the pivot that is zero."""
    name = "linalg.solve_ex"
    system = prepared(name, A, B, left)
    X, _, info = general(name, system.A, system.B, False)
    if info.any():
        if check_errors:
            refuse_singular(name, info, "solve")
        X = lift(np.full(system.B.value.shape, np.nan, system.B.value.dtype))
    if system.batch is not None:
        info = np.broadcast_to(info, system.batch).copy()
    return stored(linalg_solve_ex((system.answer(X), lift(info))), out, name)


def solve(
    A: AbstractTensor,
    B: AbstractTensor,
    *,
    left: bool = True,
    out: AbstractTensor | None = None,
    assume: str | None = None,
    refine: bool = False,
    return_info: bool = False,
) -> Any:
    """Return X with A X = B, or X A = B if not `left`.

    A is (…, n, n); B a batch of matrices (…, n, k), or of vectors (…, n) if its shape is A's less the last dimension or it has
    one dimension. LinAlgError names the batch entry of a singular A; IllConditionedWarning says where digits are lost.

    `assume="auto"` looks for a structure of A in O(n²) and takes the algorithm for it; `assume="banded"`, "positive definite"
    and so on insist on one and raise LinAlgError where A does not have it. `refine` repeats on the residual, with twice the
    digits, until the backward error is that of rounding. `return_info` (and `refine`) return X with the method taken, the
    reciprocal condition number, and the backward error of each right-hand side: the least relative change of the elements of A
    and B of which X is the exact solution.
    """
    name = "linalg.solve"
    system = prepared(name, A, B, left)
    method_of = general if assume in (None, "general") else structured
    X, (method, rcond, norms), info = method_of(name, system.A, system.B, refine, assume)
    refuse_singular(name, info, "solve")
    if rcond is not None:
        judge(name, *system.posed(rcond, X.value, norms))
    answer = stored(system.answer(X), out, name)
    if not (refine or return_info):
        return answer
    with modes.quiet():
        error = backward_error(system.A.value, X.value, system.B.value)
    known = np.asarray(rcond_by_lu(system.A.value) if rcond is None else rcond, real_dtype(system.A.value))
    return solve_info((answer, method, lift(known), lift(system.errors(error))))


def general(name: str, A: Any, B: Any, refine: bool, assume: Any = None) -> tuple[Any, tuple[str, Any, Any], np.ndarray]:
    """Return X by LU, its method and the estimate of A's condition if one is wanted, and info of the factorisation."""
    if stacked(A.value) and not refine:
        found = stack(A, B)
        if found is not None:
            return found
    if refine and A.value.dtype.char in "dD" and A.value.shape[-1] >= MIXED:
        found = mixed(A, B)
        if found is not None:
            return found
    LU, pivots, info = factors(A)
    if info.any():
        return None, ("lu", None, None), info
    X = apply(_factored("lu", False, refine), A, B, LU, pivots)
    if not watched():
        return X, ("lu", None, None), info
    norms = norm1(A.value)
    if not refine and grown(LU.value, norms):
        X = apply(_factored("lu", False, True), A, B, LU, pivots)
    return X, ("lu", rcond_of_lu(LU.value, norms), norms), info


def mixed(A: Any, B: Any) -> tuple[Any, tuple[str, Any, Any], np.ndarray] | None:
    """Return X by factors of half the digits and refinement; None where A's condition or range asks for all digits."""
    norms = norm1(A.value)
    if not np.all((norms < 1e30) & (norms > 1e-20)):
        return None
    single = dtypes.complex64 if A.value.dtype.kind == "c" else dtypes.float32
    LU, pivots, info = factors(cast(A, single))
    if info.any():
        return None
    known = rcond_of_lu(LU.value, norms)
    method = "lu in single precision"
    if not np.all(known >= 100 * range_of(LU.value.dtype).eps):
        return None
    X = apply(_factored(method, False, True), A, B, LU, pivots)
    return (X, (method, known, norms), info) if trusted(A.value, X.value, B.value) else None


def grown(LU: np.ndarray, norms: np.ndarray) -> bool:
    """Return whether elimination made elements so large that its own rounding spoils the solution, which refinement mends."""
    if LU.size < SHORT**2:
        return False
    border = GROWTH * norms[..., None, None]
    with modes.quiet():
        # L's elements are at most 1, so only where the border is below that have they to be told from U's
        return bool(np.any(np.abs(LU) > border)) and bool(np.any(np.abs(np.triu(LU)) > border))


def stacked(A: np.ndarray) -> bool:
    """Return whether A is many small matrices, which NumPy solves faster than LAPACK one by one."""
    return A.ndim > 2 and A.shape[-1] <= SMALL and A.size >= STACK * A.shape[-1] ** 2


def stack(A: Any, B: Any) -> tuple[Any, tuple[str, Any, Any], np.ndarray] | None:
    """Return X of many small systems, None where they need refinement.

    Only matrices that the probes suspect are factored once more for their condition.
    """
    try:
        if not watched():
            return apply(Solve(), A, B), ("lu", None, None), np.zeros(A.value.shape[:-2], np.int32)
        X, *reports = apply(SolveProbed(), A, B)
    except (RuntimeError, np.linalg.LinAlgError):
        info = getrf(A.value)[2]
        # rounded otherwise, as in the other kernel, the last pivot need not be 0
        return (None, ("lu", None, None), info) if info.any() else None
    with modes.quiet():
        norms, sizes, errors = (each.value for each in reports)
        # residuals of the probes that are larger than elimination without growth leaves
        if np.any(range_of(A.value.dtype).eps * GROWTH * norms * sizes < errors):
            return None
        n = A.value.shape[-1]
        rcond, norms = confirmed(A.value, 1 / (norms * sizes * np.sqrt(n / max(1, min(n, 2)), dtype=norms.dtype)), norms)
    return X, ("lu", rcond, norms), np.zeros(A.value.shape[:-2], np.int32)


def confirmed(A: np.ndarray, rcond: np.ndarray, norms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rough estimates of condition with the norms, the suspicious ones replaced by those from factors."""
    limits = range_of(A.dtype)
    suspicious = ~((rcond >= 1e3 * A.shape[-1] * limits.eps) & (norms * rcond >= limits.least) & (norms < np.inf))
    if suspicious.any():
        rcond, norms = np.array(rcond), np.array(norms)
        rcond[suspicious], norms[suspicious] = rcond_by_lu(A[suspicious]), norm1(A[suspicious])
    return rcond, norms


def rcond_by_lu(A: np.ndarray) -> np.ndarray:
    """Return estimates of 1 / (|A|₁ |A⁻¹|₁), factoring A for it."""
    return rcond_of_lu(getrf(A)[0], norm1(A))


def structured(name: str, A: Any, B: Any, refine: bool, assume: Any) -> tuple[Any, tuple[str, Any, Any], np.ndarray]:
    """Return X by the algorithm for A's structure, found or insisted on, as `general` does by LU."""
    found = factored(name, A, assume)
    if found is None:
        return general(name, A, B, refine)
    info = np.zeros(A.value.shape[:-2], np.int32) if found.info is None else found.info
    if info.any():
        return None, (found.method, None, None), info
    X = apply(_factored(found.method, False, refine), A, B, *found.factors)
    with modes.quiet():
        if found.method == "toeplitz" and not trusted(A.value, X.value, B.value):
            return general(name, A, B, refine)
        return X, (found.method, found.rcond() if watched() else None, None), info


def rcond(A: AbstractTensor) -> Any:
    """Return an estimate of 1 / (|A|₁ |A⁻¹|₁) of each (…, n, n), from its LU factors; 0 for a singular matrix."""
    require_square("linalg.rcond", A)
    return lift(np.asarray(rcond_by_lu(A.value), real_dtype(A.value)))


def inv_ex(A: AbstractTensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """Return the inverse and info as `inv`, without raising: info is 0 or the place of the pivot that is zero."""
    Y, info = _inverse("linalg.inv_ex", A, raising=check_errors)
    return stored(linalg_inv_ex((Y, lift(info))), out, "linalg.inv_ex")


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


def inv(A: AbstractTensor, *, out: AbstractTensor | None = None) -> Any:
    """Return A⁻¹ of (…, n, n); LinAlgError names the batch entry of a singular A. To solve a system, `solve` is better.

    The inverse of one larger matrix is formed when somebody looks at it: `inv(A) @ b` and `inv(A).mT @ b` solve instead.
    """
    name = "linalg.inv"
    require_square(name, A)
    if unseen.hold and A.value.ndim == 2 and A.value.shape[-1] >= LARGE and out is None and modes.recorder.get() is None:
        return unformed(name, A)
    Y = _inverse(name, A, raising=True)[0]
    if watched() and A.value.size:
        judge_inverse(name, A.value, Y.value)
    return stored(Y, out, name)


def unformed(name: str, A: Any) -> Any:
    """Return A⁻¹ by its factors, judged by them, to be formed on first sight."""
    LU, pivots, info = factors(A)
    refuse_singular(name, info, "inversion")
    if watched():
        norms = norm1(A.value)
        judge(name, A.value, rcond_of_lu(LU.value, norms), None, None, norms)
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
    return apply(_factored("lu", adjoint, False), A, B, *found)


def judge_inverse(name: str, A: np.ndarray, Y: np.ndarray) -> None:
    """Report inverses by |A| and |A⁻¹|, in the Frobenius norm first, in one pass, and in the 1-norm where that is doubtful."""
    limits = range_of(A.dtype)
    with modes.quiet():
        norms = frobenius(A)
        rcond = 1 / (norms * frobenius(Y))
        if np.all((rcond >= FEW * limits.eps) & (norms * rcond >= limits.least) & (norms < np.inf)):
            return
        norms = norm1(A)
        rcond = 1 / (norms * norm1(Y))
    judge(name, A, rcond, Y, None, norms)


def _inverse(name: str, A: Any, raising: bool) -> tuple[Any, np.ndarray]:
    require_square(name, A)
    info = np.zeros(A.value.shape[:-2], np.int32)
    try:
        return apply(Inverse(), A), info
    except (RuntimeError, np.linalg.LinAlgError):
        LU, pivots, info = factors(A)
    if not info.any():
        # rounded otherwise, as in the other kernel, the last pivot need not be 0
        return apply(Inverse(), A, LU, pivots), info
    if raising:
        refuse_singular(name, info, "inversion")
    return lift(np.full(A.value.shape, np.nan, A.value.dtype)), info


inverse = inv
