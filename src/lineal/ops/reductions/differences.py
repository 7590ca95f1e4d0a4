"""Differences of neighbours, derivatives and integrals of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base.signatures import Dims, Tensor
from lineal.base.spec import axes, axis
from lineal.core import AbstractTensor, lift
from lineal.core.calling import public
from lineal.ops.elementwise.arithmetic import mul
from lineal.ops.front import require_tensor, store
from lineal.ops.reductions.cumulative import cumsum
from lineal.ops.reductions.front import is_one_op
from lineal.ops.reductions.sums import sum
from lineal.ops.reductions.terms import summed
from lineal.ops.structural.joining import cat
from lineal.ops.structural.reshape import clone, reshape
from lineal.ops.structural.slicing import narrow

__all__ = ["diff", "gradient", "trapezoid", "trapz", "cumulative_trapezoid"]


@public
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Return the n-th differences of neighbours along `dim`, of bool their exclusive or."""
    if require_tensor("diff", input).ndim == 0:
        raise RuntimeError("diff: expected at least one dimension, got a tensor of none")
    if n < 0:
        raise RuntimeError(f"diff: expected n of at least 0, got {n}")
    where = axis("diff", dim, input.value.ndim)
    parts = [each for each in (prepend, input, append) if each is not None]
    y = cat(parts, where) if n and len(parts) > 1 else input
    for _ in range(min(n, y.value.shape[where])):
        length = y.value.shape[where] - 1
        later, earlier = narrow(y, where, 1, length), narrow(y, where, 0, length)
        y = later.logical_xor(earlier) if y.value.dtype.kind == "b" else later - earlier
    y = clone(y) if y is input else y
    return y if out is None else store(y, out, "diff")


@public
def gradient(input: Tensor, *, spacing: Any = None, dim: Dims | None = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Return the derivatives of samples along each dimension of `dim`: central differences inside, one-sided at the edges.

    `spacing` is a distance, a sequence of one distance or one tensor of coordinates per dimension.
    """
    x = require_tensor("gradient", input)
    dims: Any = range(x.ndim) if dim is None else [dim] if hasattr(dim, "__index__") else dim
    where = [axis("gradient", each, x.ndim) for each in dims]
    axes("gradient", where, x.ndim)  # refuses a dimension given twice
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient: expected edge_order to be 1 or 2, got {edge_order}")
    if x.dtype.kind == "b" or str(x.dtype) == "uint8":
        raise RuntimeError(f"gradient: expected signed numbers, got {x.dtype}")
    steps = list(spacing) if isinstance(spacing, Sequence) else [1.0 if spacing is None else spacing] * len(where)
    if len(steps) != len(where):
        raise RuntimeError(f"gradient: expected spacing for {len(where)} dimensions, got {len(steps)}")
    return tuple(slopes(input, step, each, edge_order) for step, each in zip(steps, where))


def slopes(x: Tensor, step: Any, dim: int, edge_order: int) -> Any:
    """Return the derivatives along `dim` of samples a number `step` apart, or at the coordinates `step`."""
    points: Any = step
    n = x.value.shape[dim]
    if n < edge_order + 1:
        raise RuntimeError(f"gradient: expected at least {edge_order + 1} samples along dimension {dim}, got {n}")
    if isinstance(step, AbstractTensor) and step.value.ndim:
        if step.value.shape != (n,):
            raise RuntimeError(f"gradient: expected {n} coordinates for dimension {dim}, got shape {list(step.value.shape)}")
        gaps = reshape(diff(points), [-1 if place == dim else 1 for place in range(x.value.ndim)])
    else:
        gaps = None
    rises = diff(x, dim=dim) / (points if gaps is None else gaps)
    # the derivative of the parabola through three samples weighs each rise with the other gap
    count = n - 2
    left, right = narrow(rises, dim, 0, count), narrow(rises, dim, 1, count)
    if gaps is None:
        before = after = 0.5
    else:
        one, two = narrow(gaps, dim, 0, count), narrow(gaps, dim, 1, count)
        before, after = two / (one + two), one / (one + two)
    inside = left * before + right * after
    first, last = narrow(rises, dim, 0, 1), narrow(rises, dim, n - 2, 1)
    if edge_order == 2:
        # a parabola's mean slope over an interval is the mean of its slopes at the ends
        first, last = first * 2 - narrow(inside, dim, 0, 1), last * 2 - narrow(inside, dim, count - 1, 1)
    return cat([first, inside, last], dim)


@public
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """Return the integral along `dim` of samples y at the coordinates x, or dx apart, by the trapezoidal rule."""
    if x is None and y.value.ndim and is_one_op(y):
        where = axis("trapezoid", dim, y.value.ndim)
        return summed(mul.op, (where,), False, y, widths(y.value, 1 if dx is None else dx, where))
    return sum(pieces("trapezoid", y, x, dx, dim), dim)


def widths(y: np.ndarray, dx: float, where: int) -> Any:
    """Return what share samples dx apart along the axis `where` have in their integral."""
    n = y.shape[where]
    found = np.full([n if axis == where else 1 for axis in range(y.ndim)], dx if n > 1 else 0, y.dtype)
    ends = found.reshape(-1)[:: max(n - 1, 1)]
    ends *= 0.5
    return lift(found)


@public
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """Return the integrals up to each sample (from the second) along `dim` by the trapezoidal rule."""
    return cumsum(pieces("cumulative_trapezoid", y, x, dx, dim), dim)


def pieces(name: str, y: Tensor, x: Tensor | None, dx: float | None, dim: int) -> Any:
    """Return the area of each trapezoid along `dim`."""
    if require_tensor(name, y).dtype.kind == "b":
        raise RuntimeError(f"{name}: expected numbers, got bool")
    if x is not None and dx is not None:
        raise RuntimeError(f"{name}: expected x or dx, got both")
    where = axis(name, dim, y.value.ndim)
    if not y.value.ndim:
        raise RuntimeError(f"{name}: expected y with at least 1 dimension, got a 0-dim tensor")
    length = max(y.value.shape[where] - 1, 0)
    if x is None:
        width: Any = 1 if dx is None else dx
    else:
        width = gaps_along(name, y, x, where)
    total = narrow(y, where, min(1, y.value.shape[where]), length) + narrow(y, where, 0, length)
    return total * width / 2


def gaps_along(name: str, y: Tensor, x: Tensor, where: int) -> Any:
    """Return the distances of the coordinates x, shaped to go with y along the dimension `where`."""
    if x.value.ndim == 1:
        if x.value.shape[0] != y.value.shape[where]:
            raise RuntimeError(f"{name}: expected {y.value.shape[where]} coordinates, got {x.value.shape[0]}")
        return reshape(diff(x), [-1 if place == where else 1 for place in range(y.value.ndim)])
    place = where - y.value.ndim
    if x.value.ndim < -place or x.value.shape[place] != y.value.shape[where]:
        raise RuntimeError(f"{name}: expected x to go with y of shape {list(y.value.shape)}, got {list(x.value.shape)}")
    return diff(x, dim=place)


trapz = trapezoid
