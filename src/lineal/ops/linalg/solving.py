"""`solve`: systems of linear equations, by the algorithm that suits the matrix, with a word where digits are lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np

from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.codegen.choice import LARGEST_WITHIN, WITHIN, planned
from lineal.core import Op, apply, lift, modes, module_of
from lineal.core.calling import public
from lineal.ops.conversion import cast
from lineal.ops.linalg import kernels
from lineal.ops.linalg.conditioning import (
    doubt,
    doubtful,
    frobenius,
    hosted,
    judge,
    mode,
    norm1,
    range_of,
    rcond_of_lu,
    rcond_of_norms,
    sound,
    watched,
)
from lineal.ops.linalg.expectations import expect_contained, expect_solvable, expect_well_conditioned
from lineal.ops.linalg.lu import factors, getrf, getrs
from lineal.ops.linalg.matrices import linalg_solve_ex, real_dtype, refuse_singular, require_square, stored
from lineal.ops.linalg.posing import prepared
from lineal.ops.linalg.refinement import backward_error, mendable, trusted
from lineal.ops.linalg.structure import factored, solve_info
from lineal.ops.linalg.systems import GROWTH, SHORT, Solve, SolveEx, SolveMended, SolveProbed, by_factors, probing
from lineal.ops.premise import expect, rely, rely_on

__all__ = ["rcond", "solve", "solve_ex"]

STACK = 4
"""From how many matrices on, of at most `SMALL` rows, loops in C beat LAPACK called from Python for each (measured)."""
SMALL = LARGEST_WITHIN
PROBED = SolveProbed()
MIXED = 1000
"""From how many rows on factors in single precision and more refinement are faster than factors in double (measured)."""


@public
def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Sequence[Tensor] | None = None
) -> linalg_solve_ex:
    """Return the solution and info as `solve`, without raising: info is 0 or the place of the pivot that is zero."""
    name = "linalg.solve_ex"
    system = prepared(name, A, B, left)
    X, info = checked(name, system) if check_errors else noted(name, system)
    if system.batch is not None:
        info = info.expand(system.batch).clone()
    return stored(linalg_solve_ex((system.answer(X), info)), out, name)


def checked(name: str, system: Any) -> tuple[Any, Any]:
    """Return X and info of zeros; LinAlgError if a matrix is singular."""
    X, _, info = general(name, system.A, system.B, False)
    refuse_singular(name, info, "solve")
    return X, lift(info)


def noted(name: str, system: Any) -> tuple[Any, Any]:
    """Return X, NaN for the matrices that are singular, and info; what records hears of an op that does so for any numbers."""
    # the structure that `general` finds holds for these numbers alone
    if modes.recorder.get() is None:
        X, _, info = general(name, system.A, system.B, False)
        if not info.any():
            return X, lift(module_of(X).asarray(info))
    return apply(SolveEx(), system.A, system.B)


@overload
def solve(
    A: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    out: Tensor | None = None,
    assume: str | None = None,
    refine: Literal[False] = False,
    return_info: Literal[False] = False,
) -> Tensor: ...
@overload
def solve(
    A: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    out: Tensor | None = None,
    assume: str | None = None,
    refine: bool = False,
    return_info: bool = False,
) -> solve_info: ...
@public
def solve(
    A: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    out: Tensor | None = None,
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
    expect_contained(X, system.B)
    if rcond is not None:
        judge(name, *system.posed(rcond, X.value, norms))
    answer = stored(system.answer(X), out, name)
    if not (refine or return_info):
        return answer
    rely_on(system.A, system.B)
    with modes.quiet():
        error = backward_error(system.A.value, X.value, system.B.value)
    if rcond is None or np.isinf(rcond).any():
        rcond = factored_for_condition(system.A.value)[0]
    known = np.asarray(rcond, real_dtype(system.A.value))
    return solve_info((answer, method, lift(known), lift(system.errors(error))))


def general(name: str, A: Any, B: Any, refine: bool, assume: Any = None) -> tuple[Any, tuple[str, Any, Any], np.ndarray]:
    """Return X by LU, its method and the estimate of A's condition if one is wanted, and info of the factorisation."""
    if (stacked(A.value) or lone(A.value, B.value)) and not refine:
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
    X = apply(by_factors("lu", False, refine), A, B, LU, pivots)
    expect_well_conditioned(A)
    if not watched():
        return X, ("lu", None, None), info
    norms = norm1(A.value)
    known = rcond_of_factors(A.value, LU.value, pivots.value, norms)
    if not refine:
        expect_modest(A, LU)
        rough, spoilt = doubtful(known, A.value.dtype), grown(LU.value, norms)
        if rough and not spoilt and mendable(A.value):
            X = apply(SolveMended(), A, B, lift(known < doubt(A.value.dtype)), X.detach())
        elif rough or spoilt:
            X = apply(by_factors("lu", False, True), A, B, LU, pivots)
    return X, ("lu", known, norms), info


def expect_modest(A: Any, LU: Any) -> None:
    """Let recorders that want to hear of everything check that elimination does not make elements large."""
    listener = modes.recorder.get()
    if listener is not None and listener.thorough and LU.value.size >= SHORT**2:
        rely(lambda: LU.abs().amax((-2, -1)) <= GROWTH * A.abs().sum(-2).amax(-1))


