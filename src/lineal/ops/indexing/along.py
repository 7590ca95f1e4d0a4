"""The index_… functions: a vector of places along one dimension; and take and put, which see the tensor flattened."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.signatures import Number, Tensor
from lineal.base.spec import axis
from lineal.core import AbstractTensor, apply, lift, module_of, renamed
from lineal.core.calling import public
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import cast, dtype_of
from lineal.ops.front import assign, require_tensor
from lineal.ops.indexing.advanced import index_op, put_op
from lineal.ops.indexing.bounds import stray
from lineal.ops.indexing.changing import change, deliver
from lineal.ops.indexing.gathering import INDEX_DTYPES
from lineal.ops.indexing.masks import masked_fill_op, zero_dimensional

__all__ = ["index_add", "index_copy", "index_fill", "index_select", "put", "take"]


def vector(name: str, x: AbstractTensor, dim: int, index: AbstractTensor, error: type = IndexError, lowest: int = 0) -> tuple:
    """Check a vector of places along `dim`; return x with a dimension, the dimension, and the index as int64 vector."""
    require_tensor(name, x)
    require_tensor(name, index)
    place = axis(name, dim, x.value.ndim)
    if dtype_of(index) not in INDEX_DTYPES:
        raise RuntimeError(f"{name}(): Expected dtype int32 or int64 for index, got {dtype_of(index)}")
    if index.value.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, got shape {list(index.value.shape)}")
    x = x.reshape(1) if x.value.ndim == 0 else x  # type: ignore[attr-defined]
    index = cast(index.reshape(1) if index.value.ndim == 0 else index, dtypes.int64)  # type: ignore[attr-defined]
    size = x.value.shape[place]
    if lowest:
        lowest = -size
    wrong = stray(index, size, lowest)
    if wrong is not None:
        raise error(f"{name}(): index {wrong} is out of bounds for dimension {place} with size {size}")
    return x, place, index


@public
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the slices of input along `dim` that the vector `index` (int32 or int64, no negative places) names."""
    x, place, index = vector("index_select", input, dim, index)
    y = apply(index_op((place,), "IndexSelect"), x, index)
    if input.value.ndim == 0:
        y = y.reshape(())
    return deliver(y, out, "index_select", input, index)


def paired(name: str, input: AbstractTensor, dim: int, index: AbstractTensor, source: AbstractTensor, error: type) -> tuple:
    """Check index and source of index_add and index_copy; return input, dimension, index and source ready for the op."""
    require_tensor(name, source)
    x, place, index = vector(name, input, dim, index, error)
    if source.value.dtype != input.value.dtype:
        raise RuntimeError(
            f"{name}(): self and source expected to have the same dtype, got {dtype_of(input)} and {dtype_of(source)}"
        )
    source = source.reshape(1) if source.value.ndim == 0 else source  # type: ignore[attr-defined]
    wanted = (*x.value.shape[:place], index.value.size, *x.value.shape[place + 1 :])
    if source.value.shape != wanted:
        if source.value.ndim > 1 or x.value.ndim > 1 or source.value.size != index.value.size:
            raise error(
                f"{name}(): expected a source of shape {list(wanted)} for {index.value.size} indices along dimension {place}, "
                f"got {list(source.value.shape)}"
            )
        source = source.reshape(wanted)  # type: ignore[attr-defined]
    return x, place, index, source


@public
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number | Tensor = 1, out: Tensor | None = None
) -> Tensor:
    """Return input with alpha · source[…, i, …] added to its slice index[i] along `dim`, for all i."""
    x, place, index, source = paired("index_add", input, dim, index, source, RuntimeError)
    y = apply(put_op((place,), True, "IndexAdd"), x, source if alpha == 1 else source * alpha, index)
    y = y if input.value.ndim else y.reshape(())
    return deliver(y, out, "index_add", input, index, source)


@public
def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number | Tensor = 1) -> Tensor:
    """Add alpha · source[…, i, …] to the slice index[i] along `dim`, for all i."""
    x, place, index, source = paired("index_add_", self, dim, index, source, RuntimeError)
    change(x, put_op((place,), True, "IndexAdd"), source if alpha == 1 else source * alpha, index, name="index_add_")
    return self


