"""Incomplete factors on the places of the entries of A, and on those that elimination fills up to a level: ILU(k) and IC(k)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.errors import IllConditionedWarning, LinAlgError
from lineal.core import modes
from lineal.solvers.operators.base import LinearOperator
from lineal.solvers.operators.structured import Diagonal
from lineal.solvers.operators.triangles import InverseTriangle
from lineal.solvers.preconditioners.places import (
    canonical,
    compressed_rows,
    diagonal_places,
    pattern_arrays,
    places_in,
    places_of,
)
from lineal.sparse.compressed import CompressedTensor
from lineal.tensors import from_numpy

__all__ = ["ic", "ilu", "require_hermitian"]

codes: Any = later.module("lineal.codegen.sparse.incomplete")
fill: Any = later.module("lineal.codegen.sparse.fill")

SHIFTS = (0.0, *[2.0**-n for n in range(10, -1, -1)])
"""What is added to the diagonal, as parts of it, until all pivots are positive (Manteuffel, Math. Comp. 34, 1980).

Doubled as by Lin and Moré, SIAM J. Sci. Comput. 21 (1999): what is taken is less than twice what would have been enough.
"""


def filled(name: str, matrix: CompressedTensor, level: int) -> CompressedTensor:
    """Return a canonical matrix with zeros where elimination fills it up to a level, and on the diagonal from level 1 on."""
    if level < 0:
        raise ValueError(f"{name}: expected a level of at least 0, got {level}")
    if not level:
        return matrix
    n = matrix.shape[0]
    turned: Any = matrix.t().to_sparse_csr()
    # L's columns are the rows of U of the transpose
    upper, left = [places_above(each, level) for each in (matrix, turned)]
    lower = left % n * n + left // n
    places = np.unique(np.concatenate([places_of(matrix), upper, lower, np.arange(n) * (n + 1)]))
    rows, columns = np.divmod(places, max(n, 1))
    entries = np.zeros(len(places), matrix.entries.numpy().dtype)
    entries[places_in(places, places_of(matrix))[0]] = matrix.entries.numpy()
    pointers = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))])
    return compressed_rows(pointers, columns, from_numpy(entries), (n, n))


def places_above(matrix: CompressedTensor, level: int) -> np.ndarray:
    """Return row · n + column of the entries that U has up to a level, above the diagonal."""
    pointers, columns = fill.filled_above(*pattern_arrays(matrix), level)
    return np.repeat(np.arange(matrix.shape[0]), np.diff(pointers)) * matrix.shape[0] + columns


def factored(matrix: CompressedTensor, on: np.ndarray, shift: float) -> tuple[CompressedTensor, int]:
    """Return the factors of A + shift · diag(A), and the first row that has no pivot, or -1."""
    values = matrix.entries.numpy().copy()
    values[on] *= 1 + shift
    made, bad = codes.factored(values, *pattern_arrays(matrix), on)
    return matrix.with_entries(from_numpy(made)), bad


def ilu(A: Any, level: int = 0) -> LinearOperator:
    """Return (L U)⁻¹ of ILU(k): a unit lower L and an upper U, whose product is A (n × n) at the places of their entries.

    Those are the places of A's entries, and with a level of fill k > 0 also where elimination fills A by way of entries
    filled up to level k − 1. LinAlgError names the first row with a pivot that is zero, or without an entry on the diagonal.
    """
    with modes.no_grad():
        matrix = filled("ilu", canonical("ilu", A), level)
        factors, bad = factored(matrix, diagonal_places("ilu", matrix), 0.0)
    if bad >= 0:
        raise LinAlgError(f"ilu: the pivot of row {bad} is zero, or no number; reorder the rows, or shift the diagonal")
    return InverseTriangle(factors, upper=True) @ InverseTriangle(factors, upper=False, unit=True)


def ic(A: Any, level: int = 0) -> LinearOperator:
    """Return (L D Lᴴ)⁻¹ for a Hermitian positive definite A (n × n): IC(k), with entries where `ilu` of this level has them.

    Where a pivot is not positive, which can happen to any but M-matrices, a part of the diagonal is added to it, with an
    IllConditionedWarning that says how much. LinAlgError if A is not Hermitian, or all shifts fail.
    """
    with modes.no_grad():
        matrix = canonical("ic", A)
        require_hermitian("ic", matrix)
        matrix = filled("ic", matrix, level)
        on = diagonal_places("ic", matrix)
        for shift in SHIFTS:
            factors, bad = factored(matrix, on, shift)
            pivots = factors.entries[from_numpy(on)].real
            if bad < 0 and bool((pivots > 0).all()):
                break
        else:
            raise LinAlgError(f"ic: A has no positive pivots, even with {SHIFTS[-1]:g} of its diagonal added: is it definite?")
        if shift:
            warnings.warn(
                f"ic: {shift:.3g} of the diagonal was added, for positive pivots", IllConditionedWarning, stacklevel=2
            )
        # Lᴴ = D⁻¹ U, by the lower factor alone: the product is Hermitian to the last bit
        lower = InverseTriangle(factors, upper=False, unit=True)
        return lower.adjoint() @ Diagonal((1 / pivots).to(factors.dtype)) @ lower


def require_hermitian(name: str, matrix: CompressedTensor) -> None:
    """Refuse a matrix that differs from its conjugate transpose by more than rounding."""
    turned: Any = matrix.t()
    difference = (matrix - turned.with_entries(turned.entries.conj()).to_sparse_csr()).entries
    largest = lambda entries: float(entries.abs().max()) if len(entries) else 0.0
    if largest(difference) > 1e-6 * largest(matrix.entries):
        raise LinAlgError(f"{name}: A is not {'Hermitian' if matrix.dtype.is_complex else 'symmetric'}: use ilu")
