"""Sums over dimensions of sparse tensors, norms, and softmax over the entries of each row."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base.spec import axis
from lineal.sparse.answering import answers
from lineal.sparse.coordinates import SparseTensor, made, merged, places
from lineal.tensors import Tensor

__all__ = ["log_softmax", "softmax", "sum"]


@answers("sum")
def sum(input: SparseTensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Return the sum over `dim`, one or several: strided if no sparse dimension is left, and of all dimensions by default."""
    if keepdim:
        raise NotImplementedError("sum: there is no keepdim=True for tensors of the layout torch.sparse_coo")
    entries = input.entries if dtype is None else input.entries.to(dtype)
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return entries.sum()
    dims = {axis("sum", each, input.ndim) for each in (dim if isinstance(dim, (tuple, list)) else [dim])}
    first = input.sparse_dim()
    inner = [each - first + 1 for each in dims if each >= first]
    entries = entries.sum(inner) if inner else entries
    left = [n for n in range(first) if n not in dims]
    if not left:
        return entries.sum(0)
    sizes = tuple(size for n, size in enumerate(input.shape) if n not in dims)
    return merged(made(input.coordinates[left], entries, sizes, input.coalesced and len(left) == first))


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
