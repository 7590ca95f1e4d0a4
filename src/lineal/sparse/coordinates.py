"""Sparse tensors: entries by their coordinates (the layout COO); all others are zeros.

A sparse tensor is a pair of strided ones, its indices (dimensions × entries) and its values (entries × dense dimensions), and
has its history in the values. Entries of equal coordinates are added up; it is coalesced if there are none, in row-major order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from lineal import ops
from lineal.base import dtypes, later
from lineal.base.spec import Size, axis
from lineal.sparse.answering import answer, answers
from lineal.tensors import Tensor, sparse_coo
from lineal.tensors.overriding import Overriding

__all__ = ["SparseTensor", "dense", "made", "merged", "of_values", "places"]

overrides: Any = later.module("lineal.overrides")


class Outline:
    """Stands for the array of a sparse tensor: what needs its numbers, and has no rule, fails."""

    __array_ufunc__ = None

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype):
        self.shape, self.dtype, self.ndim, self.size = shape, dtype, len(shape), math.prod(shape)

    def __array_namespace__(self, **options: Any) -> Any:
        raise RuntimeError("expected strided tensors, got one of the layout torch.sparse_coo; use to_dense() first")

    def __array__(self, *given: Any, **options: Any) -> np.ndarray:
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")


class SparseTensor(Overriding):
    """A tensor of the layout `torch.sparse_coo`; `sparse_coo_tensor` and `Tensor.to_sparse` make them."""

    is_sparse = True
    layout = sparse_coo
    entries: Tensor
    coordinates: Tensor
    coalesced: bool

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        """Return what the rule for a function makes of its arguments."""
        return answer(func, args, kwargs or {})

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return Size(self.value.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        """The dtype of the values."""
        return self.entries.dtype

    @property
    def device(self) -> Any:
        """The device of the values."""
        return self.entries.device

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.value.ndim

    @property
    def requires_grad(self) -> bool:
        """Whether the values need a gradient."""
        return self.entries.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.entries = self.entries.detach().requires_grad_(value)

    @property
    def grad(self) -> SparseTensor | None:
        """The gradient, at the coordinates of the entries."""
        return None if self.entries.grad is None else of_values(self, self.entries.grad)

    @property
    def grad_fn(self) -> Any:
        """The node that made the values."""
        return self.entries.grad_fn

    @property
    def is_leaf(self) -> bool:
        """Whether the values are a leaf."""
        return self.entries.is_leaf

    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or the size of dimension `dim`."""
        return self.shape if dim is None else self.shape[axis("size", dim, self.ndim)]

    def dim(self) -> int:
        """Return the number of dimensions."""
        return self.ndim

    ndimension = dim

    def numel(self) -> int:
        """Return the number of elements, zeros included."""
        return self.value.size

    nelement = numel

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

    def to_sparse(self, *given: Any, **options: Any) -> SparseTensor:
        """Return the tensor itself."""
        return self

    def is_floating_point(self) -> bool:
        """Return whether the dtype is floating."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Return whether the dtype is complex."""
        return self.dtype.is_complex

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say whether the values need a gradient."""
        self.requires_grad = requires_grad
        return self

    def is_contiguous(self, *given: Any, **options: Any) -> bool:
        """Return False: entries lie by their coordinates."""
        return False

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """Raise a TypeError: NumPy has no such arrays."""
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[n] for n in range(len(self)))

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return made, (self.coordinates, self.entries, tuple(self.shape), self.coalesced)

    def __deepcopy__(self, memo: dict[int, Any]) -> SparseTensor:
        memo[id(self)] = found = of_values(self, self.entries.__deepcopy__(memo))
        return found

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        kind = "" if self.dtype in (dtypes.float32, dtypes.int64) else f"dtype={self.dtype}, "
        history = ", requires_grad=True" if self.requires_grad and self.is_leaf else ""
        history = f", grad_fn=<{type(self.grad_fn).__name__}>" if self.grad_fn is not None else history
        return (
            f"tensor(indices={shown(self.coordinates, 15)},\n       values={shown(self.entries, 14)},\n"
            f"       size={tuple(self.shape)}, nnz={self._nnz()}, {kind}layout=torch.sparse_coo{history})"
        )


def shown(x: Tensor, indent: int) -> str:
    """Return how the numbers of a strided tensor print within another's print."""
    if not x.numel():
        return f"tensor([], size={tuple(x.shape)})"
    return re.sub(r", dtype=[\w.]+\)$", ")", repr(x.detach())).replace("\n", "\n" + " " * indent)


def made(coordinates: Tensor, entries: Tensor, sizes: tuple[int, ...], coalesced: bool = False) -> SparseTensor:
    """Return the sparse tensor of these parts, which are taken for right."""
    overrides.begin()
    y = object.__new__(SparseTensor)
    y.value, y.node, y.index, y.memory, y.origin = Outline(tuple(sizes), entries.value.dtype), None, None, None, None  # type: ignore[assignment]
    y.coordinates, y.entries, y.coalesced = coordinates, entries, coalesced or coordinates.shape[1] < 2
    return y


def of_values(x: SparseTensor, entries: Tensor) -> SparseTensor:
    """Return a sparse tensor that has other values at the coordinates of `x`."""
    return made(x.coordinates, entries, x.shape, x.coalesced)


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


@answers("T", "t", "reverse_axes")
def turned(x: SparseTensor) -> SparseTensor:
    """Return the transpose of a matrix; a vector is its own."""
    if x.dense_dim() or x.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 sparse and 0 dense dimensions, but got {x.sparse_dim()} sparse")
    return made(x.coordinates.flip(0), x.entries, tuple(reversed(x.shape)))
