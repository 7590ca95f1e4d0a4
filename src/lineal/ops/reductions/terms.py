"""Sums of what a row of elementwise ops makes, of large tensors in one pass; small ones, and traces, see the two ops."""

from __future__ import annotations

from typing import Any

from lineal.base.dtypes import computing
from lineal.base.spec import Axes
from lineal.core import AbstractTensor, Op, apply, modes
from lineal.core.op import Plan
from lineal.ops.elementwise.masks import keep
from lineal.ops.pattern import Elementwise
from lineal.ops.reductions.front import folded, reduced, shared, spread, unreduced

__all__: list[str] = []


class TermSum(Op):
    """y = Σ term(x, …) / n over `axes`, of tensors of one shape;  the cotangents are the term's, of ȳ / n repeated."""

    term: Elementwise
    axes: Axes
    keepdim: bool
    n: int
    grad_name = "SumBackward1"
    keeps = property(lambda self: self.term.keeps)  # type: ignore[assignment]
    no_batch = "never met: where somebody listens, other ops stand for it"
    no_lowering = "never met: where somebody listens, other ops stand for it"

    def plan(self, needs: tuple[bool, ...]) -> Plan:
        return self.term.plan(needs)

    def eager(self, xp, x, *others):
        within = computing(x.dtype)
        y = folded(xp.add, x, self.axes, within, self.term.scalar, *others) if x.flags.c_contiguous else None
        if y is None:
            y = reduced(xp.add, self.term.eager(xp, x, *others), self.axes, self.keepdim, within)
        elif not self.keepdim:
            y = y.reshape([size for axis, size in enumerate(x.shape) if axis not in self.axes])
        return (y if self.n == 1 else y / within.type(self.n)).astype(x.dtype, copy=False)

    def vjp(self, needs, g, y, *xs):
        g = g if self.n == 1 else shared(g, self.n)
        # NumPy repeats what nobody differentiates, once it meets x
        apart = modes.grad_enabled.get() or modes.recorder.get() is not None
        lie = spread if apart else unreduced
        return self.term.vjp(needs, lie(g, xs[0].shape, self.axes, self.keepdim), None, *xs)


SQUARED_DIFFERENCE = Elementwise(
    "squared_difference",
    lambda m, a, b: m.square(a - b),
    (lambda g, a, b: (a - b) * (g * 2), lambda g, a, b: (b - a) * (g * 2)),
)

NOT_NAN = Elementwise("not_nan", lambda m, x: m.where(x == x, x, 0), (lambda g, x: keep(g, x == x),))
"""Numbers, and 0 for what is none."""


def summed(term: Elementwise, axes: Axes, keepdim: bool, *xs: AbstractTensor, n: int = 1) -> Any:
    """Return Σ term(x, …) / n over `axes`, as one op."""
    return apply(TermSum(term, axes, keepdim, n), *xs)


def mean_of(term: Elementwise, reduction: str, *xs: AbstractTensor) -> Any:
    """Return the mean, or the sum, of the terms of tensors of one shape, as one op."""
    x = xs[0].value
    return summed(term, tuple(range(x.ndim)), False, *xs, n=x.size if reduction == "mean" else 1)
