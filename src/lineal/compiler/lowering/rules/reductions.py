"""Reductions: sums, products, extremes and where they are, truth, moments, norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.codegen.kinds import kind_of
from lineal.compiler.lowering.halves import rounded
from lineal.compiler.lowering.rules.elementwise import same
from lineal.compiler.lowering.rules.indexing import added, along, still
from lineal.compiler.lowering.rules.structural import index_along, over, part, zeros
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView, Chosen, Place
from lineal.ops.reductions import picking
from lineal.ops.reductions.cumulative import CumSum
from lineal.ops.reductions.extremes import ArgExtreme, Extreme, ExtremeAt
from lineal.ops.reductions.moments import Std, Var, freedom
from lineal.ops.reductions.norms import VectorNorm
from lineal.ops.reductions.products import Prod
from lineal.ops.reductions.recurrences import CumProd, Recurrence, Shift
from lineal.ops.reductions.standardising import Centred, InverseSpread
from lineal.ops.reductions.sums import Mean, Sum
from lineal.ops.reductions.truth import Truth


@lowers(Sum, narrow=True)
def total(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = Σ x."""
    return rounded(low, low.reduce(x, op.axes, "add", kind_of(y.storage).computed.dtype, op.keepdim), y.storage)


@lowers(Prod)
def product(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = Π x."""
    return low.reduce(x, op.axes, "multiply", y.storage, op.keepdim)


@lowers(Mean, of=FLOATS, narrow=True)
def mean(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = Σ x / n."""
    count = size(x, op.axes)
    whole = low.reduce(x, op.axes, "add", None, op.keepdim)
    return low.map(whole.shape, y.storage, lambda m, total: total / count, whole, label="mean")


def size(x: BufferView, axes: tuple[int, ...]) -> int:
    """Return how many elements are reduced to one."""
    return math.prod(x.shape[axis] for axis in axes)


@lowers(Extreme)
def extreme(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = max x."""
    return low.reduce(x, op.axes, "maximum" if op.largest else "minimum", None, op.keepdim)


@lowers(ExtremeAt, where="at least one dimension")
def extreme_at(low: Any, op: Any, ys: Any, x: BufferView) -> tuple[BufferView, BufferView] | None:
    """y, index = max x and where it first is."""
    if not x.shape:
        return None
    kind = "maximum" if op.largest else "minimum"
    return low.reduce(x, (op.axis,), kind, None, op.keepdim), position(low, x, op.axis, op.largest, op.keepdim)


@lowers(ArgExtreme)
def arg_extreme(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = where the first max x is."""
    if op.axis is not None and x.shape:
        return position(low, x, op.axis, op.largest, op.keepdim)
    count = math.prod(x.shape)
    flat = low.copy(x)
    found = position(low, BufferView(flat.buffer, (count,), (1,)), 0, op.largest, False)
    return BufferView(found.buffer, tuple(y.shape), (0,) * len(y.shape))


def position(low: Any, x: BufferView, axis: int, largest: bool, keepdim: bool) -> BufferView:
    """Return the first place along `axis` of the extreme element; a NaN is the extreme if there is one."""
    peak = low.reduce(x, (axis,), "maximum" if largest else "minimum", keepdim=True)
    count = x.shape[axis]
    formula = lambda m, x, top, place: m.where((x == top) | (x != x), place, count)
    marks = low.map(x.shape, np.int64, formula, x, peak, Place(axis), label="place")
    return low.reduce(marks, (axis,), "minimum", keepdim=keepdim)


@lowers(Truth)
def truth(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = whether all (or some) x are not 0."""
    x = low.map(x.shape, np.bool_, lambda m, x: x != 0, x, label="truth")
    found = low.reduce(x, op.axes, "minimum" if op.every else "maximum", None, op.keepdim)
    return found if y.storage == np.bool_ else low.map(found.shape, y.storage, same, found, label="cast")


def about(low: Any, x: BufferView, axes: tuple[int, ...]) -> BufferView:
    """Return x less its mean, which is found from how far all are from the first of them, and kept in two parts.

    Of large numbers that are close to each other, the sum and the mean alone lose what tells them apart.
    """
    share, dtype = 1 / (size(x, axes) or math.nan), x.buffer.dtype
    one = tuple(1 if place in axes else count for place, count in enumerate(x.shape))
    if not size(x, axes):
        return x
    # of an infinite one no distances can be taken
    first = low.map(
        one, dtype, lambda m, x: m.where(x - x == 0, x, 0), BufferView(x.buffer, one, x.strides, x.offset), label="first"
    )
    apart = low.map(x.shape, dtype, lambda m, x, first: x - first, x, first, label="sub")
    whole = low.reduce(apart, axes, "add", keepdim=True)
    mean = low.map(one, dtype, lambda m, whole, first: whole * share + first, whole, first, label="mean")

    def rounding(m: Any, whole: Any, first: Any, mean: Any) -> Any:
        """Return what the mean has lost.   Knuth, TwoSum."""
        added = mean - first
        lost = (first - (mean - added)) + (whole * share - added)
        return m.where(lost == lost, lost, 0)

    rest = low.map(one, dtype, rounding, whole, first, mean, label="rest of the mean")
    return low.map(x.shape, dtype, lambda m, x, mean, rest: (x - mean) - rest, x, mean, rest, label="sub")


def variance(low: Any, op: Any, x: BufferView, last: Any) -> BufferView:
    """Return last(m, Σ (x - mean)² / (n - correction))."""
    free, dtype = freedom(size(x, op.axes), op.correction), x.buffer.dtype
    found = low.reduce(about(low, x, op.axes), op.axes, "squares", keepdim=op.keepdim, wide=True)
    formula = lambda m, total: last(m, total * (1 / free if free else math.inf)).astype(dtype)
    return low.map(found.shape, dtype, formula, found, label="var")


@lowers(Var, of=FLOATS)
def var(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = the variance."""
    return variance(low, op, x, same)


@lowers(Std, of=FLOATS)
def std(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = the root of the variance."""
    return variance(low, op, x, lambda m, v: m.sqrt(v))


@lowers(Centred, of=FLOATS)
def centred(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = x - mean."""
    return about(low, x, op.axes)


@lowers(InverseSpread, of=FLOATS)
def inverse_spread(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = 1 / √(mean x² + ε)."""
    share, dtype = 1 / (size(x, op.axes) or math.nan), x.buffer.dtype
    found = low.reduce(x, op.axes, "squares", keepdim=True, wide=True)
    formula = lambda m, total: (1 / m.sqrt(total * share + op.eps)).astype(dtype)
    return low.map(found.shape, dtype, formula, found, label="rsqrt")


@lowers(VectorNorm, of=FLOATS)
def norm(low: Any, op: Any, y: Any, x: BufferView) -> BufferView | None:
    """y = (Σ |x|ᵖ)^(1/p)."""
    p, dtype, axes = op.p, x.buffer.dtype, op.axes
    if dtype.kind != "f":
        return None
    if p == 2:
        found = low.reduce(x, axes, "squares", keepdim=op.keepdim, wide=True)
        if dtype == np.float64:
            check_range(low, op, x, found)
        return low.map(found.shape, dtype, lambda m, total: m.sqrt(total), found, label="sqrt")
    if p == 0:
        return low.reduce(low.map(x.shape, dtype, lambda m, x: x != 0, x, label="ne"), axes, "add", keepdim=op.keepdim)
    sizes = low.map(x.shape, dtype, lambda m, x: m.abs(x), x, label="abs")
    if p == 1:
        return low.reduce(sizes, axes, "add", keepdim=op.keepdim)
    top = low.reduce(sizes, axes, "maximum" if p > 0 else "minimum", keepdim=op.keepdim or not math.isinf(p))
    return top if math.isinf(p) else scaled_norm(low, op, sizes, top)


def check_range(low: Any, op: Any, x: BufferView, total: BufferView) -> None:
    """Leave sums of squares of which some may have left the range of float64 to eager code, which scales."""
    sizes = low.map(x.shape, x.buffer.dtype, lambda m, x: m.abs(x), x, label="abs")
    top = low.reduce(sizes, op.axes, "maximum", keepdim=op.keepdim)
    small = float(np.finfo(x.buffer.dtype).tiny / np.finfo(x.buffer.dtype).eps)
    inside = lambda m, total, top: ((total >= small) & (total < math.inf)) | (top == 0) | (top == math.inf) | (top != top)
    low.check(low.map(total.shape, np.bool_, inside, total, top, label="in range"))


def scaled_norm(low: Any, op: Any, sizes: BufferView, top: BufferView) -> BufferView:
    """Return (Σ sizesᵖ)^(1/p), computed of the parts of the largest size, of which no power overflows."""
    p, dtype, axes = op.p, sizes.buffer.dtype, op.axes
    top = low.map(top.shape, dtype, lambda m, top: m.where((top <= 0) | (top == math.inf), 1, top), top, label="peak")
    powers = low.map(sizes.shape, dtype, lambda m, x, top: m.power(x / top, p), sizes, top, label="power")
    total = low.reduce(powers, axes, "add", keepdim=True)
    found = low.map(top.shape, dtype, lambda m, total, top: m.power(total, 1 / p) * top, total, top, label="root")
    return found if op.keepdim else without(found, axes)


def without(x: BufferView, axes: tuple[int, ...]) -> BufferView:
    """Return a view without some axes of size 1."""
    kept = [place for place in range(len(x.shape)) if place not in axes]
    return BufferView(x.buffer, tuple(x.shape[n] for n in kept), tuple(x.strides[n] for n in kept), x.offset)


@lowers(CumSum)
def cumsum(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = the sums of x so far."""
    return low.scan((x,), op.axis, lambda m, a, b: a + b, 0, op.back, associative=True) if x.shape else x


@lowers(CumProd, where="at least one dimension")
def cumprod(low: Any, op: Any, y: Any, x: BufferView) -> BufferView | None:
    """y = the products of x so far."""
    return low.scan((x,), op.axis, lambda m, a, b: a * b, 1, op.back, op.exclusive, associative=True) if x.shape else None


@lowers(Recurrence)
def recurrence(low: Any, op: Any, y: Any, b: BufferView, a: BufferView) -> BufferView:
    """yᵢ = bᵢ + aᵢ yᵢ₋₁."""
    return low.scan((b, a), op.axis, lambda m, so_far, b, a: b + a * so_far, None, op.back)


@lowers(picking.Pick, where="one index for each number of the result")
def pick(low: Any, op: Any, y: Any, x: BufferView, index: BufferView) -> BufferView | None:
    """y = x at the index along an axis."""
    if index.shape != tuple(y.shape):
        return None
    chosen = Chosen(*along(still(low, x), op.axis, index, y.shape, True))
    return low.filled(y.shape, y.storage, same, chosen, label="pick")


@lowers(picking.Place)
def place(low: Any, op: Any, y: Any, g: BufferView, index: BufferView) -> BufferView:
    """y = zeros, g added at the index along an axis."""
    return added(low, op.axis, y, g, index, True)


@lowers(Shift, where="not empty")
def shift(low: Any, op: Any, y: Any, x: BufferView) -> BufferView | None:
    """y = x moved by one along an axis, zero where nothing moves in."""
    size, ndim = x.shape[op.axis], len(x.shape)
    shape = tuple(max(length - 1, 0) if n == op.axis else length for n, length in enumerate(x.shape))
    source, target = (1, 0) if op.back else (0, 1)
    block = low.block(y.shape, y.storage)
    if not size:
        return None
    place, moved = (part(each, index_along(op.axis, start, ndim), shape) for each, start in ((block, target), (x, source)))
    return over(low, block, zeros(low, y), place, moved)
