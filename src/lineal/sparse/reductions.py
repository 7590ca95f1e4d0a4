"""Sums over dimensions of sparse tensors, norms, and softmax over the entries of each row."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.base.spec import axis
from lineal.sparse.answering import answers
from lineal.sparse.coordinates import SparseTensor, made, merged, places
from lineal.tensors import Tensor

__all__ = ["log_softmax", "softmax", "sum"]


@answers("sum")
def sum(input: SparseTensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Return the sum over `dim`, one or several: strided if no sparse dimension is left, and of all dimensions by default.

    Integers and bool add up to int64.
    """
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return (input.entries if dtype is None else input.entries.to(dtype)).sum()
    return over(input.with_entries(widened(input.entries, dtype)), dim, keepdim)


def widened(entries: Tensor, target: Any = None) -> Tensor:
    """Return numbers in the dtype that they are added up in: `target` if given, int64 for integers and bool."""
    if target is None and not (entries.is_floating_point() or entries.is_complex()):
        target = dtypes.int64
    return entries if target is None else entries.to(target)


def over(input: SparseTensor, dim: Any, keepdim: bool = False) -> Tensor:
    """Return the sum over dimensions, which stay with size 1 if `keepdim`, in the input's dtype if any sparse one is left."""
    entries, first = input.entries, input.sparse_dim()
    dims = {axis("sum", each, input.ndim) for each in (dim if isinstance(dim, (tuple, list)) else [dim])}
    inner = [each - first + 1 for each in dims if each >= first]
    entries = entries.sum(inner, keepdim) if inner else entries
    sizes = tuple(1 if n in dims else size for n, size in enumerate(input.shape) if keepdim or n not in dims)
    left = [n for n in range(first) if n not in dims]
    if not left:
        return entries.sum(0).reshape(sizes)
    coordinates = input.coordinates[left]
    if keepdim:
        coordinates = ops.stack([ops.zeros_like(row) if n in dims else row for n, row in enumerate(input.coordinates)])
    return merged(made(coordinates, entries, sizes, input.coalesced and len(left) == first))


@answers("norm")
def norm(input: SparseTensor, p: Any = "fro", **options: Any) -> Tensor:
    """Return the norm of all entries, a number p at least 1 or "fro"."""
    return merged(input).entries.norm(p, **options)


def rows(x: SparseTensor, dim: int) -> Tensor:
    """Return which of the rows along `dim` each entry is in, counted without gaps."""
    rest = [n for n in range(x.sparse_dim()) if n != dim]
    return ops.unique(places(x.coordinates[rest], tuple(x.shape[n] for n in rest)), return_inverse=True)[1]


def shifted(x: SparseTensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the entries less the largest of their rows, their rows, and the sums of exponentials of each row."""
    if axis("softmax", dim, x.ndim) >= x.sparse_dim() or x.dense_dim():
        raise NotImplementedError(f"sparse.softmax: expected a sparse dimension of a tensor without dense ones, got dim {dim}")
    which = rows(x, axis("softmax", dim, x.ndim))
    count = int(which.max()) + 1 if which.numel() else 0
    lowest = ops.full((count,), -float("inf"), dtype=x.dtype)
    top = lowest.scatter_reduce(0, which, x.entries.detach(), "amax")
    less = x.entries - top.index_select(0, which)
    return less, which, ops.zeros(count, dtype=x.dtype).index_add(0, which, less.exp())


@answers("softmax")
def softmax(input: SparseTensor, dim: int, *, dtype: Any = None) -> SparseTensor:
    """Return the softmax over the entries along `dim`; what has no entry counts as minus infinity, and stays zero."""
    x = merged(input if dtype is None else input.with_entries(input.entries.to(dtype)))
    less, which, total = shifted(x, dim)
    return x.with_entries(less.exp() / total.index_select(0, which))


@answers("log_softmax")
def log_softmax(input: SparseTensor, dim: int, *, dtype: Any = None) -> SparseTensor:
    """Return the logarithm of `softmax`, at the entries."""
    x = merged(input if dtype is None else input.with_entries(input.entries.to(dtype)))
    less, which, total = shifted(x, dim)
    return x.with_entries(less - total.log().index_select(0, which))