def rcond_of_factors(A: np.ndarray, LU: np.ndarray, pivots: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Return estimates of 1 / (|A|₁ |A⁻¹|₁); of a batch, only where the probes suspect a matrix, and infinity elsewhere."""
    if A.ndim == 2 or not A.size:
        return rcond_of_lu(LU, norms)
    V, limits = probing(A.shape[-1], A.dtype)
    with modes.quiet():
        W = getrs(LU, pivots, np.broadcast_to(V, (*A.shape[:-1], V.shape[-1])))
        places = np.nonzero(~kernels.unsuspected(frobenius(A), frobenius(W), limits))
    found = np.full(norms.shape, np.inf, real_dtype(A))
    if len(places[0]):
        found[places] = rcond_of_lu(LU[places], norms[places])
    return found


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
    X = apply(by_factors(method, False, True), A, B, LU, pivots)
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
    """Return whether A is many small matrices, which kernels or NumPy solve faster than LAPACK one by one."""
    return A.ndim > 2 and A.shape[-1] <= SMALL and A.size >= STACK * A.shape[-1] ** 2


def lone(A: np.ndarray, B: np.ndarray) -> bool:
    """Return whether A is one matrix of few rows, which one kernel solves for and judges; who listens hears of factors."""
    return A.ndim == 2 and modes.recorder.get() is None and planned("solve_probed", A, B) == WITHIN


def stack(A: Any, B: Any) -> tuple[Any, tuple[str, Any, Any], np.ndarray] | None:
    """Return X of many small systems, None where they need refinement.

    Only matrices that the probes suspect are factored once more for their condition.
    """
    try:
        if not watched():
            return apply(Solve(), A, B), ("lu", None, None), np.zeros(A.value.shape[:-2], np.int32)
        X, notes = apply(PROBED, A, B)
    except (RuntimeError, np.linalg.LinAlgError):
        with modes.quiet():
            info = getrf(*hosted(A.value))[2]
        # rounded otherwise, as in the other kernel, the last pivot need not be 0
        return (None, ("lu", None, None), info) if info.any() else None
    expect(lambda: notes == 0, mode, True)
    info = np.zeros(A.value.shape[:-2], np.int32)
    if not notes.value.any():
        return X, ("lu", None, None), info
    if A.value.ndim == 2 or np.any(notes.value == 2):
        return None
    places = np.nonzero(notes.value)
    found, size = factored_for_condition(A.value[places])
    if doubtful(found, A.value.dtype):
        if not mendable(A.value):
            return None
        suspects = np.zeros(info.shape, bool)
        suspects[places] = found < doubt(A.value.dtype)
        X = apply(SolveMended(), A, B, lift(suspects), X.detach())
    return X, ("lu", *confirmed(A.value, B.value, X.value, places, found, size)), info


def confirmed(A: np.ndarray, B: np.ndarray, X: np.ndarray, places: tuple, found: Any, size: Any) -> tuple[Any, Any]:
    """Return estimates of condition and |A|₁ where they are suspicious, ∞ and 1 elsewhere; None if nothing is wrong."""
    if np.all(sound(A[places], found, X[places], B[places], size)):
        return None, None
    rcond, norms = np.full(A.shape[:-2], np.inf, real_dtype(A)), np.ones(A.shape[:-2], real_dtype(A))
    rcond[places], norms[places] = found, size
    return rcond, norms


def factored_for_condition(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return estimates of 1 / (|A|₁ |A⁻¹|₁), factoring A for it, and |A|₁."""
    found = kernels.condition(A)
    with modes.quiet():
        if found is None:
            norms = norm1(A)
            return rcond_of_lu(getrf(A)[0], norms), norms
        norms, sizes = found
        return rcond_of_norms(norms, sizes), norms


def structured(name: str, A: Any, B: Any, refine: bool, assume: Any) -> tuple[Any, tuple[str, Any, Any], np.ndarray]:
    """Return X by the algorithm for A's structure, found or insisted on, as `general` does by LU."""
    found = factored(name, A, assume)
    if found is None:
        return general(name, A, B, refine)
    info = np.zeros(A.value.shape[:-2], np.int32) if found.info is None else found.info
    if info.any():
        return None, (found.method, None, None), info
    X = apply(by_factors(found.method, False, refine), A, B, *found.factors)
    expect_solvable(A, lambda V: apply(by_factors(found.method, False, False), A, V, *found.factors))
    with modes.quiet():
        if found.method == "toeplitz" and not trusted(A.value, X.value, B.value):
            return general(name, A, B, refine)
        known = found.rcond() if watched() else None
    if known is not None and not refine and doubtful(known, A.value.dtype):
        X = apply(by_factors(found.method, False, True), A, B, *found.factors)
    return X, (found.method, known, None), info


class ReciprocalCondition(Op):
    """y ≈ 1 / (|A|₁ |A⁻¹|₁), from LU factors."""

    differentiable = False
    no_vjp = "an estimate, of which nothing is derived"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK"

    def eager(self, xp, A):
        return np.asarray(factored_for_condition(A)[0], real_dtype(A))

    def vjp(self, needs, g, y, A):
        return (None,)


def rcond(A: Tensor) -> Tensor:
    """Return an estimate of 1 / (|A|₁ |A⁻¹|₁) of each (…, n, n), from its LU factors; 0 for a singular matrix."""
    require_square("linalg.rcond", A)
    return apply(ReciprocalCondition(), A)
