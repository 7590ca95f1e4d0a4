"""Largest and smallest elements, and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from lineal.base import dtypes, results
from lineal.base.config import LARGE_ARRAY
from lineal.base.dtypes import NARROW
from lineal.base.layouts import dense
from lineal.base.signatures import Dims, Tensor
from lineal.base.spec import Axes, Axis, axes, axis
from lineal.core import AbstractTensor, Op, apply, renamed
from lineal.core.calling import public
from lineal.core.opening import settled
from lineal.core.precision import widened
from lineal.ops.elementwise.extremes import maximum, minimum
from lineal.ops.elementwise.masks import keep
from lineal.ops.front import require_tensor, row, store
from lineal.ops.promotion import unsupported
from lineal.ops.reductions.front import both, doors, folded, hashable, is_large, reduced, spread, unreduced
from lineal.ops.reductions.picking import place
from lineal.ops.reductions.sums import sum
from lineal.ops.structural.axes import unsqueeze

__all__ = ["amax", "amin", "aminmax", "max", "min", "argmax", "argmin"]

_attains = row("attains", lambda m, a, b: (a == b) | ((a != a) & (b != b)), None, None, result="bool")


class Extreme(Op):
    """y = the largest (or smallest) x over `axes`; x̄ = ȳ shared evenly by the elements that are equal to y."""

    axes: Axes
    keepdim: bool
    largest: bool
    whole: bool = False
    """Whether this is max or min of no dimensions named, which shows in the node's name only."""
    layout = dense
    keeps = "0 y"

    @property
    def grad_name(self) -> str:
        name = ("Max" if self.largest else "Min") if self.whole else "Amax" if self.largest else "Amin"
        return f"{name}Backward{int(self.whole)}"

    def eager(self, xp, x):
        return reduced(xp.maximum if self.largest else xp.minimum, x, self.axes, self.keepdim)

    def vjp(self, needs, g, y, x):
        shape = x.value.shape
        mask = _attains(x.detach(), spread(y.detach(), shape, self.axes, self.keepdim))
        share = unreduced(g, shape, self.axes, self.keepdim) / sum(mask, self.axes, True)
        return (keep(spread(share, shape, self.axes, True), mask),)


class ExtremeAt(Op):
    """y, index = the largest (or smallest) x along `axis` and where it first is; x̄ = ȳ placed at index."""

    axis: Axis
    keepdim: bool
    largest: bool
    layout = dense
    width, keeps, outputs_read = 2, "y", (1,)

    @property
    def grad_name(self) -> str:
        return "MaxBackward0" if self.largest else "MinBackward0"

    def eager(self, xp, x):
        if x.ndim == 0:
            return x.copy(), xp.zeros((), np.int64)
        top = reduced(xp.maximum if self.largest else xp.minimum, x, (self.axis,), True)
        index = position(xp, x, self.axis, self.keepdim, self.largest, top)
        return (top if self.keepdim else top.squeeze(self.axis)), index

    def vjp(self, needs, g, y, x):
        if not x.shape:
            return (g[0],)
        g, index = g[0], y[1].detach()
        if not self.keepdim:
            g, index = unsqueeze(g, self.axis), unsqueeze(index, self.axis)
        return (place(g, index, self.axis, x.shape[self.axis]),)


class ArgExtreme(Op):
    """y = where the first largest (or smallest) x is along `axis`, or in the flattened x."""

    axis: Axis | None
    keepdim: bool
    largest: bool
    layout = dense
    differentiable = False
    no_vjp = "places: whole numbers"

    def eager(self, xp, x):
        if self.axis is None:
            y = position(xp, x.reshape(-1), 0, False, self.largest)
            return y.reshape((1,) * x.ndim) if self.keepdim else y
        return position(xp, x, self.axis, self.keepdim, self.largest) if x.ndim else xp.zeros((), np.int64)

    def vjp(self, needs, g, y, x):
        return (None,)


def position(xp: Any, x: np.ndarray, axis: int, keepdim: bool, largest: bool, top: Any = None) -> Any:
    """Return the index of the first largest (or smallest) element along `axis`; a NaN counts as both.

    `top` are those elements, if they are known.
    """
    if is_large(x) and not by_vectors(x, axis):
        top = reduced(xp.maximum if largest else xp.minimum, x, (axis,), True) if top is None else top
        y = folded(xp.minimum, x, (axis,), INT64, first, top, place=axis)
        if y is not None:
            return y if keepdim else y.squeeze(axis)
    x = widened(x)
    return (xp.argmax if largest else xp.argmin)(x, axis=axis, keepdims=keepdim)


def by_vectors(x: np.ndarray, axis: int) -> bool:
    """Return whether NumPy finds places along an axis by vectors: elements lie side by side, and are not too many."""
    return axis == x.ndim - 1 and x.flags.c_contiguous and x.size < LARGE_ARRAY and x.dtype not in NARROW


INT64 = np.dtype(np.int64)


def first(m: Any, x: Any, top: Any, place: Any) -> Any:
    """Return the place of an x that is the largest (or smallest) of all, a number greater than all places of another."""
    return m.where((x == top) | (x != x), place, np.iinfo(np.int64).max)


