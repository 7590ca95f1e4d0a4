"""Bounds: whether indices lie within a dimension, said so that every reader of a trace looks again."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.platforms import FOREIGN, array_module, platform_of
from lineal.core import AbstractTensor
from lineal.ops.premise import rely

__all__: list[str] = []

UNSIGNED = np.dtype(np.uint64)


def outside(index: np.ndarray, size: int, lowest: int = 0) -> int | None:
    """Return the first index that is not in lowest … size-1, or None if all are."""
    if index.size == 0 or (FOREIGN and not platform_of(index).numbers):
        return None
    if size == 0:
        return int(index.flat[0])
    # a negative number is a huge one without its sign: one pass instead of two
    if index.dtype == np.int64 and array_module(index).maximum.reduce(index.view(UNSIGNED), axis=None) < size:
        return None
    if index.min() >= lowest and index.max() < size:
        return None
    wrong = (index < lowest) | (index >= size)
    return int(index[wrong][0])


def stray(index: AbstractTensor, size: int, lowest: int = 0) -> int | None:
    """Return the first number of a tensor that is not in lowest … size-1; None, which is then relied upon, if all are."""
    wrong = outside(index.value, size, lowest)
    if wrong is None and index.value.size:
        x: Any = index
        rely(lambda: (x >= lowest) & (x < size))
    return wrong
