"""Logarithms of sums of exponentials, and softmax."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from lineal.base import config, dtypes
from lineal.base.layouts import dense
from lineal.base.limits import finfo
from lineal.base.signatures import Dims, DType, Tensor
from lineal.base.spec import Axes, Axis
from lineal.core import AbstractTensor, Op, apply
from lineal.core.calling import public
from lineal.core.opening import settled
from lineal.ops.conversion import cast, dtype_of
from lineal.ops.elementwise.arithmetic import neg
from lineal.ops.elementwise.masks import drop
from lineal.ops.front import require_tensor, row, store
from lineal.ops.promotion import unsupported
from lineal.ops.reductions.front import RowOp, along, doors, spread, unreduced
from lineal.ops.reductions.recurrences import accumulated, recurrence, shift
from lineal.ops.reductions.sums import sum

__all__ = ["logsumexp", "logcumsumexp", "softmax", "log_softmax"]


class LogSumExp(RowOp):
    """y = log Σ exp x over `axes`;  x̄ = ȳ exp(x - y)*, zero where y is -∞."""

    axes: Axes
    keepdim: bool
    layout = dense
    grad_name = "LogsumexpBackward0"
    keeps = "0 y"

    @staticmethod
    def formula(m, x):
        top = m.row_max(x.real)
        top = m.where(m.isinf(top), 0, top)
        e = x - top
        return m.log(m.row_sum(m.exp(e, out=e))) + top

    def eager(self, xp, x):
        y: Any = super().eager(xp, x)
        return y if self.keepdim else y.squeeze(self.axes)

    def vjp(self, needs, g, y, x):
        shape = x.value.shape
        y = unreduced(y, shape, self.axes, self.keepdim)
        if y.value.dtype.kind != "c":
            y = drop(y, y.eq(-np.inf))
        y, g = spread(y, shape, self.axes, True), spread(g, shape, self.axes, self.keepdim)
        return (_share(g, x, y),)


_share = row(
    "logsumexp_backward",
    lambda m, g, x, top: g * m.exp(x - top).conj(),
    lambda h, x, top: _share(h, x.conj(), top.conj()),
    lambda h, g, x, top: _share(h.conj() * g, x, top),
    lambda h, g, x, top: -_share(h.conj() * g, x, top),
)


class AlongAxis(RowOp):
    """A formula over rows along `axis`."""

    axis: Axis
    layout = dense

    def __init__(self, axis: int):
        self.__dict__.update(axis=axis, axes=(axis,))


class Softmax(AlongAxis):
    """y = exp x / Σ exp x along `axis`;  x̄ = y (ȳ - Σ ȳ y)."""

    keeps = "y"

    @staticmethod
    def formula(m, x):
        e = x - m.row_max(x)
        e = m.exp(e, out=e)
        e /= m.row_sum(e)
        return e

    def vjp(self, needs, g, y, x):
        return (apply(_softmax_backward(self.axis), g, y),)


class SafeSoftmax(Softmax):
    """Softmax along `axis`, and zeros where all of x is -∞: what attention makes of a row all of whose keys are masked.

    The derivative is softmax's, which has zeros there too.
    """

    @staticmethod
    def formula(m, x):
        e = m.exp(x - m.maximum(m.row_max(x), float(np.finfo(x.dtype).min)))
        # the largest number gives 1, so that a sum of less than 1 has no numbers
        return e / m.maximum(m.row_sum(e), 1)


class SoftmaxBackward(AlongAxis):
    """z = y (g - Σ g y) along `axis`, symmetric in g;  ȳ = z̄ (g - Σ g y) - g Σ z̄ y."""

    keeps = ("1", "*")

    @staticmethod
    def formula(m, g, y):
        z = g - m.row_sum(g * y)
        z *= y
        return z

    def vjp(self, needs, h, z, g, y):
        by_g = apply(self, h, y)
        if not needs[1]:
            return by_g, None
        return by_g, h * (g - sum(g * y, self.axis, True)) - g * sum(h * y, self.axis, True)


class LogSoftmax(AlongAxis):
    """y = x - log Σ exp x along `axis`;  x̄ = ȳ - exp(y) Σ ȳ."""

    keeps = "y"

    @staticmethod
    def formula(m, x):
        y = x - m.row_max(x)
        y -= m.log(m.row_sum(m.exp(y)))
        return y

    def vjp(self, needs, g, y, x):
        return (apply(_log_softmax_backward(self.axis), g, y),)


class LogSoftmaxBackward(AlongAxis):
    """z = g - exp(y) Σ g along `axis`;  ḡ = z̄ - Σ z̄ exp(y),  ȳ = - z̄ exp(y) Σ g."""

    keeps = ("1", "*")

    @staticmethod
    def formula(m, g, y):
        e = m.exp(y)
        e *= m.row_sum(g)
        return g - e

    def vjp(self, needs, h, z, g, y):
        weighted = h * y.exp()
        by_g = h - sum(weighted, self.axis, True)
        return by_g, -weighted * sum(g, self.axis, True) if needs[1] else None


class LogCumSumExp(Op):
    """y = log of the sums of exp x up to each element along `axis`.

    x̄ᵢ = exp(xᵢ - yᵢ)* Rᵢ with Rᵢ = ȳᵢ + exp(yᵢ - yᵢ₊₁)* Rᵢ₊₁, whose factors are at most 1.
    """

    axis: Axis
    layout = dense
    grad_name = "LogcumsumexpBackward0"
    keeps = "0 y"
    no_lowering = "host step: a scan that carries two numbers"

    def eager(self, xp, x):
        if not x.ndim:
            return x.copy()
        if x.dtype.kind != "c":
            return accumulated(xp.logaddexp, x, self.axis)
        y = x.copy()
        steps = xp.moveaxis(y, self.axis, 0)[..., None]
        for before, here in itertools.pairwise(steps):
            here[...] = add_exponentials(xp, before, here)
        return y

    def vjp(self, needs, g, y, x):
        if not x.value.ndim:
            return (g,)
        if y.value.dtype.kind != "c":
            y = y.clamp(min=lowest(y.value.dtype))
        fall = shift(shift(y, self.axis, False) - y, self.axis, True)
        return ((x - y).exp().conj() * recurrence(g, fall.exp().conj(), self.axis, True),)


def lowest(storage: np.dtype) -> float:
    """Return the lowest finite number of a floating dtype: it stands for -∞ where differences are taken."""
    return finfo(dtypes.of(storage)).min


def add_exponentials(xp: Any, a: Any, b: Any) -> np.ndarray:
    """Return log(exp a + exp b) of complex arrays."""
    larger = a.real >= b.real
    high, low = xp.where(larger, a, b), xp.where(larger, b, a)
    return xp.where(xp.isinf(low.real) & (low.real < 0), high, high + xp.log1p(xp.exp(low - high)))


_softmax_backward, _log_softmax_backward = settled(SoftmaxBackward), settled(LogSoftmaxBackward)
_logsumexp = doors("logsumexp", LogSumExp)
_softmax = along("softmax", Softmax)
safe_softmax = along("softmax", SafeSoftmax)
_log_softmax = along("log_softmax", LogSoftmax)
_logcumsumexp = along("logcumsumexp", LogCumSumExp)


@public
def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return log Σ exp(input) over `dim` without overflow; integers are taken as the default dtype."""
    x = require_tensor("logsumexp", input)
    if x.dtype.kind in "iub":
        input = cast(input, config.defaults.dtype)
    y = _logsumexp(dim, x.ndim, keepdim)(input)
    return y if out is None else store(y, out, "logsumexp")


