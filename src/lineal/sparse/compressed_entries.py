"""What is done to the entries of compressed tensors, or to two of one shape; where patterns differ, by coordinates."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base.spec import axis
from lineal.sparse import creation, entries
from lineal.sparse.answering import COMPRESSED, EVERY, answers
from lineal.sparse.compressed import CompressedTensor, Pattern, compressed, transpose
from lineal.sparse.conversion import compressed_from, coordinates_in
from lineal.sparse.coordinates import SparseTensor, made, merged
from lineal.sparse.entries import is_number
from lineal.sparse.patterned import Patterned
from lineal.sparse.reductions import widened
from lineal.tensors import Tensor, sparse_csr

__all__ = ["diagonal"]


def by_places(x: Patterned) -> SparseTensor:
    """Return a sparse tensor by coordinates."""
    return coordinates_in(x) if isinstance(x, CompressedTensor) else x  # type: ignore[return-value]


def like(y: SparseTensor, x: CompressedTensor) -> CompressedTensor:
    """Return a tensor by coordinates in the layout of a compressed one."""
    return compressed_from(merged(y), x.layout, x.blocksize)


def require_alike(name: str, x: Tensor, other: Tensor) -> None:
    """Refuse tensors of different shapes: sparse ones do not broadcast."""
    if x.shape != other.shape:
        raise RuntimeError(f"{name}: expected tensors of one shape, got {list(x.shape)} and {list(other.shape)}")


def matches(x: Patterned, other: Patterned) -> bool:
    """Return whether two tensors have their entries at the same places, no two at one."""
    if not (isinstance(x, CompressedTensor) and isinstance(other, CompressedTensor)):
        return False
    alike = x.layout is other.layout and x.blocksize == other.blocksize and x.pattern.same(other.pattern)
    return alike and x.pattern.is_canonical()


def first_compressed(*given: Any) -> CompressedTensor:
    """Return the first compressed tensor, whose layout the result has."""
    return next(each for each in given if isinstance(each, CompressedTensor))


@answers("mul", "multiply", "__rmul__", of=(COMPRESSED,))
def mul(input: Any, other: Any) -> Patterned:
    """Return the products: by a number, by what strided tensors have at the entries' places, or where both have entries."""
    if not isinstance(input, Patterned):
        input, other = other, input
    if is_number(other):
        return input.with_entries(input.entries * other)
    require_alike("mul", input, other)
    if isinstance(other, Patterned) and matches(input, other):
        return input.with_entries(input.entries * other.entries)
    x = first_compressed(input, other)
    if isinstance(other, Patterned):
        return like(entries.of_common(by_places(input), by_places(other)), x)
    return x.with_entries(x.entries * gathered(x, other))


def gathered(x: CompressedTensor, d: Tensor) -> Tensor:
    """Return what a strided tensor has at the places of entries."""
    return d[tuple(coordinates_as_they_lie(x))].reshape(x.entries.shape)


def coordinates_as_they_lie(x: CompressedTensor) -> Tensor:
    """Return coordinates in the order of the entries, which a conversion of columns changes."""
    if x.by_rows:
        return coordinates_in(x).coordinates
    *batch, columns, rows = coordinates_in(transpose(x)).coordinates
    if x.has_blocks:
        # the blocks of the transpose lie turned
        columns, rows = (each.reshape(-1, *reversed(x.blocksize)).transpose(1, 2).reshape(-1) for each in (columns, rows))
        batch = [each.reshape(-1, *x.blocksize).reshape(-1) for each in batch]
    return ops.stack([*batch, rows, columns])


@answers("add", "__radd__", of=(COMPRESSED,))
def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return the sum of tensors of one shape, of which one at least is sparse; strided if one is."""
    if not isinstance(other, Tensor) or not isinstance(input, Tensor):
        raise RuntimeError("add: a number would fill the zeros of a sparse tensor; use to_dense() first")
    require_alike("add", input, other)
    if not (isinstance(input, Patterned) and isinstance(other, Patterned)):
        return ops.add(input.to_dense(), other.to_dense(), alpha=alpha)
    if matches(input, other):
        return input.with_entries(input.entries + (other.entries if alpha == 1 else other.entries * alpha))
    return like(entries.add(by_places(input), by_places(other), alpha=alpha), first_compressed(input, other))  # type: ignore[arg-type]


@answers("sub", "subtract", of=(COMPRESSED,))
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return the difference of tensors of one shape."""
    return add(input, other, alpha=-alpha)


