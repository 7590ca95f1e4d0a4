"""The ops behind systems of linear equations and inverses, with their derivatives."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.codegen.batched.limits import Limits
from lineal.core import Op, apply
from lineal.ops.linalg import kernels
from lineal.ops.linalg.conditioning import FEW, probes, range_of
from lineal.ops.linalg.lu import getrf, getri, getrs
from lineal.ops.linalg.refinement import in_double, refined
from lineal.ops.linalg.structure import KERNELS

GROWTH = 100
"""From which growth of elements in elimination on, as a multiple of |A|, solutions are refined without being asked for it."""
SHORT = 12
"""Up to so many rows growth, 2¹¹ at most, stays within the usual bound."""


class Solve(Op):
    """A X = B;  B̄ = A⁻ᴴ X̄,  Ā = -B̄ Xᴴ.   Giles (2008), section 2.3.1."""

    grad_name = "LinalgSolveExBackward0"
    keeps = ("0 y", "0")
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, B):
        return kernels.solve(A, B)

    def vjp(self, needs, g, y, A, B):
        return pulled(needs, A, g, y)


class SolvePull(Op):
    """H = A⁻ᴴ G and D = -H Xᴴ, the derivative of X = A⁻¹ B: one kernel, since apart they read and write more than they compute.

    With T = H̄ - D̄ X:  Ḡ = A⁻¹ T,  Ā = -H Ḡᴴ,  X̄ = -D̄ᴴ H.
    """

    grad_name = "LinalgSolveExBackward0"
    keeps = ("0 2 y", "0 2", "y")
    width = 2
    host_only = "LAPACK, or kernels across the batch"

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

    grad_name = "LinalgSolveExBackward0"
    keeps = ("0 y", "0")
    width = 2
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, B):
        return kernels.solve_probed(A, B, *probing(A.shape[-1], A.dtype))

    def vjp(self, needs, g, y, A, B):
        return (None, None) if g[0] is None else pulled(needs, A, g[0], None if y is None else y[0])


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


class SolveMended(Op):
    """A X = B, in double precision where `suspects`, one truth value a matrix, says so; derivatives likewise, as in `Solve`.

    What is known of X may be given, to be taken elsewhere.
    """

    grad_name = "LinalgSolveExBackward0"
    keeps = ("0 2 y", "0 2")
    no_lowering = "host step: NumPy, in double precision"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, B, suspects, *known):
        X = known[0].copy() if known else each_regular(kernels.solve, getrs, A, B)[0]
        X[suspects] = in_double(A[suspects], B[suspects], X[suspects])
        return X

    def vjp(self, needs, g, y, A, B, suspects, *known):
        back = apply(self, A.mH, g, suspects)
        return (-(back @ y.mH) if needs[0] else None, back, None, *[None] * len(known))


class SolveFactored(Op):
    """A X = B, or Aᴴ X = B if `adjoint`, by factors of A, which are numbers to work with and carry no derivative.

    B̄ = A⁻ᴴ X̄ by the same factors, Ā = -B̄ Xᴴ (or its adjoint).   Giles (2008), section 2.3.1.
    """

    method: str
    adjoint: bool
    refine: bool
    grad_name = "LinalgSolveExBackward0"
    keeps = ("0 2 3 4 y", "0 2 3 4")
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, B, *factors):
        X = KERNELS[self.method](A, B, factors, self.adjoint)
        return refined(self.method, A, B, X, factors, self.adjoint) if self.refine else X

    def vjp(self, needs, g, y, A, B, *factors):
        back = apply(by_factors(self.method, not self.adjoint, self.refine), A, g, *factors)
        by_A = None
        if needs[0]:
            by_A = -(y @ back.mH) if self.adjoint else -(back @ y.mH)
        return (by_A, back, *[None] * len(factors))


by_factors = functools.lru_cache(64)(SolveFactored)


class Inverse(Op):
    """Y = A⁻¹;  Ā = -Yᴴ Ȳ Yᴴ.   Giles (2008), section 2.2.3. The factors of A, if given, are numbers to work with."""

    grad_name = "LinalgInvExBackward0"
    keeps = "y"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, *factors):
        return getri(*factors) if factors else kernels.inv(A)

    def vjp(self, needs, g, y, A, *factors):
        return (apply(InversePull(), y, g), *[None] * len(factors))


class InverseMended(Op):
    """Y = A⁻¹, known but where `suspects`, one truth value a matrix, has it computed again, in double precision.

    Ā = -A⁻ᴴ Ȳ Yᴴ, A⁻ᴴ Ȳ likewise: Y as rounded on both sides would spoil what was gained.
    """

    grad_name = "LinalgInvExBackward0"
    keeps = "0 1 y"
    no_lowering = "host step: NumPy, in double precision"
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, suspects, known):
        Y = known.copy()
        Y[suspects] = in_double(A[suspects], np.eye(A.shape[-1], dtype=A.dtype), Y[suspects])
        return Y

    def vjp(self, needs, g, y, A, suspects, known):
        return -(apply(SolveMended(), A.mH, g, suspects) @ y.mH), None, None


class SolveEx(Op):
    """X = A⁻¹ B and info, 0 or the place of the pivot that is zero; such a matrix makes its own X NaN and no other's.

    B̄ = A⁻ᴴ X̄,  Ā = -B̄ Xᴴ, as in `Solve`.
    """

    grad_name = "LinalgSolveExBackward0"
    keeps = ("0 y", "0")
    width = 2
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A, B):
        return each_regular(kernels.solve, getrs, A, B)

    def vjp(self, needs, g, y, A, B):
        if g[0] is None:
            return None, None
        by_B = apply(self, A.mH, g[0])[0]
        return -(by_B @ y[0].mH) if needs[0] else None, by_B


class InverseEx(Op):
    """Y = A⁻¹ and info, 0 or the place of the pivot that is zero; such a matrix makes its own Y NaN and no other's."""

    grad_name = "LinalgInvExBackward0"
    keeps = "y"
    width = 2
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        return each_regular(kernels.inv, getri, A)

    def vjp(self, needs, g, y, A):
        return (None if g[0] is None else apply(InversePull(), y[0], g[0]),)


def each_regular(kernel: Any, by_factors: Any, A: np.ndarray, *rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `kernel(A, *rest)` and info, or, where a matrix is singular, what the factors give, and NaN for that one."""
    try:
        return kernel(A, *rest), np.zeros(A.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        LU, pivots, info = getrf(A)
    y = by_factors(LU, pivots, *rest)
    # rounded otherwise than in the kernel, the last pivot need not be 0
    y[info != 0] = np.nan
    return y, info


class InversePull(Op):
    """P = -Yᴴ G Yᴴ, the derivative of Y = A⁻¹, as one kernel;  Ȳ = -(G Yᴴ P̄ᴴ + P̄ᴴ Yᴴ G),  Ḡ = -Y P̄ Y."""

    grad_name = "LinalgInvExBackward0"
    keeps = ("0 1", "0")
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, Y, G):
        return kernels.inverse_pull(Y, G)

    def vjp(self, needs, g, y, Y, G):
        by_Y = -(G @ (Y.mH @ g.mH) + g.mH @ (Y.mH @ G)) if needs[0] else None
        return by_Y, -(Y @ g @ Y) if needs[1] else None
