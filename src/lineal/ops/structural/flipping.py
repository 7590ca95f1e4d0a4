"""Flip, roll and rotate: the elements of a dimension in another order. Each is the adjoint of one of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base.layouts import alike, suggested
from lineal.base.signatures import Tensor
from lineal.base.spec import Axes, axis
from lineal.core import Op, apply, renamed
from lineal.core.calling import public
from lineal.core.opening import settled
from lineal.ops.structural.axes import as_dims, transpose
from lineal.ops.structural.reshape import clone, reshape

__all__ = ["flip", "fliplr", "flipud", "roll", "rot90"]


class Flip(Op):
    """y = x with the order along `axes` reversed; x̄ = ȳ likewise."""

    axes: Axes

    layout = alike

    def eager(self, xp, x):
        return x[tuple([_BACKWARDS if place in self.axes else _ALL for place in range(x.ndim)])].copy()

    def vjp(self, needs, g, y, x):
        return (apply(self, g),)


class Roll(Op):
    """y = x moved by `shifts` along `axes`, what leaves at the end coming in at the start; x̄ = ȳ moved back."""

    shifts: tuple[int, ...]
    axes: Axes
    layout = suggested
    any_dtype = True

    def eager(self, xp, x):
        y = x
        for shift, place in zip(self.shifts, self.axes):
            size = y.shape[place]
            cut = size - shift % size if size else 0
            before = (slice(None),) * place
            y = xp.concatenate((y[(*before, slice(cut, None))], y[(*before, slice(None, cut))]), place)
        return x.copy() if y is x else y

    def vjp(self, needs, g, y, x):
        return (apply(_roll(tuple([-shift for shift in self.shifts]), self.axes), g),)


_ALL, _BACKWARDS = slice(None), slice(None, None, -1)
_flip, _roll = settled(Flip), settled(Roll)


@public
def flip(input: Tensor, *along: int | Sequence[int], dims: Any = None) -> Tensor:
    """Return a copy of input with the order along `dims` reversed."""
    along = along if dims is None else (dims,)
    given: Any = as_dims(along[0]) if len(along) == 1 else along
    ndim = input.value.ndim
    found = [axis("flip", dim, ndim) for dim in given]
    if len(set(found)) != len(found):
        raise RuntimeError(f"flip: dim {found[-1]} appears multiple times in the list of dims {given}")
    return apply(_flip(tuple(sorted(found)) if ndim else ()), input)


@public
def fliplr(input: Tensor) -> Tensor:
    """Return a copy of input with the order along dimension 1 reversed."""
    if input.value.ndim < 2:
        raise RuntimeError(f"fliplr: expected input to be >= 2-d, got shape {list(input.value.shape)}")
    return flip(input, 1)


@public
def flipud(input: Tensor) -> Tensor:
    """Return a copy of input with the order along dimension 0 reversed."""
    if input.value.ndim < 1:
        raise RuntimeError("flipud: expected input to be >= 1-d, got a 0-dim tensor")
    return flip(input, 0)


@public
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Return a copy of input moved by `shifts` along `dims`, around the ends; without dims, of the flattened input."""
    shifts, given = as_dims(shifts), () if dims is None else as_dims(dims)
    if not shifts:
        raise RuntimeError("roll: `shifts` required")
    if not given and len(shifts) == 1:
        shape = input.value.shape
        return renamed(
            reshape(apply(_roll(shifts, (0,)), reshape(input, (-1,) if input.value.size else (0,))), shape), "RollBackward0"
        )
    if len(shifts) != len(given):
        raise RuntimeError(f"roll: shifts and dimensions must align, got shifts {shifts} and dims {given}")
    if input.value.size == 0:
        return renamed(clone(input), "RollBackward0")
    if not input.value.ndim:
        raise IndexError("roll: Dimension specified as 0 but tensor has no dimensions")
    return renamed(apply(_roll(shifts, tuple([axis("roll", dim, input.value.ndim) for dim in given])), input), "RollBackward0")


@public
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Return a copy of input rotated by `k` times 90 degrees, from the first of `dims` towards the second."""
    ndim = input.value.ndim
    if len(dims) != 2:
        raise RuntimeError(f"rot90: expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"rot90: expected total dims >= 2, but got total dims = {ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == ndim:
        raise RuntimeError(f"rot90: expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    first, second = [rotated_axis(dim, ndim) for dim in dims]
    if k % 4 == 1:
        return renamed(transpose(flip(input, second), first, second), "Rot90Backward0")
    if k % 4 == 2:
        return renamed(flip(input, first, second), "Rot90Backward0")
    if k % 4 == 3:
        return renamed(transpose(flip(input, first), first, second), "Rot90Backward0")
    return renamed(clone(input), "Rot90Backward0")


def rotated_axis(dim: int, ndim: int) -> int:
    """Return `dim` as an axis; PyTorch's rot90 raises a RuntimeError where others raise an IndexError."""
    if not -ndim <= dim < ndim:
        raise RuntimeError(f"rot90: Rotation dim out of range, dim = {dim}")
    return int(np.mod(dim, ndim))
