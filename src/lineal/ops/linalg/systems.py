"""Systems of linear equations and inverses."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core import AbstractTensor, Op, apply, lift
from lineal.ops.linalg.lu import getrf
from lineal.ops.linalg.matrices import (
    broadcast_batches,
    linalg_inv_ex,
    linalg_solve_ex,
    refuse_singular,
    require_one_dtype,
    require_square,
    stored,
)

__all__ = ["inv", "inv_ex", "inverse", "solve", "solve_ex"]


class Solve(Op):
    """A X = B;  B̄ = A⁻ᴴ X̄,  Ā = -B̄ Xᴴ.   Giles (2008), section 2.3.1."""

    name = "LinalgSolveEx"
    keeps = ("0 y", "0")

    def eager(self, xp, A, B):
        return np.linalg.solve(A, B)

    def vjp(self, needs, g, y, A, B):
        back = apply(Solve(), A.mH, g)
        return (-(back @ y.mH) if needs[0] else None), back


class Inverse(Op):
    """Y = A⁻¹;  Ā = -Yᴴ Ȳ Yᴴ.   Giles (2008), section 2.2.3."""

    name = "LinalgInvEx"
    keeps = "y"

    def eager(self, xp, A):
        return np.linalg.inv(A)

    def vjp(self, needs, g, y, A):
        return (-(y.mH @ g @ y.mH),)


def solve_ex(A: AbstractTensor, B: AbstractTensor, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """Return the solution and info as `solve`, without raising: info is 0 or the place of the pivot that is zero."""
    X, info = _solution("linalg.solve_ex", A, B, left, raising=check_errors)
    return stored(linalg_solve_ex((X, lift(info))), out, "linalg.solve_ex")


def solve(A: AbstractTensor, B: AbstractTensor, *, left: bool = True, out: AbstractTensor | None = None) -> Any:
    """Return X with A X = B, or X A = B if not `left`.

    A is (…, n, n); B a batch of matrices (…, n, k), or of vectors (…, n) if its shape is A's less the last dimension or it has
    one dimension. LinAlgError names the batch entry of a singular A.
    """
    return stored(_solution("linalg.solve", A, B, left, raising=True)[0], out, "linalg.solve")


def _solution(name: str, A: Any, B: Any, left: bool, raising: bool) -> tuple[Any, np.ndarray]:
    require_square(name, A)
    require_one_dtype(name, A, B)
    vector = B.value.ndim == 1 or (A.value.ndim - 1 == B.value.ndim and B.value.shape == A.value.shape[:-1])
    if vector and not left:
        raise RuntimeError(f"{name}: This function does not support left=False with vectors on the right side")
    right = B[..., None] if vector else B
    if right.value.shape[-2 if left else -1] != A.value.shape[-1]:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({'x'.join(map(str, A.value.shape[-2:]))} and {'x'.join(map(str, right.value.shape[-2:]))})"
        )
    A, right = broadcast_batches(name, A, right)
    info = np.zeros(A.value.shape[:-2], np.int32)
    try:
        X = apply(Solve(), A, right) if left else apply(Solve(), A.mT, right.mT).mT
    except RuntimeError:
        info = getrf(A.value)[2]
    except np.linalg.LinAlgError:
        info = getrf(A.value)[2]
    if info.any():
        if raising:
            refuse_singular(name, info, "solve")
        X = lift(np.full(right.value.shape, np.nan, right.value.dtype))
    return (X[..., 0] if vector else X), info


def inv_ex(A: AbstractTensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """Return the inverse and info as `inv`, without raising: info is 0 or the place of the pivot that is zero."""
    Y, info = _inverse("linalg.inv_ex", A, raising=check_errors)
    return stored(linalg_inv_ex((Y, lift(info))), out, "linalg.inv_ex")


def inv(A: AbstractTensor, *, out: AbstractTensor | None = None) -> Any:
    """Return A⁻¹ of (…, n, n); LinAlgError names the batch entry of a singular A. To solve a system, `solve` is better."""
    return stored(_inverse("linalg.inv", A, raising=True)[0], out, "linalg.inv")


def _inverse(name: str, A: Any, raising: bool) -> tuple[Any, np.ndarray]:
    require_square(name, A)
    info = np.zeros(A.value.shape[:-2], np.int32)
    try:
        return apply(Inverse(), A), info
    except (RuntimeError, np.linalg.LinAlgError):
        info = getrf(A.value)[2]
    if raising:
        refuse_singular(name, info, "inversion")
    return lift(np.full(A.value.shape, np.nan, A.value.dtype)), info


inverse = inv
