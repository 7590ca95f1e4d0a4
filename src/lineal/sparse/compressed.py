"""Compressed sparse tensors: entries line by line, in the layouts CSR and CSC, or blocks of them, in BSR and BSC.

A line is a row (CSR, BSR) or a column (CSC, BSC). The pattern has a pointer to the first entry of each line, and for each entry
its index along the line. So CSC is CSR of the transpose, and a matrix is transposed by calling its lines columns. Batches have
patterns of one number of entries, side by side; entries may have dense dimensions.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from lineal.base import later
from lineal.base.spec import axis
from lineal.core import modes
from lineal.sparse.answering import COMPRESSED, answers
from lineal.sparse.patterned import Patterned, outlined, title
from lineal.tensors import Tensor, sparse_bsc, sparse_bsr, sparse_csc, sparse_csr

__all__ = ["LAYOUTS", "CompressedTensor", "Pattern", "compressed", "numbers", "require_matrix"]

conversion: Any = later.module("lineal.sparse.conversion")

LAYOUTS = {each.name: each for each in (sparse_csr, sparse_csc, sparse_bsr, sparse_bsc)}
TRANSPOSED = {sparse_csr: sparse_csc, sparse_csc: sparse_csr, sparse_bsr: sparse_bsc, sparse_bsc: sparse_bsr}


def numbers(x: Tensor) -> np.ndarray:
    """Return the array of pointers or indices, which decide in Python what comes next; no recorder can follow that."""
    listener = modes.recorder.get()
    if listener is not None:
        listener.foreign("the pattern of a sparse tensor is read")
    return x.value


class Pattern(NamedTuple):
    """Where entries stand: `pointers` (… × lines + 1), `indices` (… × entries), and in `known` what was found out of them."""

    pointers: Tensor
    indices: Tensor
    known: dict[Any, Any]

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    @property
    def lines(self) -> int:
        """How many lines there are, in each matrix of a batch."""
        return self.pointers.shape[-1] - 1

    def is_canonical(self) -> bool:
        """Return whether the indices of each line grow, so that no two entries share a place."""
        if "canonical" not in self.known:
            count = math.prod(self.pointers.shape[:-1])
            pointers, indices = (numbers(each).reshape(count, each.shape[-1]) for each in self[:2])
            self.known["canonical"] = all(grows(*each) for each in zip(pointers, indices))
        return self.known["canonical"]

    def same(self, other: Pattern) -> bool:
        """Return whether entries stand at the same places, in the same order."""
        if self.pointers is other.pointers and self.indices is other.indices:
            return True
        return all(np.array_equal(numbers(a), numbers(b)) for a, b in zip(self[:2], other[:2]))


def grows(pointers: np.ndarray, indices: np.ndarray) -> bool:
    """Return whether the indices of each line grow."""
    falls = np.diff(indices) <= 0
    # where a line begins, the index may be anything
    starts = pointers[1:-1]
    falls[starts[(starts > 0) & (starts < indices.size)] - 1] = False
    return not falls.any()


class CompressedTensor(Patterned):
    """A tensor of a compressed layout; `sparse_csr_tensor` and its like, and `Tensor.to_sparse`, make them."""

    rules = COMPRESSED
    pattern: Pattern

    @property
    def is_sparse_csr(self) -> bool:
        """Whether the layout is `torch.sparse_csr`."""
        return self.layout is sparse_csr

    @property
    def by_rows(self) -> bool:
        """Whether lines are rows."""
        return self.layout in (sparse_csr, sparse_bsr)

    @property
    def has_blocks(self) -> bool:
        """Whether entries are blocks."""
        return self.layout in (sparse_bsr, sparse_bsc)

    @property
    def batch(self) -> int:
        """How many dimensions the batch has."""
        return self.pattern.pointers.ndim - 1

    @property
    def blocksize(self) -> tuple[int, int]:
        """Rows and columns of a block; one each where entries are numbers."""
        return tuple(self.entries.shape[self.batch + 1 : self.batch + 3]) if self.has_blocks else (1, 1)  # type: ignore

    @property
    def along(self) -> int:
        """How long a line is, in entries."""
        rows, columns = self.blocksize
        return self.shape[self.batch + 1] // columns if self.by_rows else self.shape[self.batch] // rows

    def with_entries(self, entries: Tensor) -> CompressedTensor:
        """Return a tensor that has other entries at the same places."""
        sizes = (*self.shape[: self.batch + 2], *entries.shape[self.batch + (3 if self.has_blocks else 1) :])
        return compressed(self.layout, self.pattern, entries, sizes)

    def merged(self) -> CompressedTensor:
        """Return a tensor whose indices grow along each line: entries of one place are added up."""
        return conversion.merged_lines(self)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """Return a strided tensor of the same numbers."""
        return conversion.dense_of(self, dtype)

    def sparse_dim(self) -> int:
        """Return how many dimensions the places have: those of a matrix."""
        return 2

    def dense_dim(self) -> int:
        """Return how many dimensions each entry, or each number of a block, has."""
        return self.ndim - self.batch - 2

    def _nnz(self) -> int:
        """Return the number of entries, or of blocks, in each matrix of a batch."""
        return self.pattern.indices.shape[-1]

    def values(self) -> Tensor:
        """Return the entries, or blocks."""
        return self.entries

    def crow_indices(self) -> Tensor:
        """Return where rows begin; RuntimeError if lines are columns."""
        return self.along_rows("crow_indices", "row").pointers

    def col_indices(self) -> Tensor:
        """Return the columns of entries; RuntimeError if lines are columns."""
        return self.along_rows("col_indices", "row").indices

    def ccol_indices(self) -> Tensor:
        """Return where columns begin; RuntimeError if lines are rows."""
        return self.along_rows("ccol_indices", "column").pointers

    def row_indices(self) -> Tensor:
        """Return the rows of entries; RuntimeError if lines are rows."""
        return self.along_rows("row_indices", "column").indices

    def along_rows(self, name: str, lines: str) -> Pattern:
        """Return the pattern; RuntimeError if its lines are not the ones named."""
        if self.by_rows != (lines == "row"):
            raise RuntimeError(f"{name} expected sparse {lines} compressed tensor layout but got {title(self.layout)}")
        return self.pattern

    def refused(self, name: str) -> RuntimeError:
        """Return the error for what only tensors by coordinates have."""
        return RuntimeError(f"{name} expected sparse coordinate tensor layout but got {title(self.layout)}")

    def indices(self) -> Tensor:
        """Raise a RuntimeError: there are no coordinates."""
        raise self.refused("indices")

    def coalesce(self) -> Tensor:
        """Raise a RuntimeError: there are no coordinates."""
        raise self.refused("coalesce")

    def is_coalesced(self) -> bool:
        """Raise a RuntimeError: there are no coordinates."""
        raise self.refused("is_coalesced")

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return unpickled, (self.layout.name, *self.pattern[:2], self.entries, tuple(self.shape))

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        names = ("crow_indices", "col_indices") if self.by_rows else ("ccol_indices", "row_indices")
        parts = dict(zip(names, self.pattern[:2]), values=self.entries)
        return self.described(parts, self._nnz(), apart=False)


def compressed(layout: Any, pattern: Pattern, entries: Tensor, sizes: tuple[int, ...]) -> CompressedTensor:
    """Return the compressed tensor of these parts, which are taken for right."""
    y = outlined(CompressedTensor, entries, sizes, layout)
    y.pattern = pattern
    return y


def unpickled(name: str, pointers: Tensor, indices: Tensor, entries: Tensor, sizes: tuple[int, ...]) -> CompressedTensor:
    """Return the compressed tensor of a layout of this name."""
    return compressed(LAYOUTS[name], Pattern(pointers, indices, {}), entries, sizes)


def require_matrix(name: str, x: Patterned) -> None:
    """Refuse batches and entries with dense dimensions."""
    if x.ndim != 2 or x.dense_dim():
        raise RuntimeError(f"{name}: expected a sparse matrix without batch and dense dimensions, got shape {list(x.shape)}")


@answers("t", "transpose", "swapaxes", "swapdims", "T", "mT", "reverse_axes", of=(COMPRESSED,))
def transpose(input: CompressedTensor, dim0: int = -2, dim1: int = -1) -> CompressedTensor:
    """Return the transpose: the same entries, lines now called columns if they were rows."""
    first, second = sorted(axis("transpose", each, input.ndim) for each in given_dims(input, dim0, dim1))
    if first == second:
        return input
    if (first, second) != (input.batch, input.batch + 1):
        raise RuntimeError(
            f"transpose: can only transpose the last two sparse dimensions of a compressed tensor, "
            f"{input.batch} and {input.batch + 1}, got {first} and {second}"
        )
    entries = input.entries.transpose(input.batch + 1, input.batch + 2) if input.has_blocks else input.entries
    b = input.batch
    sizes = (*input.shape[:b], input.shape[b + 1], input.shape[b], *input.shape[b + 2 :])
    return compressed(TRANSPOSED[input.layout], input.pattern, entries, sizes)


def given_dims(x: CompressedTensor, dim0: int, dim1: int) -> tuple[int, int]:
    """Return the dimensions to be exchanged: by default those of the matrices."""
    return (x.batch, x.batch + 1) if (dim0, dim1) == (-2, -1) else (dim0, dim1)


@answers("mH", "H", "adjoint", of=(COMPRESSED,))
def adjoint(input: CompressedTensor) -> CompressedTensor:
    """Return the transpose with conjugate entries."""
    y = transpose(input)
    return y.with_entries(y.entries.conj()) if y.dtype.is_complex else y
