"""What programs check in place of the estimates of condition that eager code warns by: a few right-hand sides solved for."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from lineal.base import later
from lineal.core import Op, apply, lift, modes, module_of
from lineal.ops.linalg.conditioning import FEW, doubt, frobenius, mode, probes, range_of, watched
from lineal.ops.premise import expect

__all__ = [
    "WellConditioned",
    "WellFactored",
    "border",
    "expect_contained",
    "expect_solvable",
    "expect_well_conditioned",
    "expect_well_factored",
    "probes_for",
]

scipy: Any = later.module("scipy")

MARGIN = 3
"""By how much conditions are to be better than those that are reported, for what two probes miss."""


@cache
def probes_for(n: int, dtype: np.dtype) -> np.ndarray:
    """Return the right-hand sides V whose solutions W = A⁻¹ V tell the condition; they stay where they are."""
    return np.ascontiguousarray(probes(n, dtype))


def border(n: int, dtype: np.dtype, refined: bool = True) -> float:
    """Return the greatest |A| |W|, in the Frobenius norm, of which nothing is to be said; √n/√k |W| stands for |A⁻¹|.

    Where eager code refines what is doubtful, that is its border.
    """
    least = doubt(dtype) if refined else FEW * range_of(dtype).eps
    return 1 / (MARGIN * least * math.sqrt(n / min(n, 2)))


def bounded(norms: Any, W: np.ndarray, refined: bool = True) -> np.ndarray:
    """Return whether |A| |W| is within the border."""
    with np.errstate(all="ignore"):
        return np.asarray(norms * frobenius(W) <= border(W.shape[-2], W.dtype, refined))


class WellConditioned(Op):
    """y = whether systems with each A leave more than a digit."""

    grad_name = "LinalgWellConditionedBackward0"
    differentiable = False
    no_vjp = "truth values"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        V = np.broadcast_to(probes_for(A.shape[-1], A.dtype), (*A.shape[:-1], min(A.shape[-1], 2)))
        try:
            return bounded(frobenius(A), np.linalg.solve(A, V))
        except np.linalg.LinAlgError:
            return np.zeros(A.shape[:-2], bool)

    def vjp(self, needs, g, y, A):
        return (None,)


class WellFactored(Op):
    """y = whether systems with each L Lᴴ leave more than a digit; what lies above the diagonal of L is not read."""

    grad_name = "CholeskyWellConditionedBackward0"
    differentiable = False
    no_vjp = "truth values"
    host_only = "LAPACK"

    def eager(self, xp, L):
        y = np.zeros(L.shape[:-2], bool)
        for place in np.ndindex(y.shape):
            T = np.tril(L[place])
            norm = np.square(frobenius(T))
            if T.diagonal().all() and np.isfinite(norm):
                W = scipy.linalg.cho_solve((T, True), probes_for(len(T), T.dtype), check_finite=False)
                y[place] = bounded(norm, W, False)
        return y

    def vjp(self, needs, g, y, L):
        return (None,)


def expect_well_conditioned(A: Any) -> None:
    """Let programs check that each A is well conditioned, if eager code would tell where it is not."""
    if watched() and A.value.size:
        expect(lambda: apply(WellConditioned(), A), mode, True)


def expect_well_factored(L: Any) -> None:
    """Let programs check that each L Lᴴ is well conditioned, if eager code would tell where it is not."""
    if watched() and L.value.size:
        expect(lambda: apply(WellFactored(), L), mode, mode.get() == "error")


def expect_solvable(A: Any, solve: Callable[[Any], Any]) -> None:
    """Let programs check that each A is well conditioned, by the method that `solve` takes to solve A X = B for B."""
    if watched() and A.value.size:
        expect(lambda: solvable(A, solve), mode, True)


def expect_contained(X: Any, B: Any) -> None:
    """Let recorders that want to hear of everything check that X lies in the range of full precision, as B does.

    It costs a pass over X, which programs, which warn of conditions alone, do without.
    """
    listener = modes.recorder.get()
    if listener is not None and listener.thorough and watched() and X.value.size:
        expect(lambda: in_range(X, B), mode, mode.get() == "error")


def in_range(X: Any, B: Any) -> Any:
    """Return, per column, whether the largest element of X is neither too large nor too small, or B is 0, as an op."""
    tiny = float(range_of(X.value.dtype).tiny)
    top, given = X.abs().amax(-2), B.abs().amax(-2)
    return ((top >= tiny) & (top < math.inf)) | ((top == 0) & (given == 0))


def solvable(A: Any, solve: Callable[[Any], Any]) -> Any:
    """Return whether |A| |A⁻¹ V| is small, as an op."""
    n, dtype = A.value.shape[-1], A.value.dtype
    V = probes_for(n, dtype)
    V = np.ascontiguousarray(np.broadcast_to(V, (*A.value.shape[:-2], *V.shape)))
    W = solve(lift(module_of(A).asarray(V)))
    norms, sizes = ((x.abs() * x.abs()).sum((-2, -1)).sqrt() for x in (A, W))
    return norms * sizes <= border(n, dtype)
