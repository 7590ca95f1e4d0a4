"""Kernels of normalisations: moments of rows, standardised rows, and what their adjoint sums, for arrays.

Moments are taken in float64, in two passes. Large arrays pass native loops; where rows lie one after the other, all passes over
a row find it in cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.dtypes import NARROW
from lineal.base.spec import Axes, Shape
from lineal.core.precision import retyped, widened
from lineal.ops.blocks import is_large
from lineal.ops.reductions.front import count, folded, reduced

expressions: Any = later.module("lineal.compiler.single.expressions")
reductions: Any = later.module("lineal.compiler.single.reductions")

__all__: list[str] = []

FEW = 16
"""Numbers beside rows are repeated along other axes if that makes at most one of so many elements."""


@dataclass(frozen=True, eq=False)
class Lying:
    """How an input is seen: as an array of `shape`, whose rows are `axes`, beside weights of the shape `weights`."""

    shape: Shape
    axes: Axes
    weights: Shape
    given: Shape
    """The shape in which the weights are given."""
    statistics: Shape
    """The shape in which mean and variance are returned."""

    @cached_property
    def shared(self) -> Axes:
        """The axes of a row along which the weights stay the same."""
        return tuple([axis for axis in self.axes if self.weights[axis] == 1])

    @cached_property
    def weighted(self) -> Axes:
        """The axes of a row along which the weights change."""
        return tuple([axis for axis in self.axes if self.weights[axis] != 1])

    @cached_property
    def repeated(self) -> Axes:
        """The other axes along which the weights stay the same."""
        return tuple([axis for axis, size in enumerate(self.weights) if size == 1 and axis not in self.axes])

    @cached_property
    def length(self) -> int:
        """How many elements a row has."""
        return count(self.shape, self.axes)

    @cached_property
    def last(self) -> bool:
        """Whether rows lie one after the other in memory that lies in order."""
        return self.axes == tuple(range(len(self.shape) - len(self.axes), len(self.shape)))

    @cached_property
    def beside(self) -> bool:
        """Whether each row has a weight of its own, which its elements share."""
        return not self.weighted and not self.repeated

    @cached_property
    def along(self) -> bool:
        """Whether each element of a row has a weight of its own, which all rows share."""
        return math.prod(self.weights) == self.length and all(self.weights[axis] == self.shape[axis] for axis in self.axes)


def laid_out(shape: Shape, arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """Return arrays that broadcast to `shape`, repeated so that a loop over two axes reads them, where that takes little."""
    end = max([axis + 1 for each in arrays for axis, size in enumerate(each.shape) if size > 1], default=0)
    lead = shape[:end]
    if FEW * math.prod(lead) > math.prod(shape):
        return arrays
    whole = (*lead, *(1,) * (len(shape) - end))
    return [repeated(each, whole) for each in arrays]


def repeated(x: np.ndarray, shape: Shape) -> np.ndarray:
    """Return x broadcast to a shape, in memory of its own."""
    y = np.empty(shape, x.dtype)
    y[...] = x
    return y


def total(
    xp: Any, term: Callable[..., Any], arrays: Sequence[np.ndarray], axes: Axes, beside: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Return term(m, *arrays, *beside) summed over `axes`, which stay with size 1, in float64."""
    x, *others = arrays
    if is_large(x):
        y = folded(xp.add, x, axes, np.dtype(np.float64), term, *others, *laid_out(x.shape, beside))
        if y is not None:
            return y
    return reduced(xp.add, term(xp, *arrays, *beside), axes, True, np.dtype(np.float64))


def elements(xp: Any, formula: Callable[..., Any], arrays: Sequence[np.ndarray], beside: Sequence[np.ndarray]) -> np.ndarray:
    """Return formula(m, *arrays, *beside), element by element, in the dtype of the arrays."""
    x = arrays[0]
    y = expressions.mapped(formula, (*arrays, *beside), x.dtype) if is_large(x) else None
    return formula(xp, *arrays, *beside).astype(x.dtype, copy=False) if y is None else y


# what all ways of computing share


def unit(x: Any, high: Any, low: Any, r: Any) -> Any:
    """Return x̂ = (x - mean) r, the mean being in two parts."""
    return ((x - high) - low) * r


def pulled(h: Any, unit: Any, level: Any, slope: Any, r: Any) -> Any:
    """Return x̄ = r (h - mean h - x̂ mean (h x̂)), h being ȳ w, from the two means."""
    return (h - level - unit * slope) * r


# terms of sums


def distance(m: Any, x: Any, centre: Any) -> Any:
    """Return x - centre."""
    return x - centre


def squared_distance(m: Any, x: Any, *centre: Any) -> Any:
    """Return the square of x less the parts of a centre."""
    for part in centre:
        x = x - part
    return m.square(x)


def itself(m: Any, g: Any) -> Any:
    """Return g."""
    return g