@public
def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """Return the logarithm of the sums of exp(input) up to each element along `dim`."""
    x = require_tensor("logcumsumexp", input)
    if x.dtype.kind in "iub":
        raise unsupported("logcumsumexp", dtype_of(input))
    y = _logcumsumexp(dim, x.ndim)(input)
    return y if out is None else store(y, out, "logcumsumexp", input)


def floating(name: str, input: AbstractTensor, wanted: DType | None) -> Any:
    """Return the input in the dtype `wanted`, which must be floating."""
    require_tensor(name, input)
    if wanted is not None:
        input = cast(input, dtypes.as_dtype(wanted))
    if input.value.dtype.kind not in "fV":
        raise unsupported(name, dtype_of(input))
    return input


@public
def softmax(input: Tensor, dim: int, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return exp(input) / Σ exp(input) along `dim`; with `dtype`, computed in it."""
    input = floating("softmax", input, dtype)
    y = _softmax(dim, input.value.ndim)(input)
    return y if out is None else store(y, out, "softmax")


@public
def log_softmax(input: Tensor, dim: int, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor:
    """Return log(softmax(input)) along `dim` without overflow; with `dtype`, computed in it."""
    input = floating("log_softmax", input, dtype)
    y = _log_softmax(dim, input.value.ndim)(input)
    return y if out is None else store(y, out, "log_softmax")


@public
def softmin(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """Return softmax(-input) along `dim`."""
    return softmax(neg(input), dim, dtype)
