"""Sorting, and the elements of a rank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lineal.base import results
from lineal.base.layouts import alike
from lineal.base.platforms import array_module
from lineal.base.signatures import Tensor
from lineal.base.spec import Axis, axis
from lineal.core import Op, apply
from lineal.core.calling import public
from lineal.core.opening import settled
from lineal.ops.front import store
from lineal.ops.sorting.ranking import order
from lineal.ops.sorting.selection import FEW, Selection, keys_of, leading, picked, reduced_axis, sortable

__all__ = ["sort", "argsort", "msort", "topk", "kthvalue"]


class Sort(Selection):
    """y = x sorted along `axis`, NaN last (first if `descending`), equals in their order."""

    descending: bool
    layout = alike

    def places(self, keys):
        return order(keys, self.axis, self.descending)


class ArgSort(Op):
    """The places that sort x along `axis`."""

    axis: Axis
    descending: bool
    layout = alike
    grad_name = "ArgsortBackward0"
    differentiable = False
    no_vjp = "places: whole numbers"

    def eager(self, xp, x):
        if not x.ndim:
            return xp.zeros((), np.int64)
        return order(keys_of(x), self.axis, self.descending).astype(np.int64, copy=False)

    def vjp(self, needs, g, y, x):
        return (None,)


class TopK(Selection):
    """y = the `count` largest (or smallest) elements along `axis`, the best first."""

    count: int
    largest: bool
    grad_name = "TopkBackward0"

    def places(self, keys):
        found = leading(keys, self.axis, self.count, self.largest)
        if found is not None:
            return found
        size, xp = keys.shape[self.axis], array_module(keys)
        if size <= FEW or self.count * 4 >= size:
            return xp.take(order(keys, self.axis, self.largest), range(self.count), self.axis)
        if not self.count:
            return xp.take(xp.zeros(keys.shape, np.int64), [], self.axis)
        border = size - self.count if self.largest else self.count - 1
        divided = xp.argpartition(keys, border, axis=self.axis)
        chosen = xp.take(divided, range(border, size) if self.largest else range(self.count), self.axis)
        chosen = xp.sort(chosen, axis=self.axis)
        ranks = order(xp.take_along_axis(keys, chosen, self.axis), self.axis, self.largest)
        return xp.take_along_axis(chosen, ranks, self.axis)


class KthValue(Selection):
    """y = the element of rank `rank` (from 0) along `axis`, in ascending order."""

    rank: int
    grad_name = "KthvalueBackward0"

    def places(self, keys):
        xp = array_module(keys)
        found = leading(keys, self.axis, self.rank + 1, False)
        if found is not None:
            return xp.take(found, [self.rank], self.axis)
        if keys.shape[self.axis] <= FEW:
            ranks = order(keys, self.axis)
        else:
            ranks = xp.argpartition(keys, self.rank, axis=self.axis)
        return xp.take(ranks, [self.rank], self.axis)


_sort, _argsort, _topk, _kthvalue = map(settled, (Sort, ArgSort, TopK, KthValue))


@public
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool | None = False, *, out: Sequence[Tensor] | None = None
) -> results.sort:
    """Return the sorted elements along `dim`, and where each was. NaN is the largest; equal elements keep their order."""
    sortable("sort", input)
    return picked(results.sort, _sort(axis("sort", dim, input.value.ndim), True, bool(descending)), input, out)


@public
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Return the places that sort `input` along `dim`."""
    sortable("argsort", input)
    return apply(_argsort(axis("argsort", dim, input.value.ndim), bool(descending)), input)


def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the elements sorted along the first dimension."""
    y = sort(input, 0).values
    return y if out is None else store(y, out, "msort")


@public
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Sequence[Tensor] | None = None
) -> results.topk:
    """Return the `k` largest (or smallest) elements along `dim`, the best first, and where each was."""
    sortable("topk", input)
    place = axis("topk", -1 if dim is None else dim, input.value.ndim)
    size = input.value.shape[place] if input.value.ndim else 1
    if not 0 <= k <= size:
        raise RuntimeError(f"topk: selected index k out of range, expected 0 to {size}, got k={k}")
    return picked(results.topk, _topk(place, True, int(k), bool(largest)), input, out)


@public
def kthvalue(
    input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Sequence[Tensor] | None = None
) -> results.kthvalue:
    """Return the `k`-th smallest element (from 1) along `dim`, and where it was."""
    place = reduced_axis("kthvalue", input, dim)
    size = input.value.shape[place] if input.value.ndim else 1
    if not 1 <= k <= size:
        raise RuntimeError(f"kthvalue: selected number k out of range for dimension {dim}, expected 1 to {size}, got k={k}")
    if out is not None and any(np.may_share_memory(each.value, input.value) for each in out):
        raise RuntimeError("kthvalue: unsupported operation: out shares memory with the input; clone() one of them first")
    return picked(results.kthvalue, _kthvalue(place, bool(keepdim), int(k) - 1), input, out)
