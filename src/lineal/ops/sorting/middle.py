"""Medians and modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from lineal.base import results
from lineal.base.platforms import array_module
from lineal.base.signatures import Tensor
from lineal.core import Op, apply
from lineal.core.calling import public
from lineal.core.opening import settled
from lineal.ops.sorting.ranking import order
from lineal.ops.sorting.selection import FEW, Selection, at, is_nan, keys_of, picked, reduced_axis, sortable

__all__ = ["median", "nanmedian", "mode"]


def middle(keys: np.ndarray, axis: int, ignore: bool) -> np.ndarray:
    """Return the place of the median along `axis`: the lower of two; NaN decides, or is ignored."""
    nan, xp = is_nan(keys), array_module(keys)
    size = keys.shape[axis]
    if not nan.any():
        rank = (size - 1) // 2
        ranks = order(keys, axis) if size <= FEW else xp.argpartition(keys, rank, axis=axis)
        return xp.take(ranks, [rank], axis)
    ranks = order(keys, axis)
    if ignore:
        known = size - nan.sum(axis=axis, keepdims=True)
        return xp.take_along_axis(ranks, xp.maximum(known - 1, 0) // 2, axis)
    usual = xp.take(ranks, [(size - 1) // 2], axis)
    return xp.where(nan.any(axis=axis, keepdims=True), nan.argmax(axis=axis, keepdims=True), usual)


class Median(Selection):
    """y = the lower median along `axis`; NaN if there is one, unless they are to be ignored."""

    ignore: bool
    no_lowering = "host step: sorting"

    @property
    def grad_name(self) -> str:
        return "NanmedianBackward0" if self.ignore else "MedianBackward0"

    def places(self, keys):
        return middle(keys, self.axis, self.ignore)


class MedianOfAll(Op):
    """y = the lower median of all elements; the cotangent is shared evenly by the elements equal to it."""

    ignore: bool
    keeps = "0 y"
    no_batch = "looped: it takes all numbers at once, without an axis"
    no_lowering = "host step: sorting"

    @property
    def grad_name(self) -> str:
        return "NanmedianBackward0" if self.ignore else "MedianBackward0"

    def eager(self, xp, x):
        flat = x.reshape(-1)
        if not flat.size:
            return xp.full((), np.nan).astype(x.dtype) if x.dtype.kind in "fV" else xp.zeros((), x.dtype)
        keys = keys_of(flat)
        if keys.dtype.kind == "f" and is_nan(keys).any():
            return flat[middle(keys, 0, self.ignore)[0]]
        rank = (flat.size - 1) // 2
        if flat.size <= FEW:
            return at(flat, xp.take(order(keys, 0), [rank], 0), 0).reshape(())
        return xp.partition(keys, rank)[rank].astype(x.dtype)

    def vjp(self, needs, g, y, x):
        equal = (x == y) | (x.isnan() & y.isnan())
        return (equal * (g / equal.sum()),)


class Mode(Selection):
    """y = the most frequent element along `axis`, the smallest of several, where it stands last."""

    no_lowering = "host step: sorting"

    def places(self, keys):
        xp = array_module(keys)
        ranks = xp.moveaxis(order(keys, self.axis), self.axis, -1)
        ordered = xp.take_along_axis(xp.moveaxis(keys, self.axis, -1), ranks, -1)
        count = xp.arange(ordered.shape[-1])
        first = xp.ones(ordered.shape, bool)
        first[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
        run = count - xp.maximum.accumulate(xp.where(first, count, 0), axis=-1)
        best = xp.take_along_axis(ranks, run.argmax(axis=-1, keepdims=True), -1)
        return xp.moveaxis(best, -1, self.axis)


_median, _median_of_all = settled(Median), settled(MedianOfAll)
_mode = settled(Mode)


@overload
def median(input: Tensor) -> Tensor: ...
@overload
def median(input: Tensor, dim: int, keepdim: bool = False, *, out: Sequence[Tensor] | None = None) -> results.median: ...
@public
def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Sequence[Tensor] | None = None) -> Any:
    """Return the median, the lower of two; along `dim` also where it was. NaN if an element is NaN."""
    if dim is None:
        sortable("median", input)
        return apply(_median_of_all(False), input)
    return picked(results.median, _median(reduced_axis("median", input, dim), bool(keepdim), False), input, out)


@overload
def nanmedian(input: Tensor) -> Tensor: ...
@overload
def nanmedian(input: Tensor, dim: int, keepdim: bool = False, *, out: Sequence[Tensor] | None = None) -> results.nanmedian: ...
@public
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Sequence[Tensor] | None = None) -> Any:
    """Return the median of what is not NaN, the lower of two; along `dim` also where it was."""
    if dim is None:
        sortable("nanmedian", input)
        return apply(_median_of_all(True), input)
    return picked(results.nanmedian, _median(reduced_axis("nanmedian", input, dim), bool(keepdim), True), input, out)


@public
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Sequence[Tensor] | None = None) -> results.mode:
    """Return the most frequent element along `dim` (the smallest of several) and where it stands last."""
    return picked(results.mode, _mode(reduced_axis("mode", input, dim), bool(keepdim)), input, out)
