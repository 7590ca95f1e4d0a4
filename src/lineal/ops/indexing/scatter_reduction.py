"""Scattering where many sources meet in one place: their sum, product, mean, greatest or least."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.platforms import array_module
from lineal.base.signatures import Tensor
from lineal.base.spec import Axis, axis
from lineal.core import apply
from lineal.core.calling import public
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import dtype_of, number_beside
from lineal.ops.front import require_tensor, store
from lineal.ops.indexing.accumulation import flat_places
from lineal.ops.indexing.along import vector
from lineal.ops.indexing.changing import Change
from lineal.ops.indexing.gathering import gather, scatter, scatter_add, scattered

__all__ = ["index_reduce", "scatter_reduce"]

WORDS = ("sum", "prod", "mean", "amax", "amin")


class ScatterExtreme(Change):
    """y = max (or min) of x and all src scattered there; ȳ is shared evenly by those that equal y."""

    dim: Axis
    greatest: bool
    grad_name = "ScatterReduceBackward0"
    keeps = "* y"
    no_lowering = "host step: scatters put and add, no more"

    def change(self, y, index, src):
        ufunc = array_module(y).maximum if self.greatest else array_module(y).minimum
        ufunc.at(y.reshape(-1), flat_places(y.shape, self.dim, index).reshape(-1), src.reshape(-1))

    def vjp(self, needs, g, y, x, index, src):
        target = dtype_of(g)
        own = (x == y).to(target)
        theirs = (src == gather(y, self.dim, index)).to(target)
        share = g / scatter_add(own, self.dim, index, theirs)
        return own * share, None, theirs * gather(share, self.dim, index) if needs[2] else None


class ScatterProduct(Change):
    """y = x times all src scattered there; an input's cotangent is ȳ times the product of the others."""

    dim: Axis
    grad_name = "ScatterReduceBackward0"
    keeps = "0 1 2"
    no_lowering = "host step: scatters put and add, no more"

    def change(self, y, index, src):
        array_module(y).multiply.at(y.reshape(-1), flat_places(y.shape, self.dim, index).reshape(-1), src.reshape(-1))

    def vjp(self, needs, g, y, x, index, src):
        # the product without one factor is the whole divided by it only if no factor is 0: zeros are counted and set aside
        dim, target = self.dim, dtype_of(g)
        x_zero, src_zero = x == 0, src == 0
        x_safe, src_safe = x.masked_fill(x_zero, 1), src.masked_fill(src_zero, 1)
        zeros = scatter_add(x_zero.to(dtypes.int64), dim, index, src_zero.to(dtypes.int64))
        product = apply(self, x_safe, index, src_safe)
        g = g * ((product * (zeros <= 1).to(target)).conj())
        alone = zeros == 0
        g_x = g * (alone | x_zero).to(target) / x_safe.conj()
        if not needs[2]:
            return g_x, None, None
        mine = (gather(alone, dim, index) | src_zero).to(target)
        return g_x, None, gather(g, dim, index) * mine / src_safe.conj()


_extreme = functools.lru_cache(1024)(ScatterExtreme)
_product = functools.lru_cache(1024)(ScatterProduct)


def neutral(reduce: str, x: Tensor) -> Any:
    """Return the number that does not change a product, a sum, a maximum or a minimum, in the dtype of `x`."""
    if reduce in ("prod", "sum", "mean"):
        return 1 if reduce == "prod" else 0
    sign = -1 if reduce == "amax" else 1
    storage = x.value.dtype
    if storage.kind in "fV":
        return sign * float("inf")
    if storage.kind == "b":
        return sign > 0
    return np.iinfo(storage).max if sign > 0 else np.iinfo(storage).min


@public
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True, out: Tensor | None = None
) -> Tensor:
    """Return input reduced with the elements of `src` at the places that `index` names along `dim`.

    `reduce` is sum, prod, mean, amax or amin; without `include_self` input's own element does not count where src has any.
    """
    if reduce not in WORDS:
        raise RuntimeError(f"scatter_reduce: reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    require_tensor("scatter_reduce", src)
    if reduce in ("amax", "amin") and dtype_of(require_input(input)).is_complex:
        raise RuntimeError(f"scatter_reduce: {reduce} is not defined for {dtype_of(input)}")
    x = input
    if not include_self and index.value.size:
        x = scatter(input, dim, index, neutral(reduce, input))
    if reduce == "mean":
        y = mean(x, dim, index, src, include_self)
    elif reduce == "sum":
        y = scatter_add(x, dim, index, src)
    elif reduce == "prod":
        y = scattered("scatter_reduce", _product, x, dim, index, src)
    else:
        y = scattered("scatter_reduce", functools.partial(_extreme, greatest=reduce == "amax"), x, dim, index, src)
    return y if out is None else store(y, out, "scatter_reduce")


def require_input(x: Any) -> Any:
    """Return `x` after checking that it is a tensor."""
    require_tensor("scatter_reduce", x)
    return x


def mean(x: Tensor, dim: int, index: Tensor, src: Tensor, include_self: bool) -> Any:
    """Return the scattered sum divided by how many elements met in each place; integers round down."""
    total = scatter_add(x, dim, index, src)
    own = expand(number_beside(x, int(include_self), dtypes.int64), x.value.shape)
    ones = expand(number_beside(x, 1, dtypes.int64), src.value.shape)
    count = scatter_add(own, dim, index, ones).clamp(min=1).to(dtype_of(x))
    return total / count if x.value.dtype.kind in "fcV" else total // count


@public
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True, out: Tensor | None = None
) -> Tensor:
    """Return input reduced (prod, mean, amax or amin) with source[…, i, …] at its slice index[i] along `dim`, for all i."""
    if reduce not in WORDS[1:]:
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}")
    place = axis("index_reduce", dim, input.value.ndim)
    x, place, index = vector("index_reduce", input, place, index)
    source = source if source.value.ndim else source.reshape(1)
    if index.value.size != source.value.shape[place]:
        raise IndexError(
            f"index_reduce(): Number of indices ({index.value.size}) should be equal to source.size(dim): "
            f"({source.value.shape[place]}), for dim: {place}"
        )
    around = [each.value.shape[:place] + each.value.shape[place + 1 :] for each in (x, source)]
    if around[0] != around[1]:
        raise RuntimeError(
            f"index_reduce(): source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {list(input.value.shape)} source.shape = {list(source.value.shape)}"
        )
    line = tuple(-1 if each == place else 1 for each in range(x.value.ndim))
    wide = expand(index.reshape(line), source.value.shape)
    y = scatter_reduce(x, place, wide, source, reduce, include_self=include_self)
    y = y if input.value.ndim else y.reshape(())
    return y if out is None else store(y, out, "index_reduce")
