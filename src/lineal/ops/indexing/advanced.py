"""Indexing by tensors: take the elements they name, put others there, add up what was taken twice."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from lineal.base.layouts import dense_steps, iterated, laid, steps
from lineal.base.platforms import array_module
from lineal.base.spec import Axes, Shape
from lineal.core import Op, apply
from lineal.core.op import Plan
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import number_beside
from lineal.ops.indexing.accumulation import (
    add_along_dim,
    add_counted,
    add_rows,
    is_long,
    read_columns,
    spread_along,
    write_lines,
)
from lineal.ops.indexing.bounds import outside
from lineal.ops.indexing.changing import Change

__all__: list[str] = []

LINES = 1 << 15
"""From how many elements on places along the last axis are written natively."""
DENSE = ("IndexSelect", "Embedding")
"""The functions whose results lie in C order whatever they read."""
SORTED = 1 << 16
"""From how many numbers on rows that are added to rows are sorted by the place they go to."""


def key_of(places: Axes, indices: Any) -> tuple:
    """Return the index as NumPy takes it."""
    if places == tuple(range(len(places))):
        return tuple(indices)
    key: list[Any] = []
    axis = 0
    for place, index in zip(places, indices):
        key += [slice(None)] * (place - axis)
        key.append(index)
        axis = place + width(index)
    return tuple(key)


def width(index: Any) -> int:
    """Return how many axes an index stands for: a mask for as many as it has."""
    return index.ndim if index.dtype.kind == "b" else 1


class Index(Op):
    """y = x[…, i, …, j, …] with indices (int64 or masks) at `places`; x̄ = ȳ added up where it was read."""

    places: Axes
    label: str
    """What PyTorch calls the function that it came from."""
    keeps = "*"
    any_dtype = True

    @property
    def grad_name(self) -> str:
        return f"{self.label}Backward0"

    def plan(self, needs):
        return _keep_indices(needs, 1)

    def layout(self, y, x, *indices):
        first, count = self.places[0], len(self.places)
        if self.label in DENSE or x.flags.c_contiguous:
            return y if y.flags.c_contiguous else laid(y, dense_steps(y.shape))
        if any(index.dtype.kind == "b" for index in indices) or self.places != tuple(range(first, first + count)):
            return y
        # x is walked with steps of 0 where it is read by indices, which lie along these axes
        behind, lead = x.ndim - first - count, y.ndim - x.ndim + count
        moving = (*steps(x)[:first], *(0,) * lead, *steps(x)[first + count :])
        along = [((*index.shape, *(1,) * behind), (*steps(index), *(1,) * behind)) for index in indices]
        return laid(y, iterated(y.shape, ((y.shape, moving), *along)))

    def eager(self, xp, x, *indices):
        try:
            if len(indices) == 1 and indices[0].dtype.kind != "b" and x.flags.c_contiguous:
                y = read_columns(x, indices[0]) if self.places[0] == x.ndim - 1 else None
                return xp.take(x, indices[0], axis=self.places[0]) if y is None else y
            y = x[key_of(self.places, indices)]
            # of indices without axes NumPy makes a view
            return y if any(index.ndim for index in indices) else xp.array(y)
        except IndexError as error:
            raise out_of_range(x.shape, self.places, indices, error) from None

    def vjp(self, needs, g, y, x, *indices):
        return (apply(_index_sum(self.places, x.shape), g, *indices), *[None] * len(indices))


class IndexSum(Op):
    """y = zeros of `shape`, then y[…, i, …, j, …] += x, repeated places adding up; x̄ = ȳ[…, i, …, j, …]."""

    places: Axes
    shape: Shape

    def plan(self, needs):
        return _keep_indices(needs, 1)

    def eager(self, xp, x, *indices):
        y = xp.full_like(x, 0, order="C", shape=self.shape)
        add_at(y, self.places, indices, x)
        return y

    def vjp(self, needs, g, y, x, *indices):
        return (apply(index_op(self.places, "Index"), g, *indices), *[None] * len(indices))


class IndexPut(Change):
    """y = x with y[…, i, …, j, …] = v, or += v; x̄ = ȳ (zeroed there if not +=), v̄ = ȳ[…, i, …, j, …]."""

    places: Axes
    accumulate: bool
    label: str
    """What PyTorch calls the function that it came from."""
    strided = True

    @property
    def grad_name(self) -> str:
        return f"{self.label}Backward0"

    @property
    def any_dtype(self) -> bool:
        return not self.accumulate

    def plan(self, needs):
        return _keep_indices(needs, 2 if needs[1] or not self.accumulate else len(needs))

    def change(self, y, v, *indices):
        try:
            if self.accumulate:
                add_at(y, self.places, indices, v)
            else:
                self.put(y, v, *indices)
        except IndexError as error:
            raise out_of_range(y.shape, self.places, indices, error) from None

    def put(self, y, v, *indices):
        """Write v to the places."""
        place, index = self.places[0], indices[0]
        lines = len(indices) == 1 and index.ndim == 1 and place == y.ndim - 1 and index.dtype.kind != "b"
        if lines and y.size >= LINES and y.flags.c_contiguous and write_lines(y, index, v):
            return
        y[key_of(self.places, indices)] = v

    def vjp(self, needs, g, y, x, v, *indices):
        g_x = g_v = None
        if needs[0]:
            g_x = g if self.accumulate else apply(self, g, expand(number_beside(g, 0), v.shape), *indices)
        if needs[1]:
            g_v = apply(index_op(self.places, "Index"), g, *indices)
        return (g_x, g_v, *[None] * len(indices))


index_op = functools.lru_cache(4096)(Index)
put_op = functools.lru_cache(4096)(IndexPut)
_index_sum = functools.lru_cache(4096)(IndexSum)


_plans: dict[tuple, Plan] = {}


def _keep_indices(needs: tuple[bool, ...], first: int) -> Any:
    found = _plans.get((needs, first))
    if found is None:
        found = _plans[needs, first] = Plan(set(map(str, range(first, len(needs)))), len(needs))
    return found


def add_at(y: np.ndarray, places: Axes, indices: Any, source: np.ndarray) -> None:
    """Add `source` to y[…, i, …, j, …], counting repeated places as often as they are named."""
    masks = [index.dtype.kind == "b" for index in indices]
    if all(masks):
        y[key_of(places, indices)] += source
        return
    if any(masks):
        places, indices = spelled_out(places, indices)
    key, xp = key_of(places, indices), array_module(y)
    if y.size == 0 or source.size == 0:
        y[key]  # nothing to add, but places outside are still refused
    elif y.dtype.kind in "biu" or not y.flags.c_contiguous:
        xp.add.at(y, key, source)
    elif len(indices) == 1:
        add_along(y, places[0], indices[0], source)
    elif places == tuple(range(len(places))):
        n = len(places)
        positive = [xp.where(index < 0, index + size, index) for index, size in zip(indices, y.shape)]
        rows = xp.ravel_multi_index(tuple(xp.broadcast_arrays(*positive)), y.shape[:n])
        inner = math.prod(y.shape[n:])
        add_rows(
            y.reshape(-1, inner), rows.reshape(-1), xp.broadcast_to(source, (*rows.shape, *y.shape[n:])).reshape(-1, inner)
        )
    else:
        spots = xp.arange(y.size).reshape(y.shape)[key]
        add_counted(y.reshape(-1), spots.reshape(-1), xp.ascontiguousarray(source).reshape(-1))


def spelled_out(places: Axes, indices: Any) -> tuple[Axes, list[np.ndarray]]:
    """Return an index with its masks replaced by the places where they are true."""
    axes: list[int] = []
    found: list[np.ndarray] = []
    for place, index in zip(places, indices):
        parts = index.nonzero() if index.dtype.kind == "b" else (index,)
        axes += range(place, place + len(parts))
        found += parts
    return tuple(axes), found


def add_along(y: np.ndarray, axis: int, index: np.ndarray, source: np.ndarray) -> None:
    """Add `source` to the C-contiguous y at `index` along one axis."""
    size = y.shape[axis]
    lead, inner = math.prod(y.shape[:axis]), math.prod(y.shape[axis + 1 :])
    xp, rows = array_module(index), index.reshape(-1)
    if outside(rows, size) is not None:
        if outside(rows, size, -size) is not None:
            raise IndexError("out of range")
        rows = xp.where(rows < 0, rows + size, rows)
    if is_long(y, source) and (lead > 1 or source.size < SORTED):
        around = (lead, size, inner)
        add_along_dim(y.reshape(around), 1, spread_along(rows, around, 1), source.reshape(lead, rows.size, inner))
        return
    if lead > 1:
        rows = (xp.arange(lead)[:, None] * size + rows).reshape(-1)
    add_rows(y.reshape(lead * size, inner), rows, source.reshape(-1, inner))


def out_of_range(shape: tuple[int, ...], places: Axes, indices: Any, error: Exception) -> IndexError:
    """Return the error that names the index which is out of bounds."""
    for place, index in zip(places, indices):
        size = shape[place]
        if index.dtype.kind != "b" and index.size:
            wrong = index[(index < -size) | (index >= size)]
            if wrong.size:
                return IndexError(f"index: index {wrong[0]} is out of bounds for dimension {place} with size {size}")
    return IndexError(f"index: {error}")
