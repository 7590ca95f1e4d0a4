"""The entries of lower triangles as vectors, row by row."""

from __future__ import annotations

import math
from typing import Any

from lineal import ops
from lineal.tensors import Tensor

__all__ = ["tril_matrix_to_vec", "vec_to_tril_matrix"]


def places(n: int, diag: int, device: Any) -> Tensor:
    """Return where an n × n matrix has its triangle below and on the diagonal `diag`."""
    return ops.ones((n, n), dtype=bool, device=device).tril(diag)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """Return the entries of the matrices (…, n, n) below and on the diagonal `diag`, row by row."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"tril_matrix_to_vec: diag ({diag}) provided is outside [{-n}, {n - 1}]")
    return mat[..., places(n, diag, mat.device)]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Return the matrices (…, n, n) that have the vectors (…, m) below and on the diagonal `diag`, and zeros elsewhere.

    ValueError if no n has m such entries.
    """
    m, odd = vec.shape[-1], 1 + 2 * diag
    n = (math.isqrt(odd * odd + 8 * m + 4 * abs(diag) * (diag + 1)) - odd) // 2
    where = places(n, diag, vec.device)
    if sum(max(0, min(n, row + diag + 1)) for row in range(n)) != m:
        raise ValueError(
            f"vec_to_tril_matrix: the size of last dimension is {m} which cannot be expressed as "
            "the lower triangular part of a square D x D matrix"
        )
    mat = vec.new_zeros((*vec.shape[:-1], n, n))
    mat[..., where] = vec
    return mat
