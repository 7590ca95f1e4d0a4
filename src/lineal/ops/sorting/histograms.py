"""Counts: of integers, and of numbers by bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base import results
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, Op, apply
from lineal.core.calling import public
from lineal.ops.conversion import dtype_of
from lineal.ops.front import require_tensor, store
from lineal.ops.promotion import unsupported
from lineal.ops.structural.reshape import reshape

__all__ = ["bincount", "histc", "histogram", "histogramdd"]


class Counting(Op):
    """An op whose output counts, and so has no derivative."""

    no_vjp = "counts: they change in steps"
    no_batch = "looped: it takes all numbers at once, without an axis"

    def vjp(self, needs, g, y, *xs):
        raise RuntimeError(f"{self.key.lower()}: the derivative is not implemented; detach() what goes into it")


class BinCount(Counting):
    """How often each of 0, 1, … occurs, or the sum of the weights of where it occurs."""

    least: int
    grad_name = "BincountBackward0"

    def eager(self, xp, x, weights=None):
        y = xp.bincount(x, weights, self.least)
        return y.astype(np.int64 if weights is None else np.float32 if weights.dtype == np.float32 else np.float64)


class HistC(Counting):
    """How many elements lie in each of `bins` equal bins between `low` and `high` (the extremes, if these are equal)."""

    bins: int
    low: float
    high: float
    grad_name = "HistcBackward0"
    no_lowering = "host step: counting"

    def eager(self, xp, x):
        low, high = bounds("histc", x, self.low, self.high, 1)
        inside = x[(x >= low) & (x <= high)]
        places = ((inside - low) * self.bins / (high - low)).astype(np.int64)
        return xp.bincount(xp.minimum(places, self.bins - 1), minlength=self.bins).astype(x.dtype)


class Edges(Counting):
    """The edges of `bins` equal bins between `low` and `high` (the extremes, if these are equal)."""

    bins: int
    low: float
    high: float
    grad_name = "HistogramBackward0"
    differentiable = False
    no_lowering = "host step: counting"

    def eager(self, xp, x):
        return xp.linspace(*bounds("histogram", x, self.low, self.high, 0.5), self.bins + 1, dtype=x.dtype)


class Histogram(Counting):
    """(counts, edges): how many of the rows' points lie in each cell between the sorted edges, the last edges included."""

    density: bool
    differentiable = False
    no_lowering = "host step: counting"

    def eager(self, xp, points, weights, *edges):
        shape = tuple(len(each) - 1 for each in edges)
        cell, inside = xp.zeros(len(points), np.int64), xp.ones(len(points), bool)
        for place, each in enumerate(edges):
            x = points[:, place]
            number = xp.searchsorted(each, x, "right") - 1
            number[x == each[-1]] = shape[place] - 1
            inside &= (number >= 0) & (number < shape[place])
            cell = cell * shape[place] + number
        count = xp.bincount(cell[inside], weights[inside] if weights.size else None, math.prod(shape))
        y = count.reshape(shape).astype(points.dtype)
        if self.density:
            y = y / y.sum()
            for place, each in enumerate(edges):
                y = y / xp.diff(each).reshape((-1,) + (1,) * (len(edges) - place - 1))
        return y.astype(points.dtype, copy=False)


def bounds(name: str, x: np.ndarray, low: float, high: float, margin: float) -> tuple[Any, Any]:
    """Return the range of the bins in x's dtype: the given one, or the extremes if it is empty, `margin` around equal ones."""
    if low == high and x.size:
        low, high = (x.dtype.type(each.item()) for each in (x.min(), x.max()))
    elif low == high:
        high = low + 1
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"{name}: range of [{low}, {high}] is not finite")
    if low == high:
        low, high = low - margin, high + margin
    return x.dtype.type(low), x.dtype.type(high)


