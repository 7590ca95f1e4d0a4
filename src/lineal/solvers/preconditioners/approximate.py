"""Approximate inverses with few entries: products with them are all it takes, so that threads share the work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import dtypes
from lineal.base.errors import LinAlgError
from lineal.base.limits import finfo
from lineal.core import modes
from lineal.ops.linalg.cholesky import cholesky_ex
from lineal.ops.linalg.qr import qr
from lineal.ops.linalg.triangular import solve_triangular
from lineal.solvers.operators.base import LinearOperator, Matrix
from lineal.solvers.preconditioners.incomplete import require_hermitian
from lineal.solvers.preconditioners.places import canonical, compressed_rows, diagonal_places, entries_at, pattern_arrays
from lineal.sparse.compressed import CompressedTensor
from lineal.tensors import Tensor, from_numpy

__all__ = ["fsai", "spai"]

AT_ONCE = 1 << 22
"""How many numbers of small dense systems are held at once."""


def fsai(A: Any, power: int = 1) -> LinearOperator:
    """Return Gᴴ G ≈ A⁻¹ for a Hermitian positive definite A (n × n), G lower triangular: it is so too, by two products.

    Of all G with entries in the lower triangle of the pattern of Aᵏ, k = `power`, whose G A Gᴴ has ones on the diagonal, it
    has the smallest ‖I − G L‖, L the Cholesky factor of A, which need not be known (Kolotilina and Yeremin, SIAM J. Matrix
    Anal. Appl. 14, 1993). LinAlgError names a row by which A is seen not to be definite.
    """
    with modes.no_grad():
        matrix = canonical("fsai", A)
        require_hermitian("fsai", matrix)
        diagonal_places("fsai", matrix)
        pointers, columns = triangle_of(powered("fsai", matrix, power))
        entries = np.empty(len(columns), matrix.entries.numpy().dtype)
        for rows, places in alike(np.diff(pointers)):
            inside = columns[pointers[rows][:, None] + np.arange(places)]
            blocks = entries_at(matrix, inside[:, :, None], inside[:, None, :])
            # the row of G is the last one of L⁻¹
            L, failed = cholesky_ex(from_numpy(blocks))
            if bool((failed != 0).any()):
                raise LinAlgError(f"fsai: A is not positive definite, as row {int(rows[failed.numpy() != 0][0])} shows")
            last = ops.eye(places, dtype=L.dtype)[:, -1:].expand(len(rows), places, 1)
            found = solve_triangular(L.mH, last, upper=True).squeeze(2).conj()
            entries[pointers[rows][:, None] + np.arange(places)] = found.numpy()
        G = Matrix(compressed_rows(pointers, columns, from_numpy(entries), matrix.shape))
        # by rows, as products are fast
        return Matrix(G.adjoint().to_sparse_csr()) @ G


def spai(A: Any, power: int = 1) -> LinearOperator:
    """Return the M with entries at those of Aᵏ, k = `power`, that has the smallest ‖A M − I‖_F: a matrix, column by column.

    Each column is a small least squares problem of its own, whatever A (n × n) is (Grote and Huckle, SIAM J. Sci. Comput. 18,
    1997, with a pattern given). LinAlgError names a column whose columns of A depend on each other.
    """
    with modes.no_grad():
        matrix = canonical("spai", A)
        # the rows of M's transpose are its columns, and Aᵀ's rows are A's columns
        turned = Matrix(matrix).adjoint().to_sparse_csr()
        pattern = powered("spai", turned, power)
        (starts, inside), (ends, touched) = pattern_arrays(pattern), pattern_arrays(product_pattern(pattern, turned))
        entries = np.empty(len(inside), matrix.entries.numpy().dtype)
        heights = np.diff(ends)
        for columns, width in alike(np.diff(starts), heights):
            tall = max(int(heights[columns].max()), width)
            # shorter ones get rows of zeros, which change nothing
            there = np.arange(tall) < heights[columns][:, None]
            rows = np.where(there, touched[np.minimum(ends[columns][:, None] + np.arange(tall), len(touched) - 1)], -1)
            chosen = inside[starts[columns][:, None] + np.arange(width)]
            blocks = entries_at(matrix, rows[:, :, None], chosen[:, None, :])
            unit = (rows == columns[:, None]).astype(blocks.dtype)
            found = least_squares(from_numpy(blocks), from_numpy(unit), columns)
            entries[starts[columns][:, None] + np.arange(width)] = found.numpy()
        M = compressed_rows(starts, inside, from_numpy(entries), matrix.shape)
        return Matrix(Matrix(M.t()).to_sparse_csr())


def least_squares(blocks: Tensor, right: Tensor, columns: np.ndarray) -> Tensor:
    """Return x with the smallest ‖B x − r‖ for each block; LinAlgError names the column of the first that has no rank."""
    Q, R = qr(blocks)
    diagonal = R.diagonal(dim1=1, dim2=2).abs()
    lost = ~(diagonal.amin(1) > finfo(R.dtype).eps * diagonal.amax(1)).numpy()
    if lost.any():
        raise LinAlgError(f"spai: the columns of A that column {int(columns[lost][0])} of its inverse takes are dependent")
    return solve_triangular(R, Q.mH @ right.unsqueeze(2), upper=True).squeeze(2)


def alike(widths: np.ndarray, heights: np.ndarray | None = None) -> Iterator[tuple[np.ndarray, int]]:
    """Yield rows with the same number of entries, as many as fit into memory at once, and that number."""
    order = np.argsort(widths, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(widths[order])) + 1):
        if len(group) and widths[group[0]]:
            width = int(widths[group[0]])
            tall = width if heights is None else int(heights[group].max())
            yield from ((each, width) for each in np.array_split(group, -(-len(group) * width * tall // AT_ONCE)))


def powered(name: str, matrix: CompressedTensor, power: int) -> CompressedTensor:
    """Return a matrix with ones at the places that Aᵏ has, had no number cancelled."""
    if power < 1:
        raise ValueError(f"{name}: expected a power of at least 1, got {power}")
    pattern = ones_at(matrix)
    y = pattern
    for _ in range(power - 1):
        y = product_pattern(y, pattern)
    return y


def product_pattern(left: CompressedTensor, right: CompressedTensor) -> CompressedTensor:
    """Return a matrix with ones where the product of two has places."""
    made: Any = ones_at(left) @ ones_at(right)
    return ones_at(made if made.pattern.is_canonical() else made.to_sparse_coo().coalesce().to_sparse_csr())


def ones_at(matrix: CompressedTensor) -> CompressedTensor:
    """Return the matrix with ones for entries, in float64: sums of them cancel nowhere."""
    return matrix.with_entries(ops.ones(len(matrix.entries), dtype=dtypes.float64))


def triangle_of(matrix: CompressedTensor) -> tuple[np.ndarray, np.ndarray]:
    """Return pointers and columns of the lower triangle."""
    pointers, columns = pattern_arrays(matrix)
    rows = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
    kept = columns <= rows
    return np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=len(pointers) - 1))]), columns[kept]
