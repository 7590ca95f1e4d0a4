"""Gather and scatter along one dimension, adjoint to each other."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base import dtypes, later
from lineal.base.layouts import dense
from lineal.base.signatures import Number, Tensor
from lineal.base.spec import Axis, Shape, axis, broadcast_shapes
from lineal.core import AbstractTensor, Op, apply
from lineal.core.calling import public
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import cast, dtype_of, number_beside
from lineal.ops.front import require_tensor
from lineal.ops.indexing.accumulation import add_along_dim, read_along, write_along
from lineal.ops.indexing.basic import narrow_to
from lineal.ops.indexing.bounds import stray
from lineal.ops.indexing.changing import Change, change, deliver
from lineal.ops.indexing.masks import number_like

__all__ = ["gather", "scatter", "scatter_add", "take_along_dim"]

rowsums: Any = later.module("lineal.codegen.rowsums")

INDEX_DTYPES = (dtypes.int64, dtypes.int32)


class Gather(Op):
    """y[… i …] = x[… index[… i …] …] along `dim`; x̄ = ȳ added up where it was read."""

    dim: Axis
    layout = dense
    keeps = "1"

    def eager(self, xp, x, index):
        return read_along(x, self.dim, index)

    def vjp(self, needs, g, y, x, index):
        return apply(_gather_sum(self.dim, x.shape), g, index), None


class GatherSum(Op):
    """y = zeros of `shape`, then y[… index[… i …] …] += x[… i …] along `dim`; x̄ = ȳ gathered."""

    dim: Axis
    shape: Shape
    keeps = "1"

    def eager(self, xp, x, index):
        along_rows = xp is np and self.dim == len(self.shape) - 1 and self.shape[:-1] == index.shape[:-1]
        found = rowsums.rows_gathered(x, index, self.shape[-1]) if along_rows else None
        if found is not None:
            return found
        y = xp.full_like(x, 0, order="C", shape=self.shape)
        add_along_dim(y, self.dim, index, x)
        return y

    def vjp(self, needs, g, y, x, index):
        return apply(_gather(self.dim), g, index), None


class Scatter(Change):
    """y = x with y[… index[… i …] …] = src[… i …] along `dim`; x̄ = ȳ, zeroed there; s̄ = ȳ gathered."""

    dim: Axis
    keeps = "1"

    def change(self, y, index, src):
        write_along(y, self.dim, index, src)

    def vjp(self, needs, g, y, x, index, src):
        return (
            apply(self, g, index, expand(number_beside(g, 0), index.value.shape)) if needs[0] else None,
            None,
            apply(_gather(self.dim), g, index) if needs[2] else None,
        )


class ScatterAdd(Change):
    """y = x, then y[… index[… i …] …] += src[… i …] along `dim`; x̄ = ȳ; s̄ = ȳ gathered."""

    dim: Axis
    keeps = ("", "", "1")

    def change(self, y, index, src):
        add_along_dim(y, self.dim, index, src)

    def vjp(self, needs, g, y, x, index, src):
        return g, None, apply(_gather(self.dim), g, index) if needs[2] else None


_gather = functools.lru_cache(4096)(Gather)
_gather_sum = functools.lru_cache(4096)(GatherSum)
_scatter = functools.lru_cache(4096)(Scatter)
_scatter_add = functools.lru_cache(4096)(ScatterAdd)


def read_index(name: str, x: AbstractTensor, dim: int, index: AbstractTensor, *others: AbstractTensor) -> tuple[int, Any]:
    """Check what gather and scatter take; return the dimension and the index as int64.

    The index may be no longer than `x` in the other dimensions, and no longer than `others` in any.
    """
    require_tensor(name, x)
    if require_tensor(name, index).size and dtype_of(index) not in INDEX_DTYPES:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index, got {dtype_of(index)}")
    place, shape = axis(name, dim, x.value.ndim), index.value.shape
    index = cast(index, dtypes.int64)
    if index.value.size == 0:
        return place, index
    sizes = x.value.shape
    if shape != sizes or any(each.value.shape != sizes for each in others):
        check_shapes(name, place, index, x, *others)
    bound = sizes[place] if sizes else 1
    wrong = stray(index, bound)
    if wrong is not None:
        raise RuntimeError(f"{name}(): index {wrong} is out of bounds for dimension {place} with size {bound}")
    return place, index


def check_shapes(name: str, place: int, index: AbstractTensor, x: AbstractTensor, *others: AbstractTensor) -> None:
    """Refuse an index that is longer than `x` in other dimensions than `place`, or than `others` in any."""
    shape, sizes = index.value.shape, x.value.shape
    for each in (x, *others):
        if max(each.value.ndim, 1) != max(len(shape), 1):
            raise RuntimeError(
                f"{name}(): Index tensor must have the same number of dimensions as the other tensors, "
                f"got index {list(shape)} and {list(each.value.shape)}"
            )
    fits = all(size <= whole for d, (size, whole) in enumerate(zip(shape, sizes)) if d != place)
    if not fits or not all(size <= whole for each in others for size, whole in zip(shape, each.value.shape)):
        raise RuntimeError(
            f"{name}(): Expected index {list(shape)} to be no larger than self {list(sizes)} apart from dimension {place}"
            + "".join(f" and to be no larger size than src {list(each.value.shape)}" for each in others)
        )


def raised(x: AbstractTensor, *others: Any) -> list[Any]:
    """Return the tensors with at least one dimension, so that the kernels need not think of numbers."""
    return [each.reshape(1) if each.value.ndim == 0 else each for each in (x, *others)]  # type: ignore[attr-defined]


@public
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None) -> Tensor:
    """Return the elements of input that `index` names along `dim`, in the shape of `index` (int64, no negative places)."""
    place, index = read_index("gather", input, dim, index)
    if index.value.size == 0 and index.value.ndim != input.value.ndim:
        y = input.reshape(-1)[:0].reshape(index.value.shape)
    elif input.value.ndim == 0 or index.value.ndim == 0:
        x, positions = raised(input, index)
        y = apply(_gather(0), x, positions).reshape(index.value.shape)
    else:
        y = apply(_gather(place), input, index)
    return deliver(y, out, "gather", input, index)


def prepare_source(name: str, input: AbstractTensor, src: Any, index: AbstractTensor) -> Any:
    """Return what scatter writes, a tensor of input's dtype or a number, as a tensor that `index` fits into."""
    if isinstance(src, AbstractTensor):
        if src.value.dtype != input.value.dtype:
            raise RuntimeError(
                f"{name}(): Expected self.dtype to be equal to src.dtype, got {dtype_of(input)} and {dtype_of(src)}"
            )
        return src
    return expand(number_like(src, input, "scatter"), index.value.shape)


