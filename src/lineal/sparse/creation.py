"""How sparse tensors are made: of coordinates and entries, of strided tensors, by the older names of their types."""

from __future__ import annotations

import math
from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.base.spec import Size, axis
from lineal.sparse.answering import answers
from lineal.sparse.coordinates import SparseTensor, made, merged
from lineal.tensors import Tensor, tensor

__all__ = ["SPARSE_TYPES", "SparseType", "by_coordinates", "entries_of", "sparse_coo_tensor", "sparse_mask"]


def sparse_coo_tensor(
    indices: Any,
    values: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> SparseTensor:
    """Return the sparse tensor that has `values` (entries × dense dimensions) at `indices` (dimensions × entries).

    Without `size`, it is as large as the indices need; a size alone makes one without entries. Entries of equal indices are
    added up where the tensor is used. Unlike PyTorch, indices are compared with the size whatever `check_invariants` says.
    RuntimeError if they do not fit, or numbers of entries differ.
    """
    if values is None:
        return blank(tuple(indices) if size is None else tuple(size), dtype, requires_grad)
    coordinates = indices.to(dtypes.int64) if isinstance(indices, Tensor) else tensor(indices, dtype=dtypes.int64)
    entries = entries_of(values, dtype, device, requires_grad)
    if coordinates.ndim == 1:
        coordinates = coordinates.reshape(1, -1) if entries.ndim else coordinates.reshape(-1, 1)
    sizes = fitting(coordinates, entries if entries.ndim else entries.reshape(1), size)
    return made(coordinates, entries if entries.ndim else entries.reshape(1), sizes, is_coalesced is True)


def entries_of(values: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """Return the entries of a new sparse tensor: a leaf if it is to require grad, else with the history of `values`."""
    entries = values if isinstance(values, Tensor) else tensor(values)
    entries = entries.view_as(entries) if entries.requires_grad and entries.is_leaf else entries
    entries = (entries if dtype is None else entries.to(dtype)) if device is None else entries.to(device, dtype)
    return entries.detach().requires_grad_() if requires_grad else entries


def blank(sizes: tuple[int, ...], dtype: Any, requires_grad: bool) -> SparseTensor:
    """Return a sparse tensor without entries."""
    coordinates = ops.zeros((len(sizes), 0), dtype=dtypes.int64)
    return made(coordinates, ops.zeros(0, dtype=dtype, requires_grad=requires_grad), sizes, True)


def fitting(coordinates: Tensor, entries: Tensor, size: Any) -> Size:
    """Return the sizes of the tensor that has these parts; RuntimeError if they do not fit."""
    dims, count = coordinates.shape
    if entries.shape[0] != count:
        raise RuntimeError(
            f"sparse_coo_tensor: indices and values must have same nnz, but got nnz from indices: {count}, "
            f"nnz from values: {entries.shape[0]}"
        )
    if size is None:
        largest = (coordinates.amax(1) + 1).tolist() if count else [0] * dims
        size = (*largest, *entries.shape[1:])
    sizes = Size(size)
    if len(sizes) != dims + entries.ndim - 1 or sizes[dims:] != entries.shape[1:]:
        raise RuntimeError(
            f"sparse_coo_tensor: expected a size of {dims} sparse dimensions and those of values, got {list(sizes)} "
            f"with values of shape {list(entries.shape)}"
        )
    for n in range(dims if count else 0):
        if coordinates[n].amin() < 0:
            raise RuntimeError(f"found negative index {coordinates[n].amin().item()} for dim {n}")
        if coordinates[n].amax() >= sizes[n]:
            found = coordinates[n].amax().item()
            raise RuntimeError(f"size is inconsistent with indices: for dim {n}, size is {sizes[n]} but found index {found}")
    return sizes


def by_coordinates(x: Tensor, sparse_dim: int | None = None) -> SparseTensor:
    """Return the sparse tensor of what is not zero in `x`; its first `sparse_dim` dimensions, or all, get coordinates."""
    dims = x.ndim if sparse_dim is None else sparse_dim
    if not min(x.ndim, 1) <= dims <= x.ndim:
        raise IndexError(f"to_sparse: sparse_dim {dims} is out of range for a tensor of {x.ndim} dimensions")
    marked = (x.detach() != 0).reshape(*x.shape[:dims], math.prod(x.shape[dims:])).any(-1)
    coordinates = marked.nonzero().t()
    return made(coordinates, x[tuple(coordinates)] if dims else x.reshape(1)[: coordinates.shape[1]], x.shape, True)


@answers("sparse_mask")
def sparse_mask(x: Tensor, mask: SparseTensor) -> SparseTensor:
    """Return what `x` has at the coordinates of the sparse tensor `mask`."""
    if x.shape != mask.shape:
        raise RuntimeError(
            f"sparse_mask(): operands have incompatible sizes; self has size {list(x.shape)} "
            f"but mask has size {list(mask.shape)}"
        )
    mask = merged(mask)
    return mask.with_entries((x.to_dense() if isinstance(x, SparseTensor) else x)[tuple(mask.coordinates)])


@answers("zeros_like")
def zeros_like(x: SparseTensor, *, dtype: Any = None, **options: Any) -> SparseTensor:
    """Return a sparse tensor of this shape without entries."""
    return blank(tuple(x.shape), x.dtype if dtype is None else dtype, False)


class SparseType:
    """An older name of sparse tensors of one dtype, as `sparse.FloatTensor`, that makes them and is asked by `isinstance`."""

    def __init__(self, name: str, dtype: dtypes.dtype):
        self.__name__, self.dtype = name, dtype

    def __call__(self, *given: Any, device: Any = None) -> SparseTensor:
        """Return the tensor of indices, values and a size, as `sparse_coo_tensor` takes them, or of sizes without entries."""
        if given and isinstance(given[0], Tensor):
            return sparse_coo_tensor(*given, dtype=self.dtype, device=device)
        return sparse_coo_tensor(given[0] if len(given) == 1 and not isinstance(given[0], int) else given, dtype=self.dtype)

    def __instancecheck__(self, thing: Any) -> bool:
        return isinstance(thing, SparseTensor) and thing.dtype == self.dtype

    def __repr__(self) -> str:
        return f"<class 'torch.sparse.{self.__name__}'>"


SPARSE_TYPES = {each.constructor: SparseType(each.constructor, each) for each in dtypes.ALL if each.rank and each.constructor}
"""The older names."""


@answers("select")
def selected(x: SparseTensor, dim: int, index: int) -> SparseTensor | Tensor:
    """Return the slice at `index` of dimension `dim`."""
    dim = axis("select", dim, x.ndim)
    if not isinstance(index, int) or dim >= x.sparse_dim():
        raise NotImplementedError(f"select: expected an index of a sparse dimension, got {index!r}; use to_dense() first")
    if not -x.shape[dim] <= index < x.shape[dim]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(x.shape)} at dimension {dim}")
    here = (x.coordinates[dim] == index % x.shape[dim]).nonzero()[:, 0]
    rest = [n for n in range(x.sparse_dim()) if n != dim]
    entries = x.entries.index_select(0, here)
    if not rest:
        return entries.sum(0, dtype=x.dtype)
    sizes = tuple(size for n, size in enumerate(x.shape) if n != dim)
    return made(x.coordinates[rest].index_select(1, here), entries, sizes, x.coalesced)