def beside_unit(m: Any, g: Any, x: Any, high: Any, low: Any, r: Any) -> Any:
    """Return g x̂."""
    return g * unit(x, high, low, r)


def moments(xp: Any, x: np.ndarray, axes: Axes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean over `axes`, which stay with size 1, in two parts of x's dtype, and the variance in float64."""
    n = count(x.shape, axes) or math.nan
    high = reduced(xp.add, x, axes, True, np.dtype(np.float64)) / n
    if x.dtype != np.float64:
        variance = total(xp, squared_distance, (x,), axes, (high,)) / n
        rounded = high.astype(x.dtype)
        return rounded, (high - rounded).astype(x.dtype), variance
    low = total(xp, distance, (x,), axes, (high,)) / n
    # less an infinite mean, the distances of finite numbers are infinite
    low = xp.where(xp.isfinite(low), low, 0.0)
    return high, low, total(xp, squared_distance, (x,), axes, (high, low)) / n


# formulas of elements: x̂, its scaled forms, and the adjoint, h being ȳ w

SCALED = {
    "": lambda m, x, high, low, r: unit(x, high, low, r),
    "w": lambda m, x, high, low, r, w: unit(x, high, low, r) * w,
    "b": lambda m, x, high, low, r, b: unit(x, high, low, r) + b,
    "wb": lambda m, x, high, low, r, w, b: unit(x, high, low, r) * w + b,
}
SLOPES = {
    "": lambda m, g, x, high, low, r, level, slope: pulled(g, unit(x, high, low, r), level, slope, r),
    "w": lambda m, g, x, high, low, r, level, slope, w: pulled(g * w, unit(x, high, low, r), level, slope, r),
}


def normalised(
    xp: Any, lying: Lying, x: np.ndarray, terms: str, others: Sequence[np.ndarray], eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x̂ w + b, the mean and the variance of each row; `others` are those of w and b that `terms` names.

    Of half precisions mean and variance are float32.
    """
    if is_large(x):
        x, half = np.ascontiguousarray(x), x.dtype in NARROW
        made = row_by_row(FORWARD[half][terms], lying, (x,), others, [lying.shape], 2, eps)
        made = beside_rows(FORWARD[half][terms], lying, (x,), others, eps) if made is None else made
        if made is not None:
            return made
    if x.dtype in NARROW:
        y, centre, variance = normalised(xp, lying, widened(x), terms, [*map(widened, others)], eps)
        return retyped(y, x.dtype), centre, variance
    high, low, variance = moments(xp, x, lying.axes)
    r = (1 / xp.sqrt(variance + eps)).astype(x.dtype)
    y = elements(xp, SCALED[terms], (x,), (high, low, r, *[each.reshape(lying.weights) for each in others]))
    return y, high, variance.astype(x.dtype)


def pulled_back(
    xp: Any, lying: Lying, g: np.ndarray, x: np.ndarray, w: Sequence[np.ndarray], eps: float, free: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the cotangents of x, w and b from that of x̂ w + b; of half precisions those of w and b are float32.

    If there is neither w nor b, it is `free`, and their cotangents are none.
    """
    apart = free or lying.beside
    if is_large(x):
        g, x = np.ascontiguousarray(g), np.ascontiguousarray(x)
        sums, half = (lying.length,), x.dtype in NARROW
        made = row_by_row(BACKWARD[half]["w" if w else ""], lying, (g, x), w, [lying.shape, sums, sums], 0, eps)
        rows = beside_rows(BESIDE[half]["w" if w else ""], lying, (g, x), w, eps) if made is None and apart else None
        if rows is not None:
            none = np.zeros(lying.given, rows[1].dtype)
            made = rows if lying.beside else (rows[0], none, none)
        if made is not None:
            return made
    if x.dtype in NARROW:
        y, by_w, by_b = pulled_back(xp, lying, widened(g), widened(x), [*map(widened, w)], eps, free)
        return retyped(y, x.dtype), by_w, by_b
    high, low, variance = moments(xp, x, lying.axes)
    r = (1 / xp.sqrt(variance + eps)).astype(x.dtype)
    w = [each.reshape(lying.weights) for each in w]
    over = lambda z, axes: reduced(xp.add, z, axes, True) if axes else z
    sums_of = (total(xp, itself, (g,), lying.shared), total(xp, beside_unit, (g, x), lying.shared, (high, low, r)))
    n = lying.length or math.nan
    level, slope = [(over(z * w[0] if w else z, lying.weighted) / n).astype(x.dtype) for z in sums_of]
    by_x = elements(xp, SLOPES["w" if w else ""], (g, x), (high, low, r, level, slope, *w))
    by_b, by_w = [over(z, lying.repeated).astype(x.dtype) for z in sums_of]
    return by_x, by_w, by_b


def row_by_row(
    formula: Callable[..., Any],
    lying: Lying,
    arrays: Sequence[np.ndarray],
    others: Sequence[np.ndarray],
    shapes: list[Shape],
    singles: int,
    eps: float,
) -> Any:
    """Return what a formula makes of rows that lie in order, or None; beside rows, it gives sums over them or numbers of each.

    Sums over the rows are those of weights that lie along a row, and are given where there are no `singles`.
    """
    n = lying.length
    if not n or not lying.last or ((others or not singles) and not lying.along):
        return None
    given = [*(each.reshape(-1, n) for each in arrays), *(each.reshape(-1) for each in others)]
    return reductions.rowwise(formula, n, given, [*shapes, *[(arrays[0].size // n, 1)] * singles], n, eps)


def beside_rows(
    formula: Callable[..., Any], lying: Lying, arrays: Sequence[np.ndarray], others: Sequence[np.ndarray], eps: float
) -> Any:
    """Return what a formula makes of rows with a weight each, wherever they lie, and numbers of each; or None."""
    if not lying.length or (others and not lying.beside):
        return None
    weights = [each.reshape(lying.weights) for each in others]
    return reductions.along_rows(formula, lying.axes, arrays, weights, lying.length, eps)


# formulas over rows: x and g, then what there is of w and b, then the length of a row and ε


def standardised(m: Any, x: Any, n: Any, eps: Any, half: bool) -> tuple[Any, Any, Any, Any]:
    """Return x̂, 1 / √(variance + ε), the mean and the variance; numbers that were `half` precision have few digits to lose."""
    wide = x if half else x.astype(np.float64)
    centre = m.row_sum(wide) / n
    variance = m.row_sum(m.square(wide - centre)) / n
    r = (1 / m.sqrt(variance + eps)).astype(x.dtype)
    if half:
        return (x - centre) * r, r, centre, variance
    # a mean in two parts of the row's own dtype, the second being what the first is rounded by
    high = centre.astype(x.dtype)
    low = m.row_sum(x - high) / n if x.dtype == np.float64 else (centre - high).astype(x.dtype)
    return unit(x, high, low, r), r, high, variance.astype(x.dtype)


def scaled(m: Any, x: Any, w: Any, b: Any, n: Any, eps: Any, half: bool) -> tuple[Any, Any, Any]:
    """Return x̂ w + b, of which w and b may be None, the mean and the variance."""
    y, _, centre, variance = standardised(m, x, n, eps, half)
    y = y if w is None else y * w
    return y if b is None else y + b, centre, variance


def slopes(m: Any, g: Any, h: Any, x: Any, n: Any, eps: Any, half: bool) -> tuple[Any, Any, Any]:
    """Return the cotangent of x, h being ȳ w, and a row's shares in those of w and b."""
    y, r, _, _ = standardised(m, x, n, eps, half)
    return pulled(h, y, m.row_sum(h) / n, m.row_sum(h * y) / n, r), g * y, g


def own_slopes(m: Any, g: Any, x: Any, w: Any, n: Any, eps: Any, half: bool) -> tuple[Any, Any, Any]:
    """Return the cotangents of x, and of the row's own w, which may be None, and b."""
    y, r, _, _ = standardised(m, x, n, eps, half)
    by_b, by_w = m.row_sum(g), m.row_sum(g * y)
    level, slope = by_b / n, by_w / n
    return pulled(g, y, level, slope, r if w is None else r * w), by_w, by_b


def forward(half: bool) -> dict[str, Callable[..., Any]]:
    """Return the formulas of a normalisation by what there is of w and b."""
    return {
        "": lambda m, x, n, eps: scaled(m, x, None, None, n, eps, half),
        "w": lambda m, x, w, n, eps: scaled(m, x, w, None, n, eps, half),
        "b": lambda m, x, b, n, eps: scaled(m, x, None, b, n, eps, half),
        "wb": lambda m, x, w, b, n, eps: scaled(m, x, w, b, n, eps, half),
    }


def backward(half: bool) -> dict[str, Callable[..., Any]]:
    """Return the formulas of the adjoint, with and without w, which lies along the rows."""
    return {
        "": lambda m, g, x, n, eps: slopes(m, g, g, x, n, eps, half),
        "w": lambda m, g, x, w, n, eps: slopes(m, g, g * w, x, n, eps, half),
    }


def beside(half: bool) -> dict[str, Callable[..., Any]]:
    """Return the formulas of the adjoint, with and without a w that each row has for itself."""
    return {
        "": lambda m, g, x, n, eps: own_slopes(m, g, x, None, n, eps, half),
        "w": lambda m, g, x, w, n, eps: own_slopes(m, g, x, w, n, eps, half),
    }


FORWARD, BACKWARD, BESIDE = ((make(False), make(True)) for make in (forward, backward, beside))
"""The formulas, and those of half precisions."""
