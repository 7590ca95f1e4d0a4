"""Array kernels that add many sources into few places: what every gather's derivative spends its time on."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.platforms import array_module

_MANY = 1 << 15
"""From how many elements on columns are read natively."""
gathers: Any = later.module("lineal.codegen.gathers")
scatters: Any = later.module("lineal.codegen.scatters")

_FEW = 2048
"""Up to so many elements NumPy alone is as fast as native code, which moreover must be compiled or loaded."""


def add_rows(y: np.ndarray, rows: np.ndarray, source: np.ndarray) -> None:
    """Add source[i] to y[rows[i]] for all i; y is (N, inner) and C-contiguous, source (M, inner), rows within 0 … N-1."""
    inner = source.shape[1]
    if source.size == 0:
        return
    xp = array_module(y)
    if y.dtype.kind in "biu":
        xp.add.at(y, rows, source)
    elif inner == 1:
        add_counted(y.reshape(-1), rows, source.reshape(-1))
    elif source.size <= _FEW:
        places = (rows[:, None] * inner + ramp(xp, inner, 1, 0)).reshape(-1)
        add_counted(y.reshape(-1), places, source.reshape(-1))
    elif xp is not np or not scatters.rows_added(y, rows, source):
        xp.add.at(y, rows, source)


def add_counted(y: Any, places: np.ndarray, source: Any) -> None:
    """Add source[i] to y[places[i]], all of one dimension, with double accumulators."""
    xp = array_module(y)
    if places.size * 16 < y.size:
        # few sources: a histogram of all of y would cost more than the additions
        xp.add.at(y, places, source)
    elif y.dtype.kind == "c":
        add_counted(y.real, places, source.real)
        add_counted(y.imag, places, source.imag)
    elif places.size <= _FEW or xp is not np or not scatters.numbers_added(y, places, source):
        # -0.0 and not 0.0, which would take the sign of sums of nothing but -0.0
        totals = xp.full_like(y, -0.0, dtype=np.float64)
        xp.add.at(totals, places, source.astype(np.float64, copy=False))
        y[...] = y + totals


def is_long(y: Any, index: Any) -> bool:
    """Return whether native code pays for a pass over an index into y."""
    return index.size > _FEW and y.__class__ is np.ndarray and index.__class__ is np.ndarray


def read_along(x: Any, dim: int, index: Any) -> Any:
    """Return x[… index[… i …] …] along `dim`; no place is negative."""
    y = gathers.taken(np.ascontiguousarray(x), dim, index) if is_long(x, index) else None
    return array_module(x).take(x.reshape(-1), flat_places(x.shape, dim, index)) if y is None else y


def write_along(y: Any, dim: int, index: Any, source: Any) -> None:
    """Let y[… index[… i …] …] along `dim` be source[… i …]; y is C-contiguous, no place is negative."""
    if not is_long(y, index) or not gathers.put(y, dim, index, np.ascontiguousarray(source)):
        y.reshape(-1)[flat_places(y.shape, dim, index)] = source


def add_along_dim(y: Any, dim: int, index: Any, source: Any) -> None:
    """Add source[… i …] to y[… index[… i …] …] along `dim`; y is C-contiguous, no place is negative."""
    if y.dtype.kind == "c" and is_long(y, index):
        for mine, others in ((y.real, source.real), (y.imag, source.imag)):
            part = mine.copy()
            add_along_dim(part, dim, index, others)
            mine[...] = part
        return
    if is_long(y, index) and gathers.added(y, dim, index, np.ascontiguousarray(source)):
        return
    places = flat_places(y.shape, dim, index).reshape(-1)
    if y.dtype.kind in "fcV":
        add_counted(y.reshape(-1), places, source.reshape(-1))
    else:
        array_module(y).add.at(y.reshape(-1), places, source.reshape(-1))


def spread_along(index: np.ndarray, shape: tuple[int, ...], dim: int) -> np.ndarray:
    """Return a vector of places along `dim`, repeated along all other axes of an array of `shape`."""
    index = np.ascontiguousarray(index)
    whole = (*shape[:dim], index.size, *shape[dim + 1 :])
    return np.ndarray(whole, index.dtype, index, 0, tuple([index.itemsize * (axis == dim) for axis in range(len(shape))]))


def read_columns(x: np.ndarray, index: np.ndarray) -> np.ndarray | None:
    """Return x[…, index], of a C-contiguous x and a vector; None where NumPy has to do it."""
    if x.__class__ is not np.ndarray or x.ndim < 2 or index.ndim != 1 or x.size < _MANY:
        return None
    try:
        return gathers.taken(x, x.ndim - 1, spread_along(index, x.shape, x.ndim - 1))
    except IndexError:
        # a place that is counted from the end, or none
        return None


def write_lines(y: np.ndarray, index: np.ndarray, source: Any) -> bool:
    """Let y[…, index] be a source that broadcasts to it; return False where NumPy has to do it."""
    if not is_long(y, y):
        return False
    places = spread_along(index, y.shape, y.ndim - 1)
    try:
        return gathers.put(y, y.ndim - 1, places, np.ascontiguousarray(np.broadcast_to(source, places.shape)))
    except IndexError:
        # a place that is counted from the end, or none
        return False


def ramp(xp: Any, size: int, step: int, behind: int) -> Any:
    """Return 0, step, 2 step, … along an axis that so many follow."""
    return short_ramp(size, step, behind) if xp is np and size <= _FEW else made_ramp(xp, size, step, behind)


def made_ramp(xp: Any, size: int, step: int, behind: int) -> Any:
    return (xp.arange(size) * step).reshape((-1,) + (1,) * behind)


@functools.lru_cache(256)
def short_ramp(size: int, step: int, behind: int) -> np.ndarray:
    made = made_ramp(np, size, step, behind)
    made.flags.writeable = False
    return made


def flat_places(shape: tuple[int, ...], dim: int, index: np.ndarray) -> np.ndarray:
    """Return where, in a C-contiguous array of `shape`, the elements are that `index` names along `dim`; of index's shape."""
    xp, step = array_module(index), math.prod(shape[dim + 1 :])
    places = index * step if step != 1 else index.copy()
    step = 1
    for axis in range(len(shape) - 1, -1, -1):
        if axis != dim and index.shape[axis] > 1:
            places += ramp(xp, index.shape[axis], step, len(shape) - 1 - axis)
        step *= shape[axis]
    return places
