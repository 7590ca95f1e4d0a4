"""Sums and means, with and without NaN."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.dtypes import Category
from lineal.base.signatures import Dims, DType, Tensor
from lineal.base.spec import Axes, axes
from lineal.core import renamed
from lineal.core.calling import public
from lineal.ops.blocks import TALL
from lineal.ops.conversion import cast, dtype_of
from lineal.ops.elementwise.comparison import isnan
from lineal.ops.elementwise.masks import drop
from lineal.ops.front import require_tensor, store
from lineal.ops.promotion import unsupported
from lineal.ops.reductions.front import Reduction, count, doors, is_one_op, reduced, shared, spread
from lineal.ops.reductions.terms import NOT_NAN, summed
from lineal.ops.structural.diagonals import diagonal

__all__ = ["sum", "mean", "nansum", "nanmean", "trace"]


class Sum(Reduction):
    """y = Σ x over `axes`, added up in `storage` (by default x's dtype); x̄ = ȳ repeated along them."""

    axes: Axes
    keepdim: bool
    whole: bool = False
    """Whether no dimensions were named, which shows in the node's name only."""
    storage: np.dtype | None = None

    @property
    def grad_name(self) -> str:
        return "SumBackward0" if self.whole else "SumBackward1"

    def plain(self, ndim: int) -> bool:
        """Return whether this is the sum of a whole array in its own dtype."""
        return len(self.axes) == ndim and not self.keepdim and self.storage is None

    def eager(self, xp, x):
        if self.plain(x.ndim) and is_plain(x):
            return total(x)
        return reduced(xp.add, x, self.axes, self.keepdim, self.storage)

    def vjp(self, needs, g, y, x):
        return (spread(g, x.shape, self.axes, self.keepdim),)


class Mean(Reduction):
    """y = Σ x / n over `axes`; x̄ = ȳ / n repeated along them."""

    axes: Axes
    keepdim: bool
    whole: bool = False
    storage: np.dtype | None = None

    @property
    def grad_name(self) -> str:
        return "MeanBackward0" if self.whole else "MeanBackward1"

    plain = Sum.plain

    def eager(self, xp, x):
        if self.plain(x.ndim) and is_plain(x):
            return total(x) / x.size
        n = count(x.shape, self.axes)
        if x.dtype in dtypes.NARROW:
            return (reduced(xp.add, x, self.axes, self.keepdim, dtypes.computing(x.dtype)) / n).astype(x.dtype)
        return reduced(xp.add, x, self.axes, self.keepdim) / n

    def vjp(self, needs, g, y, x):
        return (spread(shared(g, count(x.shape, self.axes)), x.shape, self.axes, self.keepdim),)


_add = np.add.reduce
_PLAIN = frozenset("fdFD")


def is_plain(x: Any) -> bool:
    """Return whether doors take the sum of this array by `total`: then it is the same on every way."""
    return x.__class__ is np.ndarray and x.dtype.char in _PLAIN


def total(x: np.ndarray) -> Any:
    """Return the sum of all elements: by pairs, as NumPy has it of what lies without gaps, else by blocks."""
    if x.size < TALL or x.ndim == 1 or x.flags.forc:
        return _add(x, None) if x.size <= PIECE or sums_by_pairs() else paired(x.reshape(-1, order="A"))
    return reduced(np.add, x, tuple(range(x.ndim)), False)


PIECE = 8192
"""How many numbers older versions of NumPy (2.1) sum up by pairs; such sums they add one by one, which loses digits."""


@functools.cache
def sums_by_pairs() -> bool:
    """Return whether NumPy sums long arrays up by pairs from end to end."""
    x = np.full(1 << 20, 0.1, np.float32)
    return abs(float(_add(x)) / (float(x[0]) * x.size) - 1) < 4 * 2.0**-24


def paired(x: np.ndarray) -> Any:
    """Return the sum of a vector by pairs, piece by piece."""
    while x.size > PIECE:
        whole = x.size - x.size % PIECE
        x = np.append(_add(x[:whole].reshape(-1, PIECE), 1), _add(x[whole:]))
    return _add(x)


_sum = doors("sum", Sum, total)
_mean = doors("mean", Mean, lambda x: total(x) / x.size)
_INT64 = np.dtype(np.int64)


@public
def sum(
    input: Tensor, dim: Dims | None = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """Return the sum over `dim` (all dimensions by default); integers and bool add up to int64."""
    x = require_tensor("sum", input)
    if dtype is not None:
        input = cast(input, dtypes.as_dtype(dtype))
        x = input.value
    if x.dtype.char in _PLAIN:
        y = _sum(dim, x.ndim, keepdim, dim is None)(input)
    else:
        storage = _INT64 if dtype is None and x.dtype.kind in "iub" else x.dtype
        y = _sum(dim, x.ndim, keepdim, dim is None, storage)(input)
    return y if out is None else store(y, out, "sum")


@public
def mean(
    input: Tensor, dim: Dims | None = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """Return the mean over `dim` (all dimensions by default) of a floating or complex tensor."""
    x = require_tensor("mean", input)
    if dtype is not None:
        input = cast(input, dtypes.as_dtype(dtype))
    if input.value.dtype.kind in "iub":
        raise RuntimeError(
            f"mean: could not infer output dtype: expected a floating or complex dtype, got {dtype_of(input)}; "
            "convert with .float(), or pass dtype="
        )
    storage = input.value.dtype
    y = _mean(dim, x.ndim, keepdim, dim is None, None if storage.char in _PLAIN else storage)(input)
    return y if out is None else store(y, out, "mean")


@public
def nansum(
    input: Tensor, dim: Dims | None = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """Return the sum over `dim` of what is not NaN."""
    if require_tensor("nansum", input).dtype.kind == "c":
        raise RuntimeError("nansum: expected a real tensor, got a complex one")
    if input.value.dtype.kind not in "iub":
        if dtype is None and is_one_op(input):
            y = summed(NOT_NAN, axes("nansum", dim, input.value.ndim), keepdim, input)
            return renamed(y if out is None else store(y, out, "nansum"), "NansumBackward0")
        input = drop(input, isnan(input))
    return renamed(sum(input, dim, keepdim, dtype=dtype, out=out), "NansumBackward0")


@public
def nanmean(
    input: Tensor, dim: Dims | None = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """Return the mean over `dim` of what is not NaN."""
    if require_tensor("nanmean", input).dtype.kind in "iub":
        raise RuntimeError(f"nanmean: expected a floating or complex dtype, got {dtype_of(input)}")
    mask = isnan(input)
    wanted = dtype_of(input) if dtype is None else dtypes.as_dtype(dtype)
    # a half precision may not have the number of terms
    within = dtypes.of(dtypes.computing(wanted.numpy)) if wanted.numpy in dtypes.NARROW else dtype
    total = sum(drop(input, mask), dim, keepdim, dtype=within)
    y = total / sum(mask.logical_not(), dim, keepdim)
    y = y if within is dtype else cast(y, wanted)
    return y if out is None else store(y, out, "nanmean")


@public
def trace(input: Tensor) -> Tensor:
    """Return the sum of the diagonal of a matrix."""
    if require_tensor("trace", input).ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, got shape {list(input.value.shape)}")
    if dtype_of(input).category is Category.BOOL:
        raise unsupported("trace", dtypes.bool_)
    return renamed(sum(diagonal(input)), "TraceBackward0")
