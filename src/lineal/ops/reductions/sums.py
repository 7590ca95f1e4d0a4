"""Sums and means."""

from __future__ import annotations

import functools
from typing import Any

from lineal.base import dtypes
from lineal.base.dtypes import Category
from lineal.base.spec import axes
from lineal.core import AbstractTensor, Op, apply
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import cast
from lineal.ops.front import store
from lineal.ops.structural.reshape import reshape

__all__ = ["sum"]

Axes = tuple[int, ...]


class Sum(Op):
    """y = Σ x over `axes`; x̄ = ȳ repeated along them."""

    axes: Axes
    keepdim: bool
    name = "Sum"

    def eager(self, xp, x):
        if len(self.axes) == x.ndim:
            y = xp.add.reduce(x, axis=None)
            return y.reshape((1,) * x.ndim) if self.keepdim else y
        return xp.add.reduce(x, axis=self.axes, keepdims=self.keepdim)

    def vjp(self, needs, g, y, x):
        return (spread(g, x.shape, self.axes, self.keepdim),)


_sum = functools.lru_cache(4096)(Sum)


def spread(g: AbstractTensor, shape: tuple[int, ...], axes: Axes, keepdim: bool) -> Any:
    """Return `g`, the shape `shape` reduced over `axes`, repeated along them: the adjoint of a sum."""
    if not keepdim and g.value.ndim:
        g = reshape(g, tuple(1 if place in axes else size for place, size in enumerate(shape)))
    return expand(g, shape)


def sum(  # noqa: A001
    input: AbstractTensor,  # noqa: A002
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    out: AbstractTensor | None = None,
) -> Any:
    """Return the sum over `dim` (all dimensions by default); integers and bool add up to int64."""
    if dtype is None and dtypes.BY_NUMPY[input.value.dtype].category < Category.FLOATING:
        dtype = dtypes.int64
    if dtype is not None:
        input = cast(input, dtype)  # noqa: A001
    y = apply(_sum(axes("sum", dim, input.value.ndim), keepdim), input)
    return y if out is None else store(y, out, "sum")
