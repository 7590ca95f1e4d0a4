"""Bases of the range and of the null space of a matrix, and the angles between two ranges."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.platforms import HOST, moved
from lineal.base.signatures import Tensor
from lineal.core import Op, apply, lift
from lineal.ops.linalg.least_squares import pinv
from lineal.ops.linalg.matrices import adjoint, require_matrix, require_one_dtype
from lineal.ops.linalg.svd import svdvals
from lineal.ops.premise import rely

__all__ = ["null_space", "orth", "subspace_angles"]


class NullSpace(Op):
    """N, an orthonormal basis of what A of that `rank` maps to zero;  Ā = -A⁺ᴴ N̄ Nᴴ for losses that do not depend on the basis.

    From A N = 0: dN = -A⁺ dA N, with the turn inside the null space, which is arbitrary, set to zero.
    Golub and Pereyra (1973), SIAM J. Numer. Anal. 10, section 4, for the projector N Nᴴ.
    """

    rank: int
    rtol: float
    grad_name = "LinalgNullSpaceBackward0"
    keeps = "0 y"
    no_batch = "looped: the shape of the result depends on numbers"
    no_lowering = "runs eagerly: the shape of the result depends on numbers"
    host_only = "LAPACK"

    def eager(self, xp, A):
        Vh = np.linalg.svd(A, full_matrices=True)[2]
        return adjoint(Vh[..., self.rank :, :]).copy()

    def vjp(self, needs, g, y, A):
        P = pinv(A, rtol=self.rtol)
        return (-(P.mH @ (g - y @ (y.mH @ g))) @ y.mH,)


class Range(Op):
    """Q, an orthonormal basis of the range of A of that `rank`;  Ā = (1 - QQᴴ) Q̄ (A⁺Q)ᴴ for losses that no basis changes.

    From QQᴴA = A: (1 - QQᴴ) dQ = (1 - QQᴴ) dA A⁺ Q.   Golub and Pereyra (1973), SIAM J. Numer. Anal. 10, eq. 4.4.
    """

    rank: int
    rtol: float
    key = "ColumnSpace"
    grad_name = "LinalgOrthBackward0"
    keeps = "0 y"
    no_batch = "looped: the shape of the result depends on numbers"
    no_lowering = "runs eagerly: the shape of the result depends on numbers"
    host_only = "LAPACK"

    def eager(self, xp, A):
        return np.linalg.svd(A, full_matrices=False)[0][..., : self.rank].copy()

    def vjp(self, needs, g, y, A):
        P = pinv(A, rtol=self.rtol)
        return ((g - y @ (y.mH @ g)) @ (P @ y).mH,)


def common_rank(name: str, A: Tensor, rcond: float | None) -> tuple[int, float]:
    """Return the rank that all matrices have, and the border, relative to the largest singular value, that it is judged by."""
    require_matrix(name, A)
    S = moved(svdvals(lift(A.value)).value, HOST)
    border = float(np.finfo(S.dtype).eps * max(A.value.shape[-2:]) if rcond is None else rcond)
    ranks = np.unique((border * S.max(-1, initial=0, keepdims=True) < S).sum(-1))
    if ranks.size > 1:
        raise RuntimeError(f"{name}: expected matrices of one rank, got a batch of ranks {ranks.tolist()}")
    rank = int(ranks[0]) if ranks.size else 0
    if S.shape[-1]:
        rely(lambda: above(svdvals(A), border) == rank)
    return rank, border


def above(S: Any, border: float) -> Any:
    """Return how many singular values lie above the border, as an op."""
    return (border * S.amax(-1, True) < S).sum(-1)


def null_space(A: Tensor, rcond: float | None = None) -> Tensor:
    """Return an orthonormal basis (…, n, n - rank) of the vectors that A (…, m, n) maps to zero.

    Singular values up to `rcond` (default ε max(m, n)) times the largest count as zero; all matrices of a batch must have one
    rank. The basis is arbitrary within its space, and derivatives are those of losses that do not depend on it.

    >>> import lineal as torch
    >>> torch.linalg.null_space(torch.tensor([[1.0, 0.0], [0.0, 0.0]])).abs()
    tensor([[0.],
            [1.]])
    """
    rank, border = common_rank("linalg.null_space", A, rcond)
    return apply(NullSpace(rank, border), A)


def orth(A: Tensor, rcond: float | None = None) -> Tensor:
    """Return an orthonormal basis (…, m, rank) of the range of A (…, m, n); ranks, batches and derivatives as in `null_space`.

    >>> import lineal as torch
    >>> torch.linalg.orth(torch.tensor([[3.0, 3.0], [0.0, 0.0]])).abs()
    tensor([[1.],
            [0.]])
    """
    rank, border = common_rank("linalg.orth", A, rcond)
    return apply(Range(rank, border), A)


def subspace_angles(A: Tensor, B: Tensor) -> Tensor:
    """Return the angles between the ranges of A (…, m, p) and B (…, m, q), descending, in radians.

    Small angles come from their sines, large ones from their cosines, so that all are accurate.   Knyazev and Argentati (2002),
    SIAM J. Sci. Comput. 23, algorithm 3.1. The derivative exists where the angles are not 0 or π/2.

    >>> import lineal as torch
    >>> torch.linalg.subspace_angles(torch.tensor([[1.0], [0.0]]), torch.tensor([[0.0], [1.0]]))
    tensor([1.5708])
    """
    name = "linalg.subspace_angles"
    require_matrix(name, A)
    require_matrix(name, B, "B")
    require_one_dtype(name, A, B)
    if A.value.shape[-2] != B.value.shape[-2]:
        shapes = f"{list(A.value.shape)} and {list(B.value.shape)}"
        raise RuntimeError(f"{name}: expected matrices of one number of rows, got {shapes}")
    P, Q = orth(A), orth(B)
    if P.value.shape[-1] < Q.value.shape[-1]:
        P, Q = Q, P
    inner = P.mH @ Q
    cosines = svdvals(inner).flip(-1)
    sines = svdvals(Q - P @ inner)[..., : Q.value.shape[-1]]
    small = cosines.detach().double() ** 2 >= 0.5
    half = cosines * 0 + 0.5
    large = small.logical_not()
    return sines.where(small, half).asin() * small + cosines.where(large, half).acos() * large
