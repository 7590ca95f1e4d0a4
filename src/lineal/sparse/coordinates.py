"""Sparse tensors: entries by their coordinates (the layout COO); all others are zeros.

A sparse tensor is a pair of strided ones, its indices (dimensions × entries) and its values (entries × dense dimensions), and
has its history in the values. Entries of equal coordinates are added up; it is coalesced if there are none, in row-major order.
"""

from __future__ import annotations

import math
from typing import Any, Self

from lineal import ops
from lineal.base import dtypes
from lineal.sparse.answering import COORDINATES, answers
from lineal.sparse.patterned import Patterned, outlined
from lineal.tensors import Tensor, sparse_coo

__all__ = ["SparseTensor", "coordinates_of", "dense", "made", "merged", "places"]


class SparseTensor(Patterned):
    """A tensor of the layout `torch.sparse_coo`; `sparse_coo_tensor` and `Tensor.to_sparse` make them."""

    is_sparse = True
    rules = COORDINATES
    coordinates: Tensor
    coalesced: bool

    def with_entries(self, entries: Tensor) -> SparseTensor:
        """Return a tensor that has other entries at the same coordinates."""
        return made(self.coordinates, entries, self.shape, self.coalesced)

    def merged(self) -> SparseTensor:
        """Return a tensor whose entries of equal coordinates are added up, in row-major order."""
        return merged(self)

    def sparse_dim(self) -> int:
        """Return how many dimensions the coordinates have."""
        return self.coordinates.shape[0]

    def dense_dim(self) -> int:
        """Return how many dimensions each entry has."""
        return self.ndim - self.sparse_dim()

    def _nnz(self) -> int:
        """Return the number of entries."""
        return self.coordinates.shape[1]

    def _indices(self) -> Tensor:
        """Return the coordinates, coalesced or not."""
        return self.coordinates

    def _values(self) -> Tensor:
        """Return the entries, coalesced or not."""
        return self.entries

    def indices(self) -> Tensor:
        """Return the coordinates; RuntimeError if entries may share some."""
        return self._settled("indices").coordinates

    def values(self) -> Tensor:
        """Return the entries; RuntimeError if some may share coordinates."""
        return self._settled("values").entries

    def _settled(self, what: str) -> Self:
        if not self.coalesced:
            raise RuntimeError(f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first")
        return self

    def is_coalesced(self) -> bool:
        """Return whether no entries share coordinates, and they stand in row-major order."""
        return self.coalesced

    def coalesce(self) -> SparseTensor:
        """Return a tensor whose entries of equal coordinates are added up, in row-major order."""
        return merged(self)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """Return a strided tensor of the same numbers."""
        return dense(self) if dtype is None else dense(self).to(dtype)

    def to_sparse_coo(self) -> SparseTensor:
        """Return the tensor itself."""
        return self

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return made, (self.coordinates, self.entries, tuple(self.shape), self.coalesced)

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return self.described({"indices": self.coordinates, "values": self.entries}, self._nnz(), apart=True)


def made(coordinates: Tensor, entries: Tensor, sizes: tuple[int, ...], coalesced: bool = False) -> SparseTensor:
    """Return the sparse tensor of these parts, which are taken for right."""
    y = outlined(SparseTensor, entries, sizes, sparse_coo)
    y.coordinates, y.coalesced = coordinates, coalesced or coordinates.shape[1] < 2
    return y


def places(coordinates: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Return the places of coordinates in row-major order."""
    found = ops.zeros(coordinates.shape[1], dtype=dtypes.int64)
    for n, size in enumerate(sizes):
        found = found * size + coordinates[n]
    return found


def coordinates_of(flat: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Return the coordinates of places in row-major order."""
    found = []
    for size in reversed(sizes):
        found.insert(0, flat % max(size, 1))
        flat = flat // max(size, 1)
    return ops.stack(found) if found else ops.zeros((0, flat.shape[0]), dtype=dtypes.int64)


def merged(x: SparseTensor) -> SparseTensor:
    """Return a sparse tensor whose entries of equal coordinates are added up, in row-major order."""
    if x.coalesced:
        return x
    sizes = x.shape[: x.sparse_dim()]
    found, which = ops.unique(places(x.coordinates, sizes), return_inverse=True)
    room = ops.zeros((found.shape[0], *x.entries.shape[1:]), dtype=x.dtype)
    return made(coordinates_of(found, sizes), room.index_put((which,), x.entries, accumulate=True), x.shape, True)


def dense(x: SparseTensor) -> Tensor:
    """Return a strided tensor of the same numbers."""
    sizes = x.shape[: x.sparse_dim()]
    room = ops.zeros((math.prod(sizes), *x.entries.shape[1:]), dtype=x.dtype)
    return room.index_put((places(x.coordinates, sizes),), x.entries, accumulate=True).reshape(x.shape)


@answers("T", "t", "mT", "reverse_axes")
def turned(x: SparseTensor) -> SparseTensor:
    """Return the transpose of a matrix; a vector is its own."""
    if x.dense_dim() or x.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 sparse and 0 dense dimensions, but got {x.sparse_dim()} sparse")
    return made(x.coordinates.flip(0), x.entries, tuple(reversed(x.shape)))


@answers("mH", "H", "adjoint")
def adjoint(x: SparseTensor) -> SparseTensor:
    """Return the transpose of a matrix with conjugate entries."""
    y = turned(x)
    return y.with_entries(y.entries.conj()) if y.dtype.is_complex else y
