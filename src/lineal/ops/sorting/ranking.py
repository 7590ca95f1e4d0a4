"""Which places sort an array: stably, NaN last, and faster than a stable argsort.

A narrow number and its place fit into one 64-bit integer, and sorting integers is what NumPy does fastest; equal numbers
are then told apart by their place. Wide numbers are sorted by the fast, unstable argsort, which gives what the stable one
gives where no two numbers are equal.
"""

from __future__ import annotations

import numpy as np

from lineal.base import dtypes
from lineal.base.platforms import array_module

_SMALL = 512
"""Up to so many elements a stable argsort is as fast."""


def order(keys: np.ndarray, axis: int, descending: bool = False) -> np.ndarray:
    """Return the places that sort `keys` along `axis`; equal ones keep their order, NaN counts as the largest."""
    if keys.size > _SMALL:
        packed = _packed(keys, axis, descending)
        if packed is not None:
            packed.sort(axis=axis)
            packed &= np.uint64((1 << 32) - 1)
            return packed.view(np.int64)
    if not descending:
        return _ascending(keys, axis)
    xp = array_module(keys)
    backwards = _ascending(xp.flip(keys, axis), axis)
    return keys.shape[axis] - 1 - xp.flip(backwards, axis)


def _ascending(keys: np.ndarray, axis: int) -> np.ndarray:
    xp = array_module(keys)
    if keys.size > _SMALL and dtypes.of(keys.dtype).bits > 32:
        ranks = xp.argsort(keys, axis=axis)
        ordered = xp.moveaxis(xp.take_along_axis(keys, ranks, axis), axis, -1)
        # all NaN are last, and equal no other: two of them would end in `not <`, as equals do
        if (ordered[..., 1:] > ordered[..., :-1]).all():
            return ranks
    return xp.argsort(keys, axis=axis, kind="stable")


def _packed(keys: np.ndarray, axis: int, descending: bool) -> np.ndarray | None:
    """Return integers that hold a number's rank above its place; None if they do not fit."""
    size = keys.shape[axis]
    ranks = _narrow(keys) if size < 1 << 31 else None
    if ranks is None:
        return None
    if descending:
        ranks = ~ranks
    packed = ranks.astype(np.uint64)
    packed <<= np.uint64(32)
    packed |= array_module(keys).arange(size, dtype=np.uint64).reshape((-1,) + (1,) * (keys.ndim - axis - 1))
    return packed


def _narrow(keys: np.ndarray) -> np.ndarray | None:
    """Return 32-bit unsigned integers in the order of `keys`, all NaN the largest; None if the numbers are wider than that."""
    kind, bits = keys.dtype.kind, dtypes.of(keys.dtype).bits
    if kind in "bu" and bits <= 32:
        return keys.astype(np.uint32)
    if kind == "i" and bits <= 32:
        return keys.astype(np.int32).view(np.uint32) ^ np.uint32(1 << 31)
    if kind in "iu":
        low = keys.min()
        return (keys - low).astype(np.uint32) if int(keys.max()) - int(low) < 1 << 32 else None
    if kind != "f" or bits > 32:
        return None
    narrow = keys.astype(np.float32) + np.float32(0)  # makes -0 and 0 the same bits
    bits = narrow.view(np.uint32)
    # negative numbers order against their bits, the others above them
    ranks = bits ^ ((bits.view(np.int32) >> 31).view(np.uint32) | np.uint32(1 << 31))
    ranks[narrow != narrow] = np.uint32((1 << 32) - 1)
    return ranks
