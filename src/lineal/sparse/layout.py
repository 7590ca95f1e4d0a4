"""What moves entries: transposed, joined, selected, with new dimensions."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base.spec import axis
from lineal.sparse.answering import answers
from lineal.sparse.coordinates import SparseTensor, made
from lineal.tensors import Tensor

__all__: list[str] = []


@answers("transpose", "swapaxes", "swapdims")
def transpose(input: SparseTensor, dim0: int, dim1: int) -> SparseTensor:
    """Return a tensor with two dimensions exchanged."""
    order = list(range(input.ndim))
    a, b = axis("transpose", dim0, input.ndim), axis("transpose", dim1, input.ndim)
    order[a], order[b] = b, a
    return permute(input, order)


@answers("permute")
def permute(input: SparseTensor, *dims: Any) -> SparseTensor:
    """Return a tensor with its sparse dimensions in another order."""
    given = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
    order = [axis("permute", each, input.ndim) for each in given]
    first = input.sparse_dim()
    if sorted(order) != list(range(input.ndim)) or order[first:] != list(range(first, input.ndim)):
        raise RuntimeError(f"permute: expected an order of the {first} sparse dimensions, got {order}")
    return made(input.coordinates[order[:first]], input.entries, tuple(input.shape[n] for n in order))


@answers("unsqueeze")
def unsqueeze(input: SparseTensor, dim: int) -> SparseTensor:
    """Return a tensor with a new sparse dimension of size one."""
    dim = axis("unsqueeze", dim, input.ndim + 1)
    if dim > input.sparse_dim():
        raise NotImplementedError("unsqueeze: no new dense dimensions of sparse tensors; use to_dense() first")
    c = input.coordinates
    coordinates = ops.cat([c[:dim], ops.zeros_like(c[:1]) if len(c) else c.new_zeros(1, c.shape[1]), c[dim:]])
    return made(coordinates, input.entries, (*input.shape[:dim], 1, *input.shape[dim:]), input.coalesced)


@answers("index_select")
def index_select(input: SparseTensor, dim: int, index: Tensor) -> SparseTensor:
    """Return the slices of a sparse dimension at `index`."""
    dim = axis("index_select", dim, input.ndim)
    if dim >= input.sparse_dim():
        entries = input.entries.index_select(dim - input.sparse_dim() + 1, index)
        return made(input.coordinates, entries, resized(input, dim, index), input.coalesced)
    wanted = index % max(input.shape[dim], 1)
    if bool((wanted != index).any()):
        raise IndexError(f"index_select(): index out of range for tensor of size {list(input.shape)} at dimension {dim}")
    places, slices = (wanted.unsqueeze(1) == input.coordinates[dim]).nonzero().unbind(1)
    coordinates = input.coordinates.index_select(1, slices)
    coordinates = ops.cat([coordinates[:dim], places.unsqueeze(0), coordinates[dim + 1 :]])
    return made(coordinates, input.entries.index_select(0, slices), resized(input, dim, index))


def resized(x: SparseTensor, dim: int, index: Tensor) -> tuple[int, ...]:
    """Return the shape whose dimension `dim` has as many slices as `index`."""
    return (*x.shape[:dim], index.numel(), *x.shape[dim + 1 :])


@answers("cat", "concat", "concatenate")
def cat(tensors: Any, dim: int = 0) -> SparseTensor:
    """Return sparse tensors joined along a sparse dimension."""
    first = tensors[0]
    if not all(isinstance(each, SparseTensor) for each in tensors):
        raise RuntimeError("cat: expected sparse tensors only")
    dim = axis("cat", dim, first.ndim)
    rest = [(*each.shape[:dim], *each.shape[dim + 1 :]) for each in tensors]
    if dim >= first.sparse_dim() or len({*rest}) > 1 or len({each.sparse_dim() for each in tensors}) > 1:
        raise RuntimeError(
            f"cat: expected tensors alike but in a sparse dimension, got {[list(each.shape) for each in tensors]}"
        )
    parts, start = [], 0
    for each in tensors:
        c = each.coordinates
        parts.append(ops.cat([c[:dim], c[dim : dim + 1] + start, c[dim + 1 :]]))
        start += each.shape[dim]
    entries = ops.cat([each.entries for each in tensors])
    return made(ops.cat(parts, 1), entries, (*first.shape[:dim], start, *first.shape[dim + 1 :]))


@answers("stack")
def stack(tensors: Any, dim: int = 0) -> SparseTensor:
    """Return sparse tensors of one shape joined along a new sparse dimension."""
    shapes = [list(each.shape) for each in tensors]
    if not all(isinstance(each, SparseTensor) for each in tensors):
        raise RuntimeError("stack: expected sparse tensors only")
    if any(each != shapes[0] for each in shapes):
        raise RuntimeError(f"stack: stack expects each tensor to be equal size, but got {shapes}")
    dim = axis("stack", dim, tensors[0].ndim + 1)
    return cat([unsqueeze(each, dim) for each in tensors], dim)
