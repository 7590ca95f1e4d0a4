"""Factors of a matrix that changed by little."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base.errors import LinAlgError
from lineal.base.signatures import Tensor
from lineal.base.spec import broadcast_shapes
from lineal.core import Op, apply
from lineal.core.calling import public
from lineal.ops.broadcasting import expand
from lineal.ops.linalg.cholesky import congruence
from lineal.ops.linalg.matrices import place_of, require_field, require_one_dtype, require_square, require_vector

__all__ = ["cholesky_update"]


class CholeskyUpdate(Op):
    """M with M Mᴴ = L Lᴴ + sign V Vᴴ, lower triangular;  with Ā of M's Cholesky rule: L̄ = tril(2 Ā L), V̄ = 2 sign Ā V.

    By plane rotations, hyperbolic ones for sign -1: Gill, Golub, Murray and Saunders (1974), Math. Comp. 28, section 3.
    """

    sign: int
    keeps = ("0 y", "1 y")
    no_batch = "looped: LAPACK, SciPy or the formula takes one matrix at a time in any case"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"

    def eager(self, xp, L, V):
        M, V = xp.tril(L), xp.array(V)
        for k in range(V.shape[-1]):
            self.rotate(xp, M, V[..., :, k])
        return M

    def rotate(self, xp: Any, M: np.ndarray, v: np.ndarray) -> None:
        """Bring one vector into the factor, column by column, for the whole batch."""
        for j in range(M.shape[-1]):
            pivot, x = M[..., j, j], v[..., j]
            size = self.length(xp, xp.abs(pivot), xp.abs(x))
            c, s = (pivot / size)[..., None], (x / size)[..., None]
            column, below = M[..., j:, j].copy(), v[..., j:].copy()
            M[..., j:, j] = c.conj() * column + self.sign * s.conj() * below
            v[..., j:] = c * below - s * column

    def length(self, xp: Any, pivot: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return the new diagonal element, the square root of pivot² ± x²."""
        if self.sign > 0:
            return xp.hypot(pivot, x)
        if not (pivot > x).all():
            where = place_of(int(xp.argwhere(~(pivot > x).ravel())[0, 0]), pivot.shape)
            raise LinAlgError(f"linalg.cholesky_update: {where}the matrix without these vectors is not positive definite")
        return xp.sqrt(pivot - x) * xp.sqrt(pivot + x)

    def vjp(self, needs, g, y, L, V):
        S = (y.mH @ g).tril()
        back = congruence(y, S + S.tril(-1).mH)
        back = (back + back.mH) * 0.5
        by_L = (back @ L).tril() if needs[0] else None
        return by_L, (back @ V) * self.sign if needs[1] else None


_update = functools.lru_cache(2)(CholeskyUpdate)


@public
def cholesky_update(L: Tensor, v: Tensor, *, downdate: bool = False, upper: bool = False) -> Tensor:
    """Return the Cholesky factor of L Lᴴ + v vᴴ, or of L Lᴴ - v vᴴ if `downdate`, in O(n²) per vector.

    L is (…, n, n), lower triangular (with `upper`, its conjugate transpose, and so is the result); v one vector (…, n), or
    several (…, n, k) if it has as many dimensions as L. LinAlgError if the downdated matrix is not positive definite.

    >>> import lineal as torch
    >>> torch.linalg.cholesky_update(torch.tensor([[3.0]]), torch.tensor([4.0]))
    tensor([[5.]])
    """
    name = "linalg.cholesky_update"
    require_square(name, L, "L")
    require_field(name, v)
    require_one_dtype(name, L, v)
    require_vector(name, v, "v")
    matrix: Any = L.mH if upper else L
    V: Any = v if v.value.ndim == L.value.ndim and v.value.ndim > 1 else v[..., None]
    n = L.value.shape[-1]
    if V.value.shape[-2] != n:
        raise RuntimeError(f"{name}: expected vectors of {n} elements, got shape {list(v.value.shape)}")
    batch = broadcast_shapes(name, matrix.value.shape[:-2], V.value.shape[:-2])
    M = apply(_update(-1 if downdate else 1), expand(matrix, (*batch, n, n)), expand(V, (*batch, n, V.value.shape[-1])))
    return M.mH if upper else M
