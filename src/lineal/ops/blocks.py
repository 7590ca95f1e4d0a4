"""Reductions of arrays block by block: native loops for large ones, and sums of many rows that NumPy would add one by one.

NumPy adds the numbers of a contiguous row by pairs, but rows onto rows one after the other: of 10⁶ float32 numbers in a column
the last digits of the sum are lost, one for each tenfold. Short blocks of rows, whose sums are added in float64, lose none.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.config import LARGE_ARRAY, LARGE_FORMULA
from lineal.base.dtypes import NARROW, computing
from lineal.base.spec import Axes

programs: Any = later.module("lineal.compiler.single.reductions")

TALL = 256
"""From how many rows on sums are taken by blocks."""
STEP, LENGTH = 32, 512
"""How many rows are added one after the other, and how long these are made, of several rows, at least."""


EXTREMES = (np.maximum, np.minimum)
"""What NumPy finds in one pass of vectors in whole arrays."""


def double(storage: np.dtype) -> np.dtype:
    """Return the dtype in which long sums, products and squares are taken: float64, complex128 for complex numbers."""
    return np.dtype(np.complex128 if storage.kind == "c" else np.float64)


def is_large(x: Any) -> bool:
    """Return whether x is an array of NumPy for whose reductions native loops pay."""
    return x.size >= LARGE_FORMULA and x.__class__ is np.ndarray


def blocked(ufunc: Any, x: np.ndarray, axes: Axes, wanted: np.dtype) -> Any:
    """Return x reduced over `axes`, which stay with size 1, as `wanted`; None where plain NumPy is as fast and as accurate."""
    sums, large = ufunc is np.add and wanted.kind in "fcV", is_large(x)
    if x.__class__ is not np.ndarray or not axes or not (large or (sums and rows_of(x, axes) >= TALL)):
        return None
    if ufunc is np.multiply and x.dtype.kind == "c" == wanted.kind:
        return by_halves(x, axes)
    if not x.flags.c_contiguous:
        return in_order(ufunc, x, axes, wanted, sums)
    if ufunc in EXTREMES and len(axes) == x.ndim and x.size < LARGE_ARRAY and x.dtype not in NARROW:
        return None
    y = programs.folded(ufunc, x, axes, wanted) if large else None
    if sums and x.dtype.kind == wanted.kind == "c" and large:
        parts = programs.folded(ufunc, x.view(x.dtype.type(0).real.dtype).reshape(*x.shape, 2), axes, wanted.type(0).real.dtype)
        y = None if parts is None else parts.view(wanted).reshape(parts.shape[:-1])
    return by_rows(x, axes, wanted) if y is None and sums else y


def by_halves(x: np.ndarray, axes: Axes) -> np.ndarray:
    """Return the products over `axes` of complex numbers, which NumPy multiplies one by one: one half by the other."""
    others = tuple([axis for axis in range(x.ndim) if axis not in axes])
    y = x.transpose(axes + others).reshape(rows_of(x, axes), -1)
    while len(y) > 1:
        half = len(y) // 2
        made = y[:half] * y[half : 2 * half]
        if len(y) % 2:
            made[0] *= y[-1]
        y = made
    return y.reshape([1 if axis in axes else size for axis, size in enumerate(x.shape)])


def rows_of(x: np.ndarray, axes: Axes) -> int:
    """Return how many numbers are added up to one."""
    return math.prod(x.shape[axis] for axis in axes)


def in_order(ufunc: Any, x: np.ndarray, axes: Axes, wanted: np.dtype, sums: bool) -> Any:
    """Return `blocked` of an array that is not contiguous: with its axes in the order of memory, copied if it has gaps."""
    if sums and 0 in x.strides and not x.flags.forc:
        return repeated(x, axes, wanted)
    if not sums and not x.flags.forc:
        return None
    turned, moved, back = in_memory_order(x, axes)
    y = blocked(ufunc, turned, moved, wanted)
    return None if y is None else y.transpose(back)


def in_memory_order(x: np.ndarray, axes: Axes) -> tuple[np.ndarray, Axes, Any]:
    """Return x in C order by the order of its axes, or as a copy; where `axes` are then; and the permutation back."""
    if x.flags.c_contiguous:
        return x, axes, tuple(range(x.ndim))
    order = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    back = tuple(order.index(axis) for axis in range(x.ndim))
    return np.ascontiguousarray(x.transpose(order)), tuple(sorted(back[axis] for axis in axes)), back


def repeated(x: np.ndarray, axes: Axes, wanted: np.dtype) -> Any:
    """Return the sums of an array that repeats itself along some axes: what is repeated is multiplied."""
    once = x[tuple(slice(0, 1) if step == 0 else slice(None) for step in x.strides)]
    times = math.prod(x.shape[axis] for axis in axes if x.strides[axis] == 0)
    within = computing(wanted)
    y = blocked(np.add, once, axes, within)
    y = np.add.reduce(once, axis=axes, dtype=within, keepdims=True) if y is None else y
    shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    return np.broadcast_to(y * within.type(times), shape).astype(wanted)


def by_rows(x: np.ndarray, axes: Axes, wanted: np.dtype) -> Any:
    """Return the sums over `axes` of an array in C order, of which the last that are side by side are taken by blocks."""
    end = max(axes) + 1
    begin = end
    while begin - 1 in axes:
        begin -= 1
    outer, n, inner = (math.prod(x.shape[a:b]) for a, b in ((0, begin), (begin, end), (end, x.ndim)))
    rest = tuple(axis for axis in axes if axis < begin)
    if (inner == 1 and not rest) or not outer or not inner:
        return None
    wide = double(wanted)
    y = stacked(x.reshape(outer, n, inner), computing(wanted), wide)
    y = y.reshape([1 if begin <= axis < end else size for axis, size in enumerate(x.shape)])
    return (np.add.reduce(y, axis=rest, dtype=wide, keepdims=True) if rest else y).astype(wanted)


def stacked(x: np.ndarray, within: Any, wide: np.dtype) -> np.ndarray:
    """Return the sums over the middle axis of (outer, n, inner), as `wide`: blocks of rows as `within`, then their sums.

    Several short rows are taken as one long one, which is faster.
    """
    outer, n, inner = x.shape
    if inner == 1:
        return np.add.reduce(x, axis=1, dtype=within).astype(wide)
    done, parts = 0, []
    while n - done >= 2 * STEP:
        fold = max(1, min(LENGTH // inner, (n - done) // STEP))
        count = (n - done) // (STEP * fold)
        block = x[:, done : done + count * STEP * fold].reshape(outer, count, STEP, fold * inner)
        parts.append(np.add.reduce(block, axis=2, dtype=within).reshape(outer, count * fold, inner))
        done += count * STEP * fold
    parts.append(x[:, done:])
    return sum_of(np.add.reduce(part, axis=1, dtype=wide) for part in parts)


def sum_of(parts: Any) -> Any:
    """Return arrays added up."""
    first, *others = parts
    for each in others:
        first = first + each
    return first