@answers("rsub", "__rsub__", of=(COMPRESSED,))
def sub_from_right(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return the difference `other - alpha * input`."""
    return add(other, input, alpha=-alpha)


@answers("sum", of=(COMPRESSED,))
def sum(input: CompressedTensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Return the sum of all entries, or over dimensions of a matrix that stay with size one; integers add up to int64."""
    values = widened(input.entries, dtype)
    if dim is None or dim == ():
        return values.sum()
    if not keepdim:
        raise RuntimeError("reduction operations on CSR tensors with keepdim=False is unsupported")
    if input.ndim != 2:
        raise RuntimeError(f"sum: expected a sparse matrix, got shape {list(input.shape)}")
    dims = {axis("sum", each, 2) for each in (dim if isinstance(dim, (tuple, list)) else [dim])}
    x = by_places(input.with_entries(values))
    coordinates = ops.stack([ops.zeros_like(row) if n in dims else row for n, row in enumerate(x.coordinates)])
    sizes = tuple(1 if n in dims else size for n, size in enumerate(input.shape))
    return compressed_from(merged(made(coordinates, x.entries, sizes)), sparse_csr, (1, 1))


@answers("norm", of=(COMPRESSED,))
def norm(input: CompressedTensor, p: Any = "fro", **options: Any) -> Tensor:
    """Return the norm of all entries, a number p at least 1 or "fro"."""
    return input.merged().entries.norm(p, **options)


@answers("__getitem__", of=EVERY)
def subscript(x: Any, index: Any) -> Tensor:
    """Return what an index of whole numbers and whole slices names: by coordinates, or a number where no dimension is left."""
    given = index if isinstance(index, tuple) else (index,)
    if Ellipsis in given:
        place = given.index(Ellipsis)
        given = (*given[:place], *[slice(None)] * (x.ndim - len(given) + 1), *given[place + 1 :])
    if len(given) > x.ndim:
        raise IndexError(f"too many indices for tensor of dimension {x.ndim}")
    if not all(isinstance(each, int) or each == slice(None) for each in given):
        raise NotImplementedError(
            f"sparse tensors take numbers and whole slices as indices, got {index!r}; use to_dense() first"
        )
    for dim in reversed(range(len(given))):
        if isinstance(given[dim], int):
            x = select(x, dim, given[dim]) if isinstance(x, Patterned) else x.select(dim, given[dim])
    return x


@answers("select", of=(COMPRESSED,))
def select(x: Patterned, dim: int, index: int) -> Tensor:
    """Return the slice at `index` of dimension `dim`: a matrix of a batch as it is, else by coordinates."""
    dim = axis("select", dim, x.ndim)
    if not isinstance(x, CompressedTensor) or dim >= x.batch:
        return creation.selected(by_places(x), dim, index)
    pointers, indices = (each.select(dim, index) for each in x.pattern[:2])
    sizes = (*x.shape[:dim], *x.shape[dim + 1 :])
    return compressed(x.layout, Pattern(pointers, indices, {}), x.entries.select(dim, index), sizes)


@answers("sparse_mask", of=(COMPRESSED,))
def sparse_mask(x: Tensor, mask: Any) -> Tensor:
    """Return what `x` has at the places of the sparse tensor `mask`."""
    if isinstance(mask, SparseTensor):
        return creation.sparse_mask(x.to_dense() if isinstance(x, CompressedTensor) else x, mask)
    if x.shape != mask.shape:
        raise RuntimeError(
            f"sparse_mask(): operands have incompatible sizes; self has size {list(x.shape)} "
            f"but mask has size {list(mask.shape)}"
        )
    mask = mask.merged()
    return mask.with_entries(gathered(mask, x.to_dense() if isinstance(x, Patterned) else x))


@answers("diagonal", of=EVERY)
def diagonal(input: Patterned, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return the diagonal of a sparse matrix `offset` places above the main one, as a strided vector; a copy, unlike views."""
    if input.ndim != 2 or input.dense_dim() or (axis("diagonal", dim1, 2), axis("diagonal", dim2, 2)) != (0, 1):  # type: ignore
        raise RuntimeError(f"diagonal: expected a sparse matrix and its dimensions 0 and 1, got shape {list(input.shape)}")
    x = by_places(input)
    rows, columns = x.coordinates
    here = (columns - rows == offset).nonzero()[:, 0]
    high, wide = input.shape
    count = max(0, min(high, wide - offset) if offset >= 0 else min(high + offset, wide))
    places = (rows if offset >= 0 else columns).index_select(0, here)
    return ops.zeros(count, dtype=x.dtype).index_add(0, places, x.entries.index_select(0, here))
