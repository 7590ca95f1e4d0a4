"""Expand and sum-to-shape, adjoint to each other; all broadcasting of inputs that need a derivative goes through them."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from lineal.base.dtypes import computing
from lineal.base.spec import Shape
from lineal.core import AbstractTensor, Op, apply
from lineal.ops.blocks import TALL, blocked
from lineal.ops.layout import restride


class Expand(Op):
    """y = x repeated along new leading axes and axes of size 1, without copying; x̄ = ȳ summed over the repeats."""

    shape: Shape
    aliasing = "view"

    def eager(self, xp, x):
        if type(x) is not np.ndarray and xp is np:
            # what is recorded
            return np.broadcast_to(x, self.shape)
        lead, steps = repeats(x.shape, self.shape)
        return restride(x, self.shape, lead + tuple(map(operator.mul, x.strides, steps)))

    def vjp(self, needs, g, y, x):
        return (sum_to_shape(g, x.shape),)


@functools.lru_cache(4096)
def repeats(given: Shape, shape: Shape) -> tuple[Shape, Shape]:
    """Return the strides of the axes before `given` in `shape`, and for each given axis 0 if it is repeated, otherwise 1."""
    lead = len(shape) - len(given)
    return (0,) * lead, tuple([int(not size == 1 != wanted) for size, wanted in zip(given, shape[lead:])])


class SumToShape(Op):
    """y = x summed over leading axes and over axes where `shape` has size 1; x̄ = ȳ expanded."""

    shape: Shape
    grad_name = "SumToSizeBackward0"

    def eager(self, xp, x):
        return summed_to(xp, x, self.shape)

    def vjp(self, needs, g, y, x):
        return (expand(g, x.shape),)


def summed_to(xp: Any, x: Any, shape: Shape) -> Any:
    """Return an array summed over leading axes and over axes where `shape` has size 1."""
    axes = axes_left(x.shape, shape)
    y = blocked(xp.add, x, axes, x.dtype) if x.size >= TALL else None
    if y is None:
        y = xp.add.reduce(x, axis=None if len(axes) == x.ndim else axes, dtype=computing(x.dtype)).astype(x.dtype, copy=False)
    return y.reshape(shape)


@functools.lru_cache(4096)
def axes_left(given: Shape, shape: Shape) -> Shape:
    """Return the axes of `given` over which a sum of `shape` goes."""
    lead = len(given) - len(shape)
    return tuple(range(lead)) + tuple([lead + place for place, size in enumerate(shape) if size == 1 != given[lead + place]])


_expand = functools.lru_cache(1024)(Expand)
_sum_to_shape = functools.lru_cache(1024)(SumToShape)


def expand(x: AbstractTensor, shape: Shape) -> Any:
    """Return the view of `x` with `shape`, which `x` must broadcast to; `x` itself if it has it."""
    return x if x.value.shape == shape else apply(_expand(shape), x)


def sum_to_shape(x: AbstractTensor, shape: Shape) -> Any:
    """Return `x` summed down to `shape`, which must broadcast to x's; `x` itself if it has it."""
    return x if x.value.shape == shape else apply(_sum_to_shape(shape), x)
