"""Reductions: sums, products, extremes and where they are, truth, moments, norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.compiler.rules.elementwise import same
from lineal.compiler.rules.table import rule
from lineal.compiler.windows import Place, Window, dense
from lineal.ops.broadcasting import SumToShape
from lineal.ops.contraction.products import Dot
from lineal.ops.reductions.cumulative import CumSum
from lineal.ops.reductions.extremes import ArgExtreme, Extreme, ExtremeAt
from lineal.ops.reductions.moments import Std, Var, freedom
from lineal.ops.reductions.norms import VectorNorm
from lineal.ops.reductions.products import Prod
from lineal.ops.reductions.recurrences import CumProd, Recurrence
from lineal.ops.reductions.sums import Mean, Sum
from lineal.ops.reductions.truth import Truth


@rule(Sum)
def total(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = Σ x."""
    return low.reduce(x, op.axes, "add", y.storage, op.keepdim)


@rule(Prod)
def product(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = Π x."""
    return low.reduce(x, op.axes, "multiply", y.storage, op.keepdim)


@rule(Mean)
def mean(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = Σ x / n."""
    count = size(x, op.axes)
    whole = low.reduce(x, op.axes, "add", None, op.keepdim)
    return low.map(whole.shape, y.storage, lambda m, total: total / count, whole, label="mean")


def size(x: Window, axes: tuple[int, ...]) -> int:
    """Return how many elements are reduced to one."""
    return math.prod(x.shape[axis] for axis in axes)


@rule(SumToShape)
def sum_to_shape(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = x summed over what was broadcast."""
    lead = len(x.shape) - len(op.shape)
    axes = (*range(lead), *(lead + n for n, size in enumerate(op.shape) if size == 1 != x.shape[lead + n]))
    found = low.reduce(x, axes, "add")
    return Window(found.base, tuple(op.shape), dense(tuple(op.shape)))


@rule(Dot)
def dot(low: Any, op: Any, y: Any, a: Window, b: Window) -> Window | None:
    """y = Σ a b."""
    if a.base.dtype.kind != "f":
        return None
    both = low.map(a.shape, a.base.dtype, lambda m, a, b: a * b, a, b, label="mul")
    return low.reduce(both, (0,), "add")


@rule(Extreme)
def extreme(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = max x."""
    return low.reduce(x, op.axes, "maximum" if op.largest else "minimum", None, op.keepdim)


@rule(ExtremeAt)
def extreme_at(low: Any, op: Any, ys: Any, x: Window) -> tuple[Window, Window] | None:
    """y, index = max x and where it first is."""
    if not x.shape:
        return None
    kind = "maximum" if op.largest else "minimum"
    return low.reduce(x, (op.axis,), kind, None, op.keepdim), position(low, x, op.axis, op.largest, op.keepdim)


@rule(ArgExtreme)
def arg_extreme(low: Any, op: Any, y: Any, x: Window) -> Window | None:
    """y = where the first max x is."""
    if op.axis is not None and x.shape:
        return position(low, x, op.axis, op.largest, op.keepdim)
    count = math.prod(x.shape)
    flat = low.copy(x)
    found = position(low, Window(flat.base, (count,), (1,)), 0, op.largest, False)
    return Window(found.base, tuple(y.shape), (0,) * len(y.shape))


def position(low: Any, x: Window, axis: int, largest: bool, keepdim: bool) -> Window:
    """Return the first place along `axis` of the extreme element; a NaN is the extreme if there is one."""
    peak = low.reduce(x, (axis,), "maximum" if largest else "minimum", keepdim=True)
    count = x.shape[axis]
    formula = lambda m, x, top, place: m.where((x == top) | (x != x), place, count)
    marks = low.map(x.shape, np.int64, formula, x, peak, Place(axis), label="place")
    return low.reduce(marks, (axis,), "minimum", keepdim=keepdim)


@rule(Truth)
def truth(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = whether all (or some) x are not 0."""
    x = low.map(x.shape, np.bool_, lambda m, x: x != 0, x, label="truth")
    found = low.reduce(x, op.axes, "minimum" if op.every else "maximum", None, op.keepdim)
    return found if y.storage == np.bool_ else low.map(found.shape, y.storage, same, found, label="cast")


def variance(low: Any, op: Any, x: Window) -> Window:
    """Return Σ (x - mean)² / (n - correction)."""
    count = size(x, op.axes)
    free = freedom(count, op.correction)
    whole = low.reduce(x, op.axes, "add", keepdim=True)
    formula = lambda m, x, total: m.square(x - total / (count or math.nan))
    apart = low.map(x.shape, x.base.dtype, formula, x, whole, label="squares")
    found = low.reduce(apart, op.axes, "add", keepdim=op.keepdim)
    return low.map(found.shape, x.base.dtype, lambda m, total: total / free, found, label="var")


@rule(Var)
def var(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = the variance."""
    return variance(low, op, x)


@rule(Std)
def std(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = the root of the variance."""
    found = variance(low, op, x)
    return low.map(found.shape, x.base.dtype, lambda m, v: m.sqrt(v), found, label="std")


@rule(VectorNorm)
def norm(low: Any, op: Any, y: Any, x: Window) -> Window | None:
    """y = (Σ |x|ᵖ)^(1/p)."""
    p, dtype, axes = op.p, x.base.dtype, op.axes
    if dtype.kind != "f":
        return None
    if math.isinf(p):
        sizes = low.map(x.shape, dtype, lambda m, x: m.abs(x), x, label="abs")
        return low.reduce(sizes, axes, "maximum" if p > 0 else "minimum", keepdim=op.keepdim)
    inner, outer = {
        0: (lambda m, x: x != 0, None),
        1: (lambda m, x: m.abs(x), None),
        2: (lambda m, x: m.square(x), lambda m, s: m.sqrt(s)),
    }.get(p, (lambda m, x: m.power(m.abs(x), p), lambda m, s: m.power(s, 1 / p)))
    if outer is None:
        return low.reduce(low.map(x.shape, dtype, inner, x, label="power"), axes, "add", keepdim=op.keepdim)
    # powers of single precision stay in the range of double, where eager code takes the elements as parts of the largest
    wide = np.dtype(np.float64)
    powers = low.map(x.shape, wide, lambda m, x: inner(m, x.astype(wide)), x, label="power")
    found = low.reduce(powers, axes, "add", keepdim=op.keepdim)
    return low.map(found.shape, dtype, lambda m, s: outer(m, s).astype(dtype), found, label="root")


@rule(CumSum)
def cumsum(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = the sums of x so far."""
    return low.scan((x,), op.axis, lambda m, so_far, x: so_far + x, 0, op.back) if x.shape else x


@rule(CumProd)
def cumprod(low: Any, op: Any, y: Any, x: Window) -> Window | None:
    """y = the products of x so far."""
    return low.scan((x,), op.axis, lambda m, so_far, x: so_far * x, 1, op.back, op.exclusive) if x.shape else None


@rule(Recurrence)
def recurrence(low: Any, op: Any, y: Any, b: Window, a: Window) -> Window:
    """yᵢ = bᵢ + aᵢ yᵢ₋₁."""
    return low.scan((b, a), op.axis, lambda m, so_far, b, a: b + a * so_far, None, op.back)
