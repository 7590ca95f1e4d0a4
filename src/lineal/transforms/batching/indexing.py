"""Indexing: where indices differ from slice to slice, the number of the slice is one index more."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core import Op, apply, lift
from lineal.ops.indexing import basic
from lineal.ops.indexing.advanced import Index, IndexPut, IndexSum
from lineal.ops.indexing.filling import Fill
from lineal.ops.indexing.gathering import Gather, GatherSum, Scatter, ScatterAdd
from lineal.ops.indexing.masks import MaskedFill
from lineal.ops.indexing.scatter_reduction import ScatterExtreme, ScatterProduct
from lineal.transforms.batching.moving import aligned, axes_moved, axes_of_any_rank_moved, ranked, shifted
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(basic.Slice, basic.Embed)(axes_of_any_rank_moved)
batches(Gather, GatherSum, Scatter, ScatterAdd, ScatterExtreme, ScatterProduct)(axes_moved)


@batches(Fill)
def fill(op: Op, size: int, marks: tuple[bool, ...], x: Any, value: Any) -> Any:
    return apply(op, aligned(size, marks[0], x), ranked(value, marks[1], x.value.ndim - marks[0]))


@batches(MaskedFill)
def masked_fill(op: Op, size: int, marks: tuple[bool, ...], x: Any, mask: Any, value: Any) -> Any:
    if marks[2]:
        return NotImplemented
    return apply(op, aligned(size, marks[0], x), aligned(size, marks[1], mask), value)


@batches(IndexPut)
def index_put(op: Any, size: int, marks: tuple[bool, ...], x: Any, value: Any, *indices: Any) -> Any:
    places = op.places
    if any(index.value.dtype.kind == "b" for index in indices) or places != tuple(range(len(places))):
        return NotImplemented
    indices = together(size, marks[2:], indices)
    spread = np.broadcast_shapes(*[index.value.shape for index in indices])[1:] + x.value.shape[marks[0] + len(places) :]
    value = ranked(aligned(size, marks[1], value), True, len(spread))
    everywhere = type(op)((0, *[each + 1 for each in places]), op.accumulate, op.label)
    return apply(everywhere, aligned(size, marks[0], x), value.expand((size, *spread)), counted(size, indices), *indices)


@batches(Index)
def index(op: Any, size: int, marks: tuple[bool, ...], x: Any, *indices: Any) -> Any:
    places = op.places
    first, count = places[0], len(places)
    if any(index.value.dtype.kind == "b" for index in indices) or places != tuple(range(first, first + count)):
        return NotImplemented
    if not any(marks[1:]):
        return apply(shifted(op, size), x, *indices)
    indices = together(size, marks[1:], indices)
    spread = indices[0].value.ndim if count == 1 else max(index.value.ndim for index in indices)
    if first:
        # the axes that are indexed go before the others, and those of the indices where they stood
        axis = first + marks[0]
        x = x.movedim(tuple(range(axis, axis + count)), tuple(range(marks[0], marks[0] + count)))
    if marks[0]:
        y = apply(type(op)(tuple(range(count + 1)), op.label), x, counted(size, indices), *indices)
    else:
        y = apply(type(op)(tuple(range(count)), op.label), x, *indices)
    if not first:
        return y
    return y.movedim(tuple(range(1, spread)), tuple(range(1 + first, spread + first)))


@batches(IndexSum)
def index_sum(op: Any, size: int, marks: tuple[bool, ...], x: Any, *indices: Any) -> Any:
    places = op.places
    if any(index.value.dtype.kind == "b" for index in indices) or places != tuple(range(len(places))):
        return NotImplemented
    indices = together(size, marks[1:], indices)
    everywhere = type(op)((0, *[each + 1 for each in places]), (size, *op.shape))
    return apply(everywhere, aligned(size, marks[0], x), counted(size, indices), *indices)


def together(size: int, marks: tuple[bool, ...], indices: Any) -> tuple:
    """Return indices with the batch dimension first and one rank."""
    ndim = max(index.value.ndim - mark for index, mark in zip(indices, marks))
    return tuple([ranked(aligned(size, mark, index), True, ndim) for index, mark in zip(indices, marks)])


def counted(size: int, indices: tuple) -> Any:
    """Return the index of the batch itself, to go with `indices`."""
    return lift(np.arange(size).reshape(size, *(1,) * (indices[0].value.ndim - 1)))
