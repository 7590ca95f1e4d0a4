"""Systems of linear equations and inverses."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.codegen.batched.limits import Limits
from lineal.core import AbstractTensor, Op, apply, is_grad_enabled, lift, modes, synchronize
from lineal.ops.conversion import cast
from lineal.ops.linalg import kernels
from lineal.ops.linalg.conditioning import (
    FEW,
    frobenius,
    judge,
    norm1,
    probes,
    range_of,
    rcond_of_lu,
    rcond_of_norms,
    sound,
    watched,
)
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
        return pulled(needs, A, g, y)


class SolvePull(Op):
    """H = A⁻ᴴ G and D = -H Xᴴ, the derivative of X = A⁻¹ B: one kernel, since apart they read and write more than they compute.

    With T = H̄ - D̄ X:  Ḡ = A⁻¹ T,  Ā = -H Ḡᴴ,  X̄ = -D̄ᴴ H.
    """

    name = "LinalgSolveEx"
    keeps = ("0 2 y", "0 2", "y")
    width = 2

    def eager(self, xp, A, G, X):
        return kernels.solve_pull(A, G, X)

    def vjp(self, needs, g, y, A, G, X):
        by_H, by_D = g
        by_A = by_G = by_X = None
        if needs[0] or needs[1]:
            through = None if by_D is None else by_D @ X
            by_G = apply(Solve(), A, by_H if through is None else -through if by_H is None else by_H - through)
            by_A = -(y[0] @ by_G.mH) if needs[0] else None
        if needs[2] and by_D is not None:
            by_X = -(by_D.mH @ y[0])
        return by_A, by_G, by_X


def pulled(needs: Any, A: Any, G: Any, X: Any) -> tuple[Any, Any]:
    """Return the cotangents of A and B in A X = B, G being that of X."""
    if not needs[0]:
        return None, apply(Solve(), A.mH, G)
    by_B, by_A = apply(SolvePull(), A, G, X)
    return by_A, by_B


class SolveProbed(Op):
    """A X = B, with a note of which systems are suspicious, by the condition that probes tell; X alone has a derivative."""

    name = "LinalgSolveEx"
    keeps = ("0 y", "0")
    width = 2

    def eager(self, xp, A, B):
        return kernels.solve_probed(A, B, *probing(A.shape[-1], A.dtype))

    def vjp(self, needs, g, y, A, B):
        return (None, None) if g[0] is None else pulled(needs, A, g[0], y[0])


@functools.lru_cache(256)
def probing(n: int, dtype: np.dtype) -> tuple[np.ndarray, Limits]:
    """Return probes for matrices of n rows, and from where on what they tell is suspicious.

    In single precision matrices of some size are so near to the border that a rough estimate would suspect most; more probes
    make it better.
    """
    few = n <= 8 or dtype.char in "dD"
    V = probes(n, dtype, 2 if few else 4)
    width, limits = (n / max(1, V.shape[-1])) ** 0.5, range_of(dtype)
    # the factors are for what probes may miss and for norms that differ
    product = 1 / (FEW * limits.eps * width * (100 * n if few else 30 * n**0.5)) if n else 1.0
    return V, Limits(product, 1 / (limits.least * max(width, 1)), limits.tiny, limits.eps * GROWTH if n > SHORT else 0.0)


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
        return (apply(InversePull(), y, g), *[None] * len(factors))


class InversePull(Op):
    """P = -Yᴴ G Yᴴ, the derivative of Y = A⁻¹, as one kernel;  Ȳ = -(G Yᴴ P̄ᴴ + P̄ᴴ Yᴴ G),  Ḡ = -Y P̄ Y."""

    name = "LinalgInvEx"
    keeps = ("0 1", "0")

    def eager(self, xp, Y, G):
        return kernels.inverse_pull(Y, G)

    def vjp(self, needs, g, y, Y, G):
        by_Y = -(G @ (Y.mH @ g.mH) + g.mH @ (Y.mH @ G)) if needs[0] else None
        return by_Y, -(Y @ g @ Y) if needs[1] else None


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
    known = np.asarray(factored_for_condition(system.A.value)[0] if rcond is None else rcond, real_dtype(system.A.value))
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
        if LU.dtype.kind == "f" and not np.any(np.maximum(LU.max((-1, -2)), -LU.min((-1, -2))) > border[..., 0, 0]):
            # two passes without memory for absolute values
            return False
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
        X, notes = apply(SolveProbed(), A, B)
    except (RuntimeError, np.linalg.LinAlgError):
        info = getrf(A.value)[2]
        # rounded otherwise, as in the other kernel, the last pivot need not be 0
        return (None, ("lu", None, None), info) if info.any() else None
    info = np.zeros(A.value.shape[:-2], np.int32)
    if not notes.value.any():
        return X, ("lu", None, None), info
    if np.any(notes.value == 2):
        return None
    return X, ("lu", *confirmed(A.value, B.value, X.value, np.nonzero(notes.value))), info


def confirmed(A: np.ndarray, B: np.ndarray, X: np.ndarray, places: tuple) -> tuple[Any, Any]:
    """Return estimates of condition and the norms |A|₁ where they are suspicious, 1 elsewhere; None if nothing is wrong."""
    found, size = factored_for_condition(A[places])
    if np.all(sound(A[places], found, X[places], B[places], size)):
        return None, None
    rcond, norms = np.ones((2, *A.shape[:-2]), real_dtype(A))
    rcond[places], norms[places] = found, size
    return rcond, norms


def factored_for_condition(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return estimates of 1 / (|A|₁ |A⁻¹|₁), factoring A for it, and |A|₁."""
    found = kernels.condition(A)
    if found is None:
        norms = norm1(A)
        return rcond_of_lu(getrf(A)[0], norms), norms
    norms, sizes = found
    with modes.quiet():
        return rcond_of_norms(norms, sizes), norms


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


class ReciprocalCondition(Op):
    """y ≈ 1 / (|A|₁ |A⁻¹|₁), from LU factors."""

    differentiable = False

    def eager(self, xp, A):
        return np.asarray(factored_for_condition(A)[0], real_dtype(A))

    def vjp(self, needs, g, y, A):
        return (None,)


def rcond(A: AbstractTensor) -> Any:
    """Return an estimate of 1 / (|A|₁ |A⁻¹|₁) of each (…, n, n), from its LU factors; 0 for a singular matrix."""
    require_square("linalg.rcond", A)
    return apply(ReciprocalCondition(), A)


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
        good = (rcond >= FEW * limits.eps) & (norms * rcond >= limits.least) & (norms < np.inf)
        if good.all():
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