@public
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return input with its slice index[i] along `dim` replaced by source[…, i, …], for all i."""
    x, place, index, source = paired("index_copy", input, dim, index, source, IndexError)
    y = apply(put_op((place,), False, "IndexCopy"), x, source, index)
    y = y if input.value.ndim else y.reshape(())
    return deliver(y, out, "index_copy", input, index, source)


@public
def index_copy_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Replace the slice index[i] along `dim` by source[…, i, …], for all i."""
    x, place, index, source = paired("index_copy_", self, dim, index, source, IndexError)
    change(x, put_op((place,), False, "IndexCopy"), source, index, name="index_copy_")
    return self


def filling(name: str, input: AbstractTensor, dim: int, index: AbstractTensor, value: Any) -> tuple:
    """Return input with dimensions, and the op and its other inputs that fill its slices `index`."""
    x, place, index = vector(name, input, dim, index, lowest=-1)
    number = zero_dimensional(name, value, x)
    if number.node is None and number.origin is None:
        shape = (*x.value.shape[:place], index.value.size, *x.value.shape[place + 1 :])
        return x, put_op((place,), False, "IndexFill"), (expand(number, shape), index)
    # a slice named twice counts once in the value's derivative: so it does in a mask
    xp = module_of(x)
    blank, chosen = lift(xp.zeros(x.value.shape[place], np.bool_)), lift(xp.ones(index.value.size, np.bool_))
    line = tuple(-1 if axis == place else 1 for axis in range(x.value.ndim))
    mask = apply(put_op((0,), False, "IndexFill"), blank, chosen, index).reshape(line)
    return x, masked_fill_op, (expand(mask, x.value.shape), number)


@public
def index_fill(input: Tensor, dim: int, index: Tensor, value: Number | Tensor) -> Tensor:
    """Return input with its slices `index` along `dim` filled with `value`, a number or a tensor of no dimensions."""
    x, op, others = filling("index_fill", input, dim, index, value)
    y = apply(op, x, *others)
    return y if input.value.ndim else y.reshape(())


@public
def index_fill_(self: Tensor, dim: int, index: Tensor, value: Number | Tensor) -> Tensor:
    """Fill the slices `index` along `dim` with `value`."""
    x, op, others = filling("index_fill_", self, dim, index, value)
    change(x, op, *others, name="index_fill_")
    return self


def flat_index(name: str, input: AbstractTensor, index: AbstractTensor) -> Any:
    """Return a checked index into input flattened, as a vector."""
    require_tensor(name, input)
    require_tensor(name, index)
    if dtype_of(index) is not dtypes.int64:
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {dtype_of(index)}")
    count = input.value.size
    wrong = stray(index, count, -count)
    if wrong is not None:
        raise IndexError(f"{name}(): out of range: tried to access index {wrong} on a tensor of {count} elements")
    return index


def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the elements of input, flattened, that `index` (int64; negative counts from the end) names, in index's shape."""
    places = flat_index("take", input, index)
    return deliver(apply(index_op((0,), "Take"), input.reshape(-1), places), out, "take", input, index)


def putting(name: str, input: AbstractTensor, index: AbstractTensor, source: AbstractTensor) -> tuple:
    """Return the flat values and places of put after checking them."""
    require_tensor(name, source)
    if source.value.dtype != input.value.dtype:
        raise RuntimeError(
            f"{name}(): self and source expected to have the same dtype, got {dtype_of(input)} and {dtype_of(source)}"
        )
    if source.value.size != index.value.size:
        raise IndexError(
            f"{name}(): Expected source and index to have the same number of elements, "
            f"got source.numel() = {source.value.size}, index.numel() = {index.value.size}"
        )
    return source.reshape(-1), flat_index(name, input, index).reshape(-1)  # type: ignore[attr-defined]


@public
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Return input with the elements at the flat places `index` replaced by those of `source`, or source added to them."""
    values, places = putting("put", input, index, source)
    x = input.reshape(-1)
    return renamed(apply(put_op((0,), bool(accumulate), "Put"), x, values, places).reshape(input.value.shape), "PutBackward0")


@public
def put_(self: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Write the elements of `source` at the flat places `index`, or add them there with `accumulate`."""
    if not self.value.flags.c_contiguous:
        return assign(self, put(self, index, source, accumulate), "put_")
    values, places = putting("put_", self, index, source)
    change(self.view(-1), put_op((0,), bool(accumulate), "Put"), values, places, name="put_")
    return self
