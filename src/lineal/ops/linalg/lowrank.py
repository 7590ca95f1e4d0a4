"""Randomised decompositions of matrices of low rank."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.core.calling import public
from lineal.ops.conversion import dtype_of
from lineal.ops.linalg.matrices import require_matrix
from lineal.ops.linalg.qr import qr
from lineal.ops.linalg.svd import svd
from lineal.ops.random.distributions import randn

__all__ = ["pca_lowrank", "svd_lowrank"]


def approximate_basis(A: Any, q: int, niter: int, M: Any) -> Any:
    """Return q orthonormal columns that nearly span the range of A - M, found from a random start by `niter` rounds of A Aᴴ.

    Halko, Martinsson and Tropp (2011), SIAM Review 53, algorithm 4.4.
    """
    B = A if M is None else A - M
    Q = qr(B @ randn(A.value.shape[-1], q, dtype=dtype_of(A))).Q
    for _ in range(niter):
        Q = qr(B @ qr(B.mH @ Q).Q).Q
    return Q


@public
def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Return U, S, V with A ≈ U diag(S) Vᴴ of rank q (A - M if M is given), by a random projection and refinement.

    A is (…, m, n); U (…, m, q), S (…, q), V (…, n, q). Take q a little above the expected rank; `niter` rounds of
    A Aᴴ refine. Repeatable after `manual_seed`.   Halko, Martinsson and Tropp (2011), SIAM Review 53, algorithm 5.1.
    """
    require_matrix("svd_lowrank", A)
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    matrix: Any = A
    mean: Any = None if M is None else M.expand(matrix.shape)
    wide = A.value.shape[-2] < A.value.shape[-1]
    if wide:
        matrix, mean = matrix.mH, None if mean is None else mean.mH
    Q = approximate_basis(matrix, q, niter, mean)
    U, S, Vh = svd(Q.mH @ (matrix if mean is None else matrix - mean), full_matrices=False)
    U, V = Q @ U, Vh.mH
    return (V, S, U) if wide else (U, S, V)


@public
def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """Return U, S, V with A ≈ U diag(S) Vᴴ, the rows of A taken relative to their mean if `center`: the principal components.

    A is (…, m, n), m samples of n features; V (…, n, q) holds the principal directions, S²/(m - 1) the variances along them.
    q is min(6, m, n) unless given.
    """
    name = "pca_lowrank"
    require_matrix(name, A)
    smallest = min(A.value.shape[-2:])
    q = min(6, smallest) if q is None else q
    if not 0 <= q <= smallest:
        raise ValueError(f"{name}: q(={q}) must be non-negative integer and not greater than min(m, n)={smallest}")
    if niter < 0:
        raise ValueError(f"{name}: niter(={niter}) must be non-negative integer")
    matrix: Any = A
    return svd_lowrank(matrix - matrix.mean(-2, keepdim=True) if center else matrix, q, niter)
