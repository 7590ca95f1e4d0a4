"""What sorting, ranking and voting along a dimension share: values taken from the input, and the places they come from."""

from __future__ import annotations

from abc import abstractmethod
from functools import lru_cache
from typing import Any

import numpy as np

from lineal.base import dtypes, later
from lineal.base.layouts import dense
from lineal.base.platforms import array_module
from lineal.base.results import Result
from lineal.base.spec import Axis
from lineal.base.spec import axis as as_axis
from lineal.core import AbstractTensor, Op, apply, lift, module_of
from lineal.core.door import Least
from lineal.ops.front import store

native: Any = later.module("lineal.codegen.selection")

MOST = 16
"""How many numbers are few; `codegen/selection.py` has them all beside each other."""
_least = Least(1 << 10)
FEW = 256
"""Up to so many elements sorting all of them is as fast as dividing them, and decides between equals by their place."""


class Selection(Op):
    """(y, i) with y = x taken at the places i along `axis`, no place twice; x̄ is ȳ put back there, zero elsewhere."""

    axis: Axis
    keepdim: bool
    layout = dense
    width, keeps, outputs_read = 2, "y", (1,)

    @abstractmethod
    def places(self, keys: np.ndarray) -> np.ndarray:
        """Return the places along `axis` to take, from keys that order as the input does."""

    def eager(self, xp, x):
        if not x.ndim:
            return x.copy(), xp.zeros((), np.int64)
        places = self.places(keys_of(x)).astype(np.int64, copy=False)
        values = at(x, places, self.axis)
        if self.keepdim:
            return values, places
        return values.squeeze(self.axis), places.squeeze(self.axis)

    def vjp(self, needs, g, y, x):
        values, places = g[0], y[1]
        if values is None or not x.ndim:
            return (values,)
        if not self.keepdim:
            values, places = values.unsqueeze(self.axis), places.unsqueeze(self.axis)
        return (lift(module_of(values).zeros(x.shape, x.storage)).scatter(self.axis, places, values),)


def leading(keys: np.ndarray, axis: int, count: int, largest: bool) -> np.ndarray | None:
    """Return where the few largest (or smallest) keys along `axis` are, the best first, of equal ones the first; None: sort."""
    size = keys.shape[axis]
    # each number that comes in is compared with all of the few: in short rows many come in
    few = 0 < count <= MOST and count <= size and (size <= FEW or size >= MOST * count)
    if not few or keys.__class__ is not np.ndarray or not _least.reached(keys.size):
        return None
    if axis == keys.ndim - 1:
        return native.leading(keys, count, largest)
    found = native.leading(np.moveaxis(keys, axis, -1), count, largest)
    return None if found is None else np.moveaxis(found, -1, axis)


def at(x: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
    """Return x at places along `axis`."""
    if x.__class__ is np.ndarray and axis == x.ndim - 1 and x.flags.c_contiguous and x.ndim < 3:
        return x.take(places) if x.ndim == 1 else x.take(places + beginnings(*x.shape))
    return array_module(x).take_along_axis(x, places, axis)


@lru_cache(16)
def beginnings(rows: int, size: int) -> np.ndarray:
    """Return where the rows of a matrix begin."""
    found = np.arange(0, rows * size, size)[:, None] if size else np.zeros((rows, 1), np.int64)
    # a constant, which nobody writes
    found.flags.writeable = False
    return found


def keys_of(x: np.ndarray) -> np.ndarray:
    """Return an array of a dtype that NumPy sorts, in the same order."""
    return x.astype(np.float32) if dtypes.of(x.dtype).extension else x


def is_nan(keys: np.ndarray) -> np.ndarray:
    """Return where `keys` are NaN."""
    return keys != keys


def sortable(name: str, x: AbstractTensor) -> None:
    """Refuse what has no order."""
    if not isinstance(x, AbstractTensor):
        raise TypeError(f"{name}: expected a tensor, got {type(x).__name__}")
    if x.value.dtype.kind == "c":
        raise RuntimeError(f"{name}: does not support complex inputs, got {dtypes.of(x.value.dtype)}")


def reduced_axis(name: str, x: AbstractTensor, dim: int) -> int:
    """Return `dim` as an axis that a value can be picked from; IndexError if it is empty."""
    sortable(name, x)
    place = as_axis(name, dim, x.value.ndim)
    if x.value.ndim and not x.value.shape[place]:
        raise IndexError(f"{name}: Expected reduction dim {dim} to have non-zero size, got shape {tuple(x.value.shape)}")
    return place


def picked(kind: type[Result], op: Op, x: AbstractTensor, out: Any = None) -> Any:
    """Return what `op` makes of `x`, its parts named as in `kind`."""
    ys = apply(op, x)
    if out is not None:
        ys = [store(y, target, kind.__name__) for y, target in zip(ys, out)]
    return kind(ys)
