"""Sparse systems, by elimination."""

from __future__ import annotations

from typing import Any

from lineal.base import later
from lineal.sparse.compressed import CompressedTensor, require_matrix
from lineal.tensors import Tensor, sparse_csr

__all__ = ["spsolve"]

solvers: Any = later.module("lineal.solvers")


def spsolve(input: Tensor, other: Tensor, *, left: bool = True) -> Tensor:
    """Return the x with A x = b of a sparse CSR matrix A = input (n × n) and a strided b = other (n), of one floating dtype.

    It is `solvers.spsolve`, which tells more; derivatives of any order reach A's entries and b. RuntimeError for other layouts,
    shapes and dtypes, and for `left=False`, which PyTorch does not have either; LinAlgError for a singular matrix.
    """
    if not left:
        raise RuntimeError("spsolve: only left=True is supported; solve with the transpose of A instead")
    if not isinstance(input, CompressedTensor) or input.layout is not sparse_csr:
        raise RuntimeError(f"spsolve: expected a sparse CSR matrix, got {type(input).__name__}")
    require_matrix("spsolve", input)
    if not isinstance(other, Tensor) or other.ndim != 1 or input.shape != (len(other), len(other)):
        given = list(other.shape) if isinstance(other, Tensor) else type(other).__name__
        raise RuntimeError(f"spsolve: expected a matrix (n × n) and a vector (n), got {list(input.shape)} and {given}")
    return solvers.spsolve(input, other)
