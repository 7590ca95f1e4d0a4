"""Triangular systems."""

from __future__ import annotations

import functools
from typing import Any

from lineal.base.signatures import Tensor
from lineal.core import Op, apply
from lineal.core.calling import public
from lineal.ops.linalg import kernels
from lineal.ops.linalg.matrices import broadcast_batches, require_matrix, require_one_dtype, require_square, stored
from lineal.ops.linalg.matrices import triangular_solve as triangular_result

__all__ = ["solve_triangular", "triangular_solve"]


class SolveTriangular(Op):
    """A X = B with A triangular;  B̄ = A⁻ᴴ X̄,  Ā = -tri(B̄ Xᴴ).   Giles (2008), section 2.3.1 with A triangular.

    The other triangle of A is not read, so that it need not be zero.
    """

    upper: bool
    unit: bool
    grad_name = "LinalgSolveTriangularBackward0"
    keeps = ("0 y", "0")
    host_only = "BLAS, or kernels across the batch"

    def eager(self, xp, A, B):
        return kernels.solve_triangular(A, B, self.upper, self.unit)

    def vjp(self, needs, g, y, A, B):
        back = apply(_solve(not self.upper, self.unit), A.mH, g)
        if not needs[0]:
            return None, back
        full = -(back @ y.mH)
        step = 1 if self.unit else 0
        return full.triu(step) if self.upper else full.tril(-step), back


_solve = functools.lru_cache(16)(SolveTriangular)


def substituted(A: Any, B: Any, *, upper: bool) -> Any:
    """Return A⁻¹ B for triangular A, with B of one batch shape."""
    return apply(_solve(upper, False), A, B)


@public
def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False, out: Tensor | None = None
) -> Tensor:
    """Return X with A X = B (or X A = B if not `left`) for triangular A; the other triangle of A is not read.

    A is (…, n, n), B (…, n, k) or, if not `left`, (…, k, n). With `unitriangular` the diagonal counts as 1. A zero on the
    diagonal gives infinities or NaN, no error.
    """
    name = "linalg.solve_triangular"
    require_square(name, A)
    require_matrix(name, B, "B")
    require_one_dtype(name, A, B)
    if A.value.shape[-1] != B.value.shape[-2 if left else -1]:
        order = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {order} "
            f"({'x'.join(map(str, A.value.shape[-2:]))} and {'x'.join(map(str, B.value.shape[-2:]))})"
        )
    A, B = broadcast_batches(name, A, B)
    if left:
        X = apply(_solve(upper, unitriangular), A, B)
    else:
        X = apply(_solve(not upper, unitriangular), A.mT, B.mT).mT
    return stored(X, out, name)


@public
def triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *, out=None
) -> triangular_result:
    """Return the solution of A X = input (or Aᵀ X = input) with A triangular, and A; `linalg.solve_triangular` is newer."""
    matrix = A.mT if transpose else A
    X = solve_triangular(matrix, input, upper=upper != transpose, unitriangular=unitriangular)
    return stored(triangular_result((X, A)), out, "triangular_solve")
