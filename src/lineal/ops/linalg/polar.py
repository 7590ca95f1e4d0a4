"""The polar decomposition."""

# ruff: noqa: N801 - the classes of results carry the names they print

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.results import Result
from lineal.base.signatures import Tensor
from lineal.core import Op, apply
from lineal.ops.linalg.matrices import require_finite, require_matrix
from lineal.ops.linalg.sylvester import Sylvester
from lineal.ops.linalg.systems import Solve

__all__ = ["polar"]


class linalg_polar(Result):
    """The factor with orthonormal columns (or rows) and the Hermitian positive semidefinite one."""

    U: Tensor
    P: Tensor


class UnitaryFactor(Op):
    """U of A = U P for tall A (m ≥ n), UᴴU = 1, with the Hermitian P = UᴴA;

    Ā = U Z + (1 - UUᴴ) Ū P⁻¹,  P Z + Z P = UᴴŪ - ŪᴴU: since dU = U Ω + (1 - UUᴴ) dA P⁻¹ with P Ω + Ω P = UᴴdA - dAᴴU. Higham
    (2008), Functions of Matrices, section 8.2. No differences of singular values occur, so that repeated ones do no harm.
    """

    grad_name = "LinalgPolarBackward0"
    keeps = "0 y"
    no_batch = "looped: LAPACK, SciPy or the formula takes one matrix at a time in any case"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK"

    def eager(self, xp, A):
        V, _, Wh = np.linalg.svd(A, full_matrices=False)
        return np.matmul(V, Wh)

    def vjp(self, needs, g, y, A):
        m, n = A.value.shape[-2:]
        P = hermitian_part(y.mH @ A)
        turned = y.mH @ g
        total = y @ apply(Sylvester(), P, P, turned - turned.mH)
        if m > n:
            total = total + apply(Solve(), P, (g - y @ turned).mH).mH
        return (total,)


def hermitian_part(X: Any) -> Any:
    """Return (X + Xᴴ)/2."""
    return (X + X.mH) * 0.5


def polar(A: Tensor, side: str = "right") -> linalg_polar:
    """Return U and P with A = U P, or A = P U if `side` is "left", for A of shape (…, m, n).

    U is (…, m, n) with orthonormal columns (rows, if m < n), P Hermitian and positive semidefinite. The derivative exists
    where A has full rank.

    >>> import lineal as torch
    >>> torch.linalg.polar(torch.tensor([[0.0, -2.0], [3.0, 0.0]])).P
    tensor([[3., 0.],
            [0., 2.]])
    """
    name = "linalg.polar"
    require_matrix(name, A)
    if side not in ("right", "left"):
        raise RuntimeError(f"{name}: expected side to be 'right' or 'left', got {side!r}")
    require_finite(name, A)
    matrix: Any = A
    m, n = A.value.shape[-2:]
    U = apply(UnitaryFactor(), matrix) if m >= n else apply(UnitaryFactor(), matrix.mH).mH
    P = hermitian_part(U.mH @ matrix if side == "right" else matrix @ U.mH)
    return linalg_polar((U, P))
