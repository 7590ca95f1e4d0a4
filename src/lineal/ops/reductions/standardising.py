"""What standardises rows: the distance from the mean, and one over the spread. Their numbers are taken in float64.

Rounded to float32, a mean of 10⁶ is wrong by 0.03, and squares beyond 10³⁸ or below 10⁻⁴⁵ are lost.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.spec import Axes
from lineal.core import AbstractTensor, Op, apply
from lineal.core.opening import settled
from lineal.ops.blocks import double, in_memory_order, is_large
from lineal.ops.elementwise.arithmetic import neg
from lineal.ops.reductions.front import count, folded, reduced
from lineal.ops.reductions.sums import mean

__all__: list[str] = []


def distances(xp: Any, x: Any, axes: Axes) -> Any:
    """Return x less its mean over `axes`, in float64; numbers that are float64 already are rid of what their mean has lost."""
    wide, n = x.astype(double(x.dtype)), count(x.shape, axes) or np.nan
    wide -= xp.add.reduce(wide, axis=axes, keepdims=True) / n
    if wide.dtype == x.dtype:
        lost = xp.add.reduce(wide, axis=axes, keepdims=True) / n
        # less an infinite mean, the distances of finite numbers are infinite
        wide -= xp.where(xp.isfinite(lost), lost, 0)
    return wide


def squares(xp: Any, wide: Any, axes: Axes) -> Any:
    """Return Σ |x|² of float64 or complex128 numbers over `axes`, which stay with size 1; x is used up."""
    n, ndim = len(axes), wide.ndim
    if axes == tuple(range(ndim - n, ndim)) and wide.flags.c_contiguous:
        rows = wide.reshape((*wide.shape[: ndim - n], -1) if wide.size else (*wide.shape[: ndim - n], 0))
        return xp.vecdot(rows, rows).real.reshape((*wide.shape[: ndim - n], *(1,) * n))
    parts = wide.real * wide.real + wide.imag * wide.imag if wide.dtype.kind == "c" else xp.multiply(wide, wide, out=wide)
    return xp.add.reduce(parts, axis=axes, keepdims=True)


def squared_distances(xp: Any, x: Any, axes: Axes) -> Any:
    """Return Σ |x - mean|² over `axes`, which stay with size 1, in float64."""
    if is_large(x) and x.dtype.kind in "fV":
        x, axes, back = in_memory_order(x, axes)
        centre = reduced(xp.add, x, axes, True, double(x.dtype)) / count(x.shape, axes)
        y = folded(xp.add, x, axes, double(x.dtype), squared_distance, centre)
        return (squares(xp, x - centre, axes) if y is None else y).transpose(back)
    return squares(xp, distances(xp, x, axes), axes)


def squared_distance(m: Any, x: Any, centre: Any) -> Any:
    """Return (x - centre)²."""
    return m.square(x - centre)


def squared_sizes(xp: Any, x: Any, axes: Axes) -> Any:
    """Return Σ |x|² over `axes`, which stay with size 1, in float64."""
    if is_large(x) and x.dtype.kind in "fV":
        x, axes, back = in_memory_order(x, axes)
        y = folded(xp.add, x, axes, double(x.dtype), square)
        return (squares(xp, x.astype(double(x.dtype)), axes) if y is None else y).transpose(back)
    return squares(xp, x.astype(double(x.dtype)), axes)


def square(m: Any, x: Any) -> Any:
    """Return x² as float64."""
    return m.square(x.astype(np.float64))


class Centred(Op):
    """y = x - the mean of x over `axes`, its own adjoint, in which a mean rounded as the cotangents are does as well."""

    axes: Axes

    def eager(self, xp, x):
        return distances(xp, x, self.axes).astype(x.dtype)

    def vjp(self, needs, g, y, x):
        return (g - mean(g, self.axes, True),)


class InverseSpread(Op):
    """y = (Σ x² / n + ε)^(-1/2) over `axes`, which stay with size 1;  x̄ = -ȳ y³ x / n."""

    axes: Axes
    eps: float
    keeps = "0 y"

    def eager(self, xp, x):
        found = squared_sizes(xp, x, self.axes)
        found /= count(x.shape, self.axes) or np.nan
        found += self.eps
        return (1 / xp.sqrt(found)).astype(x.dtype)

    def vjp(self, needs, g, y, x):
        # in an order in which nothing is as small or as large as y³
        return (neg((x * y) * (g * y) * (y / count(x.value.shape, self.axes))),)


_centred, _inverse_spread = settled(Centred), settled(InverseSpread)


def centred(x: AbstractTensor, axes: Axes) -> Any:
    """Return x - the mean of x over `axes`."""
    return apply(_centred(axes), x)


def inverse_spread(x: AbstractTensor, axes: Axes, eps: float) -> Any:
    """Return 1 / √(mean x² + eps) over `axes`, which stay with size 1."""
    return apply(_inverse_spread(axes, float(eps)), x)
