"""The places of a matrix's entries: where they stand in order, and what stands at given ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.errors import LinAlgError
from lineal.solvers.operators.base import aslinearoperator
from lineal.sparse.compressed import CompressedTensor, Pattern, compressed, numbers
from lineal.sparse.conversion import lines_of
from lineal.tensors import Tensor, from_numpy, sparse_csr

__all__ = ["canonical", "compressed_rows", "diagonal_places", "entries_at", "pattern_arrays", "places_in", "places_of"]

KINDS = dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128


def canonical(name: str, A: Any) -> CompressedTensor:
    """Return a square floating or complex matrix, compressed by rows, whose columns grow along each row."""
    operator = aslinearoperator(A)
    if operator.shape[0] != operator.shape[1]:
        raise RuntimeError(f"{name}: expected a square matrix, got {operator!r}")
    if operator.dtype not in KINDS:
        raise NotImplementedError(f"{name}: expected float32, float64, complex64 or complex128, got {operator.dtype}")
    matrix: Any = operator.to_sparse_csr().detach()
    return matrix if matrix.pattern.is_canonical() else matrix.to_sparse_coo().coalesce().to_sparse_csr()


def pattern_arrays(matrix: CompressedTensor) -> tuple[np.ndarray, np.ndarray]:
    """Return pointers and indices as int64."""
    pointers, indices = [np.ascontiguousarray(numbers(each), np.int64) for each in matrix.pattern[:2]]
    return pointers, indices


def compressed_rows(pointers: np.ndarray, indices: np.ndarray, entries: Tensor, shape: tuple[int, ...]) -> CompressedTensor:
    """Return the matrix of these parts, compressed by rows."""
    return compressed(sparse_csr, Pattern(from_numpy(pointers), from_numpy(indices), {}), entries, shape)


def places_of(matrix: CompressedTensor) -> np.ndarray:
    """Return row · width + column of each entry, which grows."""
    return numbers(lines_of(matrix.pattern)).astype(np.int64) * matrix.shape[1] + numbers(matrix.pattern.indices)


def places_in(places: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where in growing places others stand, and which of them are there."""
    found = np.searchsorted(places, wanted)
    found[found == len(places)] = 0
    return found, places[found] == wanted if len(places) else np.zeros(wanted.shape, bool)


def entries_at(matrix: CompressedTensor, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the numbers of a canonical matrix at places of any shape; 0 where it has no entry."""
    found, there = places_in(places_of(matrix), rows * matrix.shape[1] + columns)
    entries = matrix.entries.numpy()
    return np.where(there, entries[found], 0) if len(entries) else np.zeros(there.shape, entries.dtype)


def diagonal_places(name: str, matrix: CompressedTensor) -> np.ndarray:
    """Return where among the entries those on the diagonal stand; LinAlgError names the first row that has none."""
    rows = np.arange(matrix.shape[0])
    found, there = places_in(places_of(matrix), rows * (matrix.shape[1] + 1))
    if not there.all():
        raise LinAlgError(f"{name}: A has no entry on the diagonal in row {int(rows[~there][0])}")
    return found
