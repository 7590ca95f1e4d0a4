"""Sliding windows of one dimension, a view, and its adjoint, which adds the windows up where they overlap."""

from __future__ import annotations

import functools

from lineal.base.signatures import Tensor
from lineal.base.spec import Axis, Shape, axis
from lineal.core import Op, apply
from lineal.ops.layout import restride
from lineal.ops.structural.axes import unsqueeze
from lineal.ops.structural.slicing import slice_view


class Unfold(Op):
    """y[…, i, …, k] = x[…, i · step + k, …], k < size, along axis `dim`; x̄ = the windows of ȳ added up."""

    dim: Axis
    size: int
    step: int
    aliasing = "view"

    def eager(self, xp, x):
        count = (x.shape[self.dim] - self.size) // self.step + 1
        shape = (*x.shape[: self.dim], count, *x.shape[self.dim + 1 :], self.size)
        stride = x.strides[self.dim]
        strides = (*x.strides[: self.dim], stride * self.step, *x.strides[self.dim + 1 :], stride)
        return restride(x, shape, strides)

    def vjp(self, needs, g, y, x):
        return (apply(_fold(self, x.shape), g),)


class Fold(Op):
    """y = the windows of x, as `view` takes them from a tensor of `shape`, added up where they lie; x̄ = the windows of ȳ."""

    view: Unfold
    shape: Shape
    grad_name = "UnfoldBackwardBackward0"
    no_batch = "looped: strides and offset are those of the memory of one example"

    def eager(self, xp, x):
        y = xp.zeros(self.shape, x.dtype)
        dim, size, step = self.view.dim, self.view.size, self.view.step
        if step >= size:
            self.view.eager(xp, y)[...] = x
            return y
        before, count = (slice(None),) * dim, x.shape[dim]
        for place in range(size):
            y[(*before, slice(place, place + step * (count - 1) + 1, step))] += x[..., place]
        return y

    def vjp(self, needs, g, y, x):
        return (apply(self.view, g),)


_unfold = functools.lru_cache(1024)(Unfold)
_fold = functools.lru_cache(1024)(Fold)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Return the view of all windows of `size` in a dimension, `step` apart; the window is the new last dimension."""
    shape = input.value.shape
    place = axis("unfold", dimension, len(shape))
    length = shape[place] if shape else 1
    if size < 0:
        raise RuntimeError(f"unfold: size is {size} but must be >= 0")
    if size > length:
        raise RuntimeError(f"unfold: maximum size for tensor at dimension {place} is {length} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"unfold: step is {step} but must be > 0")
    if not shape:
        return slice_view(unsqueeze(input, 0), 0, 0, size)
    return apply(_unfold(place, size, step), input)


def overlap_add(windows: Tensor, step: int) -> Tensor:
    """Return the signal to which windows (…, count, size), `step` apart, add up along the last dimension."""
    *batch, count, size = windows.value.shape
    return apply(_fold(_unfold(len(batch), size, step), (*batch, size + step * (count - 1))), windows)