@public
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Return how often each of 0, 1, … occurs in a vector of non-negative integers; with `weights`, their sums."""
    x = input.value
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x.size and x.min() < 0):
        raise RuntimeError(
            f"bincount: only supports 1-d non-negative integral inputs, got {dtype_of(input)} of shape {tuple(x.shape)}"
        )
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength should be >= 0, got {minlength}")
    if weights is None:
        return apply(BinCount(int(minlength)), input)
    if weights.value.shape != x.shape:
        raise RuntimeError(
            f"bincount: weights should be 1-d and have the same length as input, got shapes {weights.value.shape} and {x.shape}"
        )
    return apply(BinCount(int(minlength)), input, weights)


@public
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None) -> Tensor:
    """Return how many elements lie in each of `bins` bins of equal width from `min` to `max` (by default the extremes)."""
    _check_bins("histc", input, bins)
    if max < min:
        raise RuntimeError(f"histc: max must be larger than min, got min={min} and max={max}")
    y = apply(HistC(int(bins), float(min), float(max)), input)
    return y if out is None else store(y, out, "histc")


def _check_bins(name: str, x: AbstractTensor, bins: int) -> None:
    if x.value.dtype.kind != "f":
        raise unsupported(name, dtype_of(x))
    if bins <= 0:
        raise RuntimeError(f"{name}: bins must be > 0, got {bins}")


def edges_of(name: str, x: AbstractTensor, bins: Any, low: float, high: float) -> Any:
    """Return the edges of the bins of `x` as a tensor: the given ones, or of bins of equal width."""
    if isinstance(bins, AbstractTensor):
        return bins
    _check_bins(name, x, bins)
    return apply(Edges(int(bins), low, high), x)


@public
def histogram(
    input: Tensor,
    bins: Any,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
    out: Tensor | None = None,
) -> results.histogram:
    """Return the counts (weights' sums, densities) in bins, and the bins' edges; `bins` is a number or the sorted edges."""
    points = reshape(input, -1, 1)
    (counts, edges) = _histogram("histogram", points, [bins], range, weight, density)
    ys = (counts, edges[0])
    if out is not None:
        ys = tuple(store(y, target, "histogram") for y, target in zip(ys, out))
    return results.histogram(ys)


@public
def histogramdd(
    input: Tensor, bins: Any, *, range: Sequence[float] | None = None, weight: Tensor | None = None, density: bool = False
) -> results.histogramdd:
    """Return the counts of points (the last dimension of `input`) in cells, and the edges of the bins of each dimension."""
    if not require_tensor("histogramdd", input).ndim:
        raise RuntimeError("histogramdd: expected input with at least 1 dimension, got a 0-dim tensor")
    size = input.value.shape[-1]
    each = [bins] * size if isinstance(bins, int) else list(bins)
    if len(each) != size:
        raise RuntimeError(f"histogramdd: expected bins for {size} dimensions, got {len(each)}")
    points = reshape(input, -1, size)
    return results.histogramdd(_histogram("histogramdd", points, each, range, weight, density))


def _histogram(
    name: str, points: Any, bins: list, range: Sequence[float] | None, weight: Any, density: bool
) -> tuple[Any, tuple]:
    if points.value.dtype.kind != "f":
        raise unsupported(name, dtype_of(points))
    limits = [0.0, 0.0] * len(bins) if range is None else [float(each) for each in range]
    if len(limits) != 2 * len(bins):
        raise RuntimeError(f"{name}: expected a range of {2 * len(bins)} numbers, got {len(limits)}")
    if weight is not None and weight.value.size != points.value.shape[0]:
        raise RuntimeError(f"{name}: expected one weight per point, got shapes {weight.value.shape} and {points.value.shape}")
    edges = tuple(
        edges_of(name, points.select(1, place), each, *limits[2 * place : 2 * place + 2]) for place, each in enumerate(bins)
    )
    weights = points.new_empty(0) if weight is None else weight.reshape(-1)
    return apply(Histogram(bool(density)), points, weights, *edges), edges