_extreme = doors("amax", Extreme)
_at, _arg = settled(ExtremeAt, 4096), settled(ArgExtreme, 4096)


def check_reducible(name: str, x: np.ndarray, dim: Any, whole: type[Exception] = RuntimeError) -> None:
    """Refuse complex input, and reducing no elements: there is no largest of nothing."""
    if x.dtype.kind == "c":
        raise unsupported(name, dtypes.of(x.dtype))
    if x.size:
        return
    if dim is None or dim == ():
        raise whole(f"{name}: Expected reduction dim to be specified for an empty tensor, got shape {list(x.shape)}")
    for each in axes(name, dim, x.ndim):
        if x.shape[each] == 0:
            raise IndexError(f"{name}: Expected reduction dim {each} to have non-zero size, got shape {list(x.shape)}")


def extreme(name: str, largest: bool, input: AbstractTensor, dim: Any, keepdim: bool) -> Any:
    """Return the largest or smallest elements over `dim`."""
    x = require_tensor(name, input)
    if x.size == 0 or x.dtype.kind == "c":
        check_reducible(name, x, hashable(dim))
    return _extreme(dim, x.ndim, keepdim, largest, name in ("max", "min"))(input)


@public
def amax(input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return the largest elements over `dim` (all dimensions by default); equal ones share the gradient."""
    y = extreme("amax", True, input, dim, keepdim)
    return y if out is None else store_same(y, out, "amax")


@public
def amin(input: Tensor, dim: Dims = (), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return the smallest elements over `dim` (all dimensions by default); equal ones share the gradient."""
    y = extreme("amin", False, input, dim, keepdim)
    return y if out is None else store_same(y, out, "amin")


def store_same(y: Any, out: AbstractTensor, name: str) -> Any:
    """Put `y` into `out`, which must have its dtype."""
    if out.value.dtype != y.value.dtype:
        raise RuntimeError(f"{name}: expected out to be {dtypes.of(y.value.dtype)}, got {dtypes.of(out.value.dtype)}")
    return store(y, out, name)


@public
def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Sequence[Tensor] | None = None
) -> results.aminmax:
    """Return the smallest and the largest elements along `dim` (of all dimensions by default)."""
    x = require_tensor("aminmax", input)
    if x.size == 0 and dim is None:
        raise RuntimeError(f"aminmax: cannot compute aminmax over an empty dimension, got shape {list(x.shape)}")
    found = tuple(renamed(extreme("aminmax", largest, input, dim, keepdim), "AminmaxBackward0") for largest in (False, True))
    if out is not None:
        found = tuple(store_same(y, each, "aminmax") for y, each in zip(found, out))
    return results.aminmax(found)


def extreme_at(name: str, largest: bool, input: AbstractTensor, dim: Any, keepdim: bool, out: Any) -> Any:
    """Return the largest or smallest elements along `dim` and where they are."""
    x = require_tensor(name, input)
    check_reducible(name, x, dim)
    found = apply(_at(axis(name, dim, x.ndim), bool(keepdim), largest), input)
    return (results.max if largest else results.min)(both(found, out, name))


@overload
def max(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
@overload
def max(input: Tensor, dim: int, keepdim: bool = False, *, out: Sequence[Tensor] | None = None) -> results.max: ...
@overload
def max(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
@public
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None, out: Any = None) -> Any:
    """Return the largest element; with `dim` the largest along it and where; with a tensor the greater of each two."""
    if other is None and isinstance(dim, AbstractTensor):
        other = dim
    if other is not None:
        return maximum(input, other, out=out)
    if dim is not None:
        return extreme_at("max", True, input, dim, keepdim, out)
    y = extreme("max", True, input, None, False)
    return y if out is None else store(y, out, "max")


@overload
def min(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
@overload
def min(input: Tensor, dim: int, keepdim: bool = False, *, out: Sequence[Tensor] | None = None) -> results.min: ...
@overload
def min(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
@public
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None, out: Any = None) -> Any:
    """Return the smallest element; with `dim` the smallest along it and where; with a tensor the lesser of each two."""
    if other is None and isinstance(dim, AbstractTensor):
        other = dim
    if other is not None:
        return minimum(input, other, out=out)
    if dim is not None:
        return extreme_at("min", False, input, dim, keepdim, out)
    y = extreme("min", False, input, None, False)
    return y if out is None else store(y, out, "min")


def arg_extreme(name: str, largest: bool, input: AbstractTensor, dim: int | None, keepdim: bool, out: Any) -> Any:
    """Return where the largest or smallest elements are."""
    x = require_tensor(name, input)
    check_reducible(name, x, dim, IndexError)
    if x.dtype.kind == "b":
        raise unsupported(name, dtypes.bool_)
    y = apply(_arg(None if dim is None else axis(name, dim, x.ndim), bool(keepdim), largest), input)
    return y if out is None else store(y, out, name)


@public
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return the index of the (first) largest element along `dim`, or in the flattened input."""
    return arg_extreme("argmax", True, input, dim, keepdim, out)


@public
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return the index of the (first) smallest element along `dim`, or in the flattened input."""
    return arg_extreme("argmin", False, input, dim, keepdim, out)
