"""Array kernels that add many sources into few places: what every gather's derivative spends its time on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.platforms import array_module

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
        places = (rows[:, None] * inner + xp.arange(inner)).reshape(-1)
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
        # a histogram begins with 0.0, which is not what -0.0 is where nothing else is added
        kept = negative_zeros(xp, y, places, source) if xp.signbit(y).any() else None
        y += xp.bincount(places, source.astype(np.float64, copy=False), y.size).astype(y.dtype)
        if kept is not None:
            y[kept] = -0.0


def negative_zeros(xp: Any, y: Any, places: Any, source: Any) -> Any:
    """Return where y is -0.0 and nothing but -0.0 is added to it."""
    kept = xp.signbit(y) & (y == 0)
    kept[places[~xp.signbit(source) | (source != 0)]] = False
    return kept


def flat_places(shape: tuple[int, ...], dim: int, index: np.ndarray) -> np.ndarray:
    """Return where, in a C-contiguous array of `shape`, the elements are that `index` names along `dim`; of index's shape."""
    xp, step = array_module(index), math.prod(shape[dim + 1 :])
    places = index * step if step != 1 else index.copy()
    step = 1
    for axis in range(len(shape) - 1, -1, -1):
        if axis != dim and index.shape[axis] > 1:
            places += (xp.arange(index.shape[axis]) * step).reshape((-1,) + (1,) * (len(shape) - 1 - axis))
        step *= shape[axis]
    return places
