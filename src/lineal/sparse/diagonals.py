"""Matrices with few diagonals."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.sparse.conversion import to_sparse
from lineal.sparse.coordinates import made
from lineal.tensors import Tensor, sparse_coo, sparse_csc, sparse_csr

__all__ = ["spdiags"]


def spdiags(diagonals: Tensor, offsets: Tensor, shape: tuple[int, int], layout: Any = None) -> Tensor:
    """Return the sparse matrix of a shape (n × m) that has the rows of `diagonals` (k × l) on the diagonals `offsets` (k).

    Element j of a row stands in column j, so those above the main diagonal lose their first ones. A vector is one diagonal.
    `layout` is that by coordinates, the default, CSR or CSC. RuntimeError for offsets that are there twice or are not whole.
    """
    if layout not in (None, sparse_coo, sparse_csr, sparse_csc):
        raise RuntimeError(f"spdiags: Only output layouts (Sparse, SparseCsc, and SparseCsr) are supported, got {layout}")
    rows, offsets = ops.atleast_2d(diagonals), ops.atleast_1d(offsets)
    if offsets.dtype is not dtypes.int64 or offsets.ndim != 1 or rows.ndim != 2 or len(shape) != 2:
        raise RuntimeError(
            f"spdiags: expected diagonals (k × l), offsets (k) of int64 and a shape of two sizes, got {list(diagonals.shape)}, "
            f"{list(offsets.shape)} of {offsets.dtype} and {tuple(shape)}"
        )
    if rows.shape[0] != offsets.shape[0]:
        raise RuntimeError(
            f"spdiags: Number of diagonals ({rows.shape[0]}) does not match the number of offsets ({offsets.shape[0]})"
        )
    if offsets.unique().numel() != offsets.numel():
        raise RuntimeError("spdiags: Offset tensor contains duplicate values")
    high, wide = shape
    column = ops.arange(min(rows.shape[1], wide))
    row = column - offsets.unsqueeze(1)
    here = ((row >= 0) & (row < high)).nonzero()
    which, place = here.unbind(1)
    y = made(ops.stack([row[which, place], place]), rows[which, place], (high, wide))
    return y if layout in (None, sparse_coo) else to_sparse(y, layout=layout)
