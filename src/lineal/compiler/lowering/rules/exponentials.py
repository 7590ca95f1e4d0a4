"""Exponentials relative to their sum: softmax, its logarithm, log Σ exp, and their derivatives."""

from __future__ import annotations

import math
from typing import Any

from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.windows import Window
from lineal.ops.reductions.exponentials import LogSoftmax, LogSoftmaxBackward, LogSumExp, Softmax, SoftmaxBackward


def exponentials(low: Any, x: Window, axes: tuple[int, ...], guard: bool = False) -> tuple[Window, Window, Window]:
    """Return max x (0 where it is infinite, if to `guard`), exp(x - max x) and its sum, with the axes kept."""
    top = low.reduce(x, axes, "maximum", keepdim=True)
    if guard:
        top = low.map(top.shape, x.base.dtype, finite, top, label="peak")
    e = low.map(x.shape, x.base.dtype, lambda m, x, top: m.exp(x - top), x, top, label="exp")
    return top, e, low.reduce(e, axes, "add", keepdim=True)


def finite(m: Any, top: Any) -> Any:
    """Return what to subtract: 0 where the largest number is infinite."""
    return m.where(m.abs(top) == math.inf, 0, top)


@lowers(Softmax, of=FLOATS, where="at least one dimension")
def softmax(low: Any, op: Any, y: Any, x: Window) -> Window | None:
    """y = exp(x - max x) / Σ exp(x - max x)."""
    if not x.shape:
        return None
    _, e, whole = exponentials(low, x, (op.axis,))
    # one division a row; the product differs from a quotient in the last bit at most
    part = low.map(whole.shape, x.base.dtype, lambda m, total: 1.0 / total, whole, label="reciprocal")
    return low.map(x.shape, x.base.dtype, lambda m, e, part: e * part, e, part, label="mul")


@lowers(LogSoftmax, of=FLOATS, where="at least one dimension")
def log_softmax(low: Any, op: Any, y: Any, x: Window) -> Window | None:
    """y = x - max x - log Σ exp(x - max x)."""
    if not x.shape:
        return None
    top, _, whole = exponentials(low, x, (op.axis,))
    formula = lambda m, x, top, total: (x - top) - m.log(total)
    return low.map(x.shape, x.base.dtype, formula, x, top, whole, label="log_softmax")


@lowers(LogSumExp, of=FLOATS)
def logsumexp(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = max x + log Σ exp(x - max x)."""
    top, _, whole = exponentials(low, x, op.axes, guard=True)
    found = low.map(top.shape, x.base.dtype, lambda m, top, total: m.log(total) + top, top, whole, label="logsumexp")
    if op.keepdim:
        return found
    kept = [n for n in range(len(x.shape)) if n not in op.axes]
    return Window(found.base, tuple(found.shape[n] for n in kept), tuple(found.strides[n] for n in kept))


@lowers(SoftmaxBackward, of=FLOATS, where="at least one dimension")
def softmax_backward(low: Any, op: Any, z: Any, g: Window, y: Window) -> Window | None:
    """z = y (g - Σ g y)."""
    if not y.shape:
        return None
    both = low.map(y.shape, y.base.dtype, lambda m, g, y: g * y, g, y, label="mul")
    whole = low.reduce(both, (op.axis,), "add", keepdim=True)
    formula = lambda m, both, y, total: both - y * total
    return low.map(y.shape, y.base.dtype, formula, both, y, whole, label="softmax_backward")


@lowers(LogSoftmaxBackward, of=FLOATS, where="at least one dimension")
def log_softmax_backward(low: Any, op: Any, z: Any, g: Window, y: Window) -> Window | None:
    """z = g - exp(y) Σ g."""
    if not y.shape:
        return None
    whole = low.reduce(g, (op.axis,), "add", keepdim=True)
    formula = lambda m, g, y, total: g - m.exp(y) * total
    return low.map(y.shape, y.base.dtype, formula, g, y, whole, label="log_softmax_backward")
