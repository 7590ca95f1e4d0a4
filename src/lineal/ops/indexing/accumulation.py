"""Array kernels that add many sources into few places: what every gather's derivative spends its time on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.dtypes import computing, widened
from lineal.base.platforms import array_module
from lineal.ops.blocks import double

scipy: Any = later.module("scipy")

MANY = 256
"""From how many rows on that are added to one, they are added in float64."""
_FEW = 2048
"""Up to so many elements, NumPy alone is as fast as a sparse product, and SciPy's sparse matrices need not be loaded."""


def add_rows(y: np.ndarray, rows: np.ndarray, source: np.ndarray) -> None:
    """Add source[i] to y[rows[i]] for all i; y is (N, inner) and C-contiguous, source (M, inner), rows within 0 … N-1."""
    count, inner = source.shape
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
    elif xp is not np:
        xp.add.at(y, rows, source)
    elif count * 16 < len(y):
        add_runs(y, rows, source)
    else:
        y += product(rows, source, len(y)).astype(y.dtype, copy=False)


def product(rows: np.ndarray, source: np.ndarray, size: int) -> np.ndarray:
    """Return A @ source, where A (size, M) is sparse with one 1 per column, in row rows[i] of column i."""
    source = widened(source)
    if source.dtype.char in "fF" and rows.size >= MANY and np.bincount(rows).max() >= MANY:
        source = source.astype(double(source.dtype))
    columns = (np.ones(rows.size, source.dtype), rows, np.arange(rows.size + 1))
    return scipy.sparse.csc_array(columns, shape=(size, rows.size)) @ source


def add_counted(y: Any, places: np.ndarray, source: Any) -> None:
    """Add source[i] to y[places[i]], all of one dimension, with double accumulators."""
    xp = array_module(y)
    if places.size * 16 < y.size:
        # few sources: a histogram of all of y would cost more than the additions
        xp.add.at(y, places, source)
    elif y.dtype.kind == "c":
        y.real += xp.bincount(places, source.real, y.size)
        y.imag += xp.bincount(places, source.imag, y.size)
    else:
        y += xp.bincount(places, source.astype(np.float64, copy=False), y.size).astype(y.dtype)


def add_runs(y: np.ndarray, rows: np.ndarray, source: np.ndarray) -> None:
    """Add rows of `source` into rows of y: sorted by target, so that equal targets are runs."""
    order = np.argsort(rows, kind="stable")
    targets = rows[order]
    starts = np.flatnonzero(np.concatenate(([True], targets[1:] != targets[:-1])))
    if starts.size == rows.size:
        y[rows] += source
        return
    sums = np.add.reduceat(source[order], starts, axis=0, dtype=computing(y.dtype))
    y[targets[starts]] += sums.astype(y.dtype, copy=False)


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
