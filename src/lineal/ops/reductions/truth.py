"""Questions about all elements: all, any, how many are not zero, whether two tensors agree."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.layouts import dense
from lineal.base.signatures import Dims, Tensor
from lineal.base.spec import Axes, broadcast_shapes
from lineal.core import Op
from lineal.core.calling import public
from lineal.core.precision import widened
from lineal.ops.elementwise.comparison import eq, isclose, ne
from lineal.ops.front import require_tensor, store
from lineal.ops.reductions.front import doors, folded, hashable
from lineal.ops.reductions.sums import sum

__all__ = ["all", "any", "count_nonzero", "equal", "allclose"]


class Truth(Op):
    """y = whether every (or some) x over `axes` is not zero; bool, but uint8 of uint8."""

    axes: Axes
    keepdim: bool
    every: bool
    layout = dense
    differentiable = False
    no_vjp = "truth values"
    any_dtype = True

    def eager(self, xp, x):
        ufunc = xp.logical_and if self.every else xp.logical_or
        x = widened(x)
        y = folded(ufunc, x, self.axes, BOOL, truth_of)
        if y is None:
            y = ufunc.reduce(x, axis=self.axes, keepdims=self.keepdim)
        elif not self.keepdim:
            y = y.squeeze(self.axes)
        return y.astype(np.uint8) if x.dtype == np.uint8 else y

    def vjp(self, needs, g, y, x):
        return (None,)


BOOL = np.dtype(bool)


def truth_of(m: Any, x: Any) -> Any:
    """Return whether x is not zero."""
    return m.truth(x)


_truth = doors("all", Truth)


def truth(name: str, every: bool, input: Tensor, dim: Any, keepdim: bool, out: Tensor | None) -> Any:
    """Return whether every or some element over `dim` is not zero; of no dimensions, whether each is."""
    x = require_tensor(name, input)
    if dim is not None and hashable(dim) == ():
        y = ne(input, 0)
    else:
        y = _truth(dim, x.ndim, keepdim, every)(input)
    return y if out is None else store(y, out, name)


@public
def all(input: Tensor, dim: Dims | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return whether all elements over `dim` (all dimensions by default) are true, that is not zero."""
    return truth("all", True, input, dim, keepdim, out)


@public
def any(input: Tensor, dim: Dims | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return whether some element over `dim` (all dimensions by default) is true, that is not zero."""
    return truth("any", False, input, dim, keepdim, out)


@public
def count_nonzero(input: Tensor, dim: Dims | None = None) -> Tensor:
    """Return how many elements over `dim` (all dimensions by default) are not zero."""
    require_tensor("count_nonzero", input)
    return sum(ne(input, 0), dim)


def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape and the same elements."""
    a, b = require_tensor("equal", input), require_tensor("equal", other)
    return a.shape == b.shape and bool(all(eq(input, other)))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Return whether |input - other| ≤ atol + rtol × |other| everywhere."""
    broadcast_shapes("allclose", require_tensor("allclose", input).shape, require_tensor("allclose", other).shape)
    return bool(all(isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)))
