"""Triangular systems of the normal distributions of several variables, whose batches broadcast."""

from __future__ import annotations

from typing import Any

from lineal import linalg, ops
from lineal.tensors import Tensor

__all__ = ["log_diagonal", "mahalanobis", "matrix_vector", "precision_to_scale_tril", "squares", "whitened"]


def matrix_vector(A: Tensor, x: Tensor) -> Tensor:
    """Return A x for matrices (…, n, m) and vectors (…, m)."""
    return (A @ x.unsqueeze(-1)).squeeze(-1)


def whitened(L: Tensor, B: Tensor) -> Tensor:
    """Return L⁻¹ B for matrices B (…, n, m)."""
    batch = ops.broadcast_shapes(L.shape[:-2], B.shape[:-2])
    return linalg.solve_triangular(L.expand(batch + L.shape[-2:]), B.expand(batch + B.shape[-2:]), upper=False)


def mahalanobis(L: Tensor, x: Tensor) -> Tensor:
    """Return |L⁻¹ x|² for vectors (…, n), all those of one matrix in one system."""
    batch, n = L.shape[:-2], x.shape[-1]
    if not x.numel() or x.shape[x.dim() - 1 - len(batch) : -1] != batch or x.dim() <= len(batch):
        return squares(whitened(L, x.unsqueeze(-1)))
    columns = x.reshape((-1, *batch, n)).movedim(0, -1)
    return linalg.solve_triangular(L, columns, upper=False).square().sum(-2).movedim(-1, 0).reshape(x.shape[:-1])


def squares(A: Tensor) -> Tensor:
    """Return the sums of the squares of matrices: the traces of A Aᵀ."""
    return A.square().sum((-2, -1))


def log_diagonal(L: Tensor) -> Tensor:
    """Return Σ log Lᵢᵢ, half of the logarithm of the determinant of L Lᵀ."""
    return L.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def precision_to_scale_tril(P: Any) -> Tensor:
    """Return the lower triangular L of L Lᵀ = P⁻¹: with J that turns rows about, P = (J C J)(J C J)ᵀ and L = (J C J)⁻ᵀ."""
    C = linalg.cholesky(P.flip((-2, -1))).flip((-2, -1)).mT
    identity = ops.eye(P.shape[-1], dtype=P.dtype, device=P.device)
    return linalg.solve_triangular(C, identity.expand(P.shape), upper=False)
