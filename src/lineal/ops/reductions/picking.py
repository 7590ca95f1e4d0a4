"""Pick and place along an axis, adjoint to each other: the backward pass of ops whose output stood in the input."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.spec import Axis
from lineal.core import AbstractTensor, Op, apply


class Pick(Op):
    """y = x at `index` along `axis`; x̄ = ȳ placed there."""

    axis: Axis
    grad_name = "GatherBackward0"

    def eager(self, xp, x, index):
        return xp.take_along_axis(x, index, self.axis)

    def vjp(self, needs, g, y, x, index):
        return place(g, index, self.axis, x.shape[self.axis]), None

    keeps = "1"


class Place(Op):
    """y = zeros of `length` along `axis`, with g added at `index`; ḡ = ȳ picked there."""

    axis: Axis
    length: int
    grad_name = "ScatterAddBackward0"
    keeps = "1"

    def eager(self, xp, g, index):
        shape = list(g.shape)
        shape[self.axis] = self.length
        y = xp.zeros(shape, g.dtype)
        if g.shape[self.axis] == 1:
            xp.put_along_axis(y, index, g, self.axis)
            return y
        if xp is np and g.size and dtypes.of(g.dtype).is_floating_point:
            return added(g, index, self.axis, self.length)
        places = list(xp.ogrid[tuple(slice(size) for size in g.shape)])
        places[self.axis] = index
        xp.add.at(y, tuple(places), g)
        return y

    def vjp(self, needs, g, y, x, index):
        return pick(g, index, self.axis), None


def added(g: np.ndarray, index: np.ndarray, axis: int, length: int) -> np.ndarray:
    """Return zeros of `length` along `axis` with g added at `index`; sums are taken in float64 and rounded once."""
    outer, inner = math.prod(g.shape[:axis]), math.prod(g.shape[axis + 1 :])
    places = index.reshape(outer, -1, inner)
    if outer > 1:
        places = places + np.arange(0, outer * length, length)[:, None, None]
    if inner > 1:
        places = places * inner + np.arange(inner)
    y = np.bincount(places.reshape(-1), g.reshape(-1).astype(np.float64, copy=False), outer * length * inner)
    return y.astype(g.dtype, copy=False).reshape(*g.shape[:axis], length, *g.shape[axis + 1 :])


_pick = functools.lru_cache(1024)(Pick)
_place = functools.lru_cache(1024)(Place)


def pick(x: AbstractTensor, index: AbstractTensor, axis: int) -> Any:
    """Return x at the integers `index`, of x's shape except along `axis`."""
    return apply(_pick(axis), x, index)


def place(g: AbstractTensor, index: AbstractTensor, axis: int, length: int) -> Any:
    """Return zeros of `length` along `axis` with g added at `index`, which has g's shape."""
    return apply(_place(axis, length), g, index)