def scattering(name: str, op: Any, input: AbstractTensor, dim: int, index: AbstractTensor, src: Any) -> tuple:
    """Return, from arguments as users write them, input with dimensions, the op (None: no change) and its other inputs."""
    src = prepare_source(name, input, src, index)
    place, index = read_index(name, input, dim, index, src)
    if index.value.size == 0:
        return input, None, ()
    x, index, src = raised(input, index, src)
    return x, op(place), (index, narrow_to(src, index.value.shape))


def scattered(name: str, op: Any, input: AbstractTensor, dim: int, index: AbstractTensor, src: Any) -> Any:
    """Return the result of a scattering op on arguments as users write them."""
    x, made, others = scattering(name, op, input, dim, index, src)
    if made is None:
        return input.clone()  # type: ignore[attr-defined]
    y = apply(made, x, *others)
    return y if input.value.ndim else y.reshape(())


def scattered_in_place(name: str, op: Any, target: AbstractTensor, dim: int, index: AbstractTensor, src: Any) -> Any:
    """Let a scattering op write into `target`."""
    x, made, others = scattering(name, op, target, dim, index, src)
    if made is not None:
        change(x, made, *others, name=name)
    return target


@public
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Number | Tensor | None = None,
    reduce: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return input with the elements that `index` names along `dim` replaced by those of `src` (a tensor or a number).

    `reduce` "add" or "multiply" combines them with what is there instead.
    """
    src = required(value if src is None else src)
    if reduce is None:
        y = scattered("scatter", _scatter, input, dim, index, src)
    else:
        src = prepare_source("scatter", input, src, index)
        y = input.scatter_reduce(dim, index, src, reduction("scatter", reduce))
    return deliver(y, out, "scatter", input, index)


@public
def scatter_(
    self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Number | Tensor | None = None, reduce: str | None = None
) -> Tensor:
    """Write the elements of `src`, a tensor or a number, at the places that `index` names along `dim`."""
    src = required(value if src is None else src)
    if reduce is None:
        return scattered_in_place("scatter_", _scatter, self, dim, index, src)
    src = prepare_source("scatter_", self, src, index)
    return self.scatter_reduce_(dim, index, src, reduction("scatter_", reduce))


def required(src: Any) -> Any:
    """Return what scatter writes; TypeError if nothing was given."""
    if src is None:
        raise TypeError("scatter: expected src or value")
    return src


def reduction(name: str, reduce: str) -> str:
    """Return scatter_reduce's word for scatter's."""
    if reduce not in ("add", "multiply"):
        raise RuntimeError(f"{name}: reduce argument must be either add or multiply, got {reduce}")
    return "sum" if reduce == "add" else "prod"


@public
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return input with the elements of `src` added at the places that `index` names along `dim`."""
    require_tensor("scatter_add", src)
    y = scattered("scatter_add", _scatter_add, input, dim, index, src)
    return deliver(y, out, "scatter_add", input, index, src)


@public
def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Add the elements of `src` at the places that `index` names along `dim`."""
    require_tensor("scatter_add_", src)
    return scattered_in_place("scatter_add_", _scatter_add, self, dim, index, src)


@public
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return the elements that `indices` (int64) names along `dim`, both broadcast elsewhere; without dim, of all input."""
    require_tensor("take_along_dim", input)
    if dtype_of(indices) is not dtypes.int64:
        raise RuntimeError(f"take_along_dim(): dtype of indices should be Long but got {dtype_of(indices)}")
    if dim is None:
        y = gather(input.reshape(-1), 0, indices.reshape(-1))
        return deliver(y, out, "take_along_dim", input, indices)
    x, n = input, input.value.ndim
    if n != indices.value.ndim:
        raise RuntimeError(
            "take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {n} dimensions for input, and {indices.value.ndim} dimensions for indices"
        )
    place = axis("take_along_dim", dim, n)
    common = broadcast_shapes(
        "take_along_dim", *[(*each.value.shape[:place], 1, *each.value.shape[place + 1 :]) for each in (x, indices) if n]
    )
    if n:
        wide = [(*common[:place], each.value.shape[place], *common[place + 1 :]) for each in (x, indices)]
        size = x.value.shape[place]
        if stray(indices, size) is not None and stray(indices, size, -size) is None:
            indices = indices % size
        x, indices = expand(x, wide[0]), expand(indices, wide[1])
    y = gather(x, place, indices)
    return deliver(y, out, "take_along_dim", input, indices)
