"""Incomplete factors on the places of the entries of A: ILU(0), and IC(0) for Hermitian positive definite matrices."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lineal.base import dtypes, later
from lineal.base.errors import IllConditionedWarning, LinAlgError
from lineal.core import modes
from lineal.solvers.operators.base import LinearOperator, aslinearoperator
from lineal.solvers.operators.structured import Diagonal
from lineal.solvers.operators.triangles import InverseTriangle
from lineal.sparse.compressed import CompressedTensor, numbers
from lineal.sparse.conversion import lines_of
from lineal.tensors import from_numpy

__all__ = ["ic", "ilu"]

codes: Any = later.module("lineal.codegen.sparse.incomplete")

SHIFTS = (0.0, 1e-3, 1e-2, 1e-1, 1.0)
"""What is added to the diagonal, as parts of it, until all pivots are positive (Manteuffel 1980)."""


def canonical(name: str, A: Any) -> CompressedTensor:
    """Return a real square matrix, compressed by rows, whose columns grow along each row."""
    operator = aslinearoperator(A)
    if operator.shape[0] != operator.shape[1]:
        raise RuntimeError(f"{name}: expected a square matrix, got {operator!r}")
    if operator.dtype not in (dtypes.float32, dtypes.float64):
        raise NotImplementedError(f"{name}: expected float32 or float64, got {operator.dtype}")
    matrix: Any = operator.to_sparse_csr().detach()
    return matrix if matrix.pattern.is_canonical() else matrix.to_sparse_coo().coalesce().to_sparse_csr()


def diagonal_places(name: str, matrix: CompressedTensor) -> np.ndarray:
    """Return where among the entries those on the diagonal stand; LinAlgError names the first row that has none."""
    on = np.flatnonzero(numbers(lines_of(matrix.pattern)) == numbers(matrix.pattern.indices))
    if len(on) != matrix.shape[0]:
        rows = numbers(matrix.pattern.indices)[on]
        missing = np.flatnonzero(np.bincount(rows, minlength=matrix.shape[0]) == 0)[0]
        raise LinAlgError(f"{name}: A has no entry on the diagonal in row {missing}")
    return on


def factored(matrix: CompressedTensor, on: np.ndarray, shift: float) -> tuple[CompressedTensor, int]:
    """Return the factors of A + shift · diag(A), and the first row that has no pivot, or -1."""
    values = matrix.entries.numpy().copy()
    values[on] *= 1 + shift
    pattern = [np.ascontiguousarray(numbers(each), np.int64) for each in matrix.pattern[:2]]
    made, bad = codes.factored(values, *pattern, on)
    return matrix.with_entries(from_numpy(made)), bad


def ilu(A: Any) -> LinearOperator:
    """Return (L U)⁻¹ of ILU(0): a unit lower L and an upper U, whose product is A (n × n, real) at the places of its entries.

    LinAlgError names the first row with a pivot that is zero, or without an entry on the diagonal.
    """
    with modes.no_grad():
        matrix = canonical("ilu", A)
        factors, bad = factored(matrix, diagonal_places("ilu", matrix), 0.0)
    if bad >= 0:
        raise LinAlgError(f"ilu: the pivot of row {bad} is zero, or no number; reorder the rows, or shift the diagonal")
    return InverseTriangle(factors, upper=True) @ InverseTriangle(factors, upper=False, unit=True)


def ic(A: Any) -> LinearOperator:
    """Return (L D Lᵀ)⁻¹ for a symmetric positive definite A (n × n), L and D at the places of its entries alone: IC(0).

    Where a pivot is not positive, which can happen to any but M-matrices, a part of the diagonal is added to it, with an
    IllConditionedWarning that says how much. LinAlgError if A is not symmetric, or all shifts fail.
    """
    with modes.no_grad():
        matrix = canonical("ic", A)
        require_symmetric(matrix)
        on = diagonal_places("ic", matrix)
        for shift in SHIFTS:
            factors, bad = factored(matrix, on, shift)
            pivots = factors.entries[from_numpy(on)]
            if bad < 0 and bool((pivots > 0).all()):
                break
        else:
            raise LinAlgError(f"ic: A has no positive pivots, even with {SHIFTS[-1]:g} of its diagonal added: is it definite?")
        if shift:
            warnings.warn(f"ic: {shift:g} of the diagonal was added, for positive pivots", IllConditionedWarning, stacklevel=2)
        # Lᵀ = D⁻¹ U, by the lower factor alone: the product is symmetric to the last bit
        lower = InverseTriangle(factors, upper=False, unit=True)
        return lower.adjoint() @ Diagonal(1 / pivots) @ lower


def require_symmetric(matrix: CompressedTensor) -> None:
    """Refuse a matrix that differs from its transpose by more than rounding."""
    difference = (matrix - matrix.t().to_sparse_csr()).entries
    largest = lambda entries: float(entries.abs().max()) if len(entries) else 0.0
    if largest(difference) > 1e-6 * largest(matrix.entries):
        raise LinAlgError("ic: A is not symmetric: use ilu")
