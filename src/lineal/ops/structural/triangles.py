"""The lower and the upper triangle of matrices."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.devices import as_device
from lineal.base.signatures import Device, DType, Tensor
from lineal.core import AbstractTensor, Op, apply, lift
from lineal.core.calling import public
from lineal.ops.conversion import transferred
from lineal.ops.front import store
from lineal.ops.promotion import unsupported

__all__ = ["tril", "tril_indices", "triu", "triu_indices"]


@functools.lru_cache(64)
def below(rows: int, columns: int, diagonal: int) -> np.ndarray:
    """Return the mask of what lies on and below a diagonal."""
    mask = np.tri(rows, columns, diagonal, bool)
    mask.flags.writeable = False
    return mask


LEAST_TILED, MOST_TILED = 1 << 12, 1 << 11
"""From how many elements on, and up to which size of a matrix, a stack is masked as one row of bits (rows are short)."""


@functools.lru_cache(64)
def kept_bits(rows: int, columns: int, diagonal: int, upper: bool, whole: str) -> np.ndarray:
    """Return, for some matrices side by side, -1 where an element is kept and 0 elsewhere."""
    mask = ~below(rows, columns, diagonal - 1) if upper else below(rows, columns, diagonal)
    return np.tile(-mask.ravel().astype(whole), 1 + MOST_TILED // mask.size)


MOST_MASKED, BAND = 1 << 16, 64
"""Up to which size a matrix is masked as a whole, and so many rows at a time of larger ones."""


def masked_bits(x: np.ndarray, diagonal: int, upper: bool) -> np.ndarray:
    """Return what `masked` does for many small matrices of float32 or float64."""
    y = np.array(x, order="C")
    bits = kept_bits(*x.shape[-2:], diagonal, upper, f"i{x.itemsize}")
    flat = y.reshape(-1).view(bits.dtype)
    whole = flat.size - flat.size % bits.size
    rows, rest = flat[:whole].reshape(-1, bits.size), flat[whole:]
    rows &= bits
    rest &= bits[: rest.size]
    return y


def cut(xp: Any, band: Any, diagonal: int, upper: bool) -> None:
    """Zero what lies below a diagonal of some rows (`upper`) or above it: a block of them, and a triangle."""
    rows, columns = band.shape[-2:]
    begin, end = (min(max(place, 0), columns) for place in (diagonal, diagonal + rows))
    if upper:
        band[..., :begin] = 0
    else:
        band[..., end:] = 0
    triangle = band[..., begin:end]
    mask = below(rows, end - begin, diagonal - begin - upper)
    xp.copyto(triangle, xp.zeros((), band.dtype), where=xp.asarray(mask) if upper else ~xp.asarray(mask))


def masked(xp: Any, x: Any, diagonal: int, upper: bool) -> Any:
    """Return a copy of x with zeros below the diagonal (`upper`) or above it."""
    rows, columns = x.shape[-2:]
    if x.ndim > 2 and xp is np and x.dtype.char in "fd" and x.size >= LEAST_TILED and rows * columns <= MOST_TILED:
        return masked_bits(x, diagonal, upper)
    if rows * columns <= MOST_MASKED and xp is np and x.flags.c_contiguous:
        kept, gone = (x, np.zeros((), x.dtype))[:: -1 if upper else 1]
        return np.where(below(rows, columns, diagonal - upper), kept, gone)
    y = xp.array(x, order="C")
    if rows * columns > MOST_MASKED:
        for first in range(0, rows, BAND):
            cut(xp, y[..., first : first + BAND, :], diagonal + first, upper)
        return y
    mask = below(rows, columns, diagonal - upper)
    xp.copyto(y, xp.zeros((), x.dtype), where=xp.asarray(mask) if upper else ~xp.asarray(mask))
    return y


class Tril(Op):
    """Y = X with zeros above the diagonal; X̄ = Ȳ likewise."""

    diagonal: int

    def eager(self, xp, x):
        return masked(xp, x, self.diagonal, False)

    def vjp(self, needs, g, y, x):
        return (apply(self, g),)


class Triu(Op):
    """Y = X with zeros below the diagonal; X̄ = Ȳ likewise."""

    diagonal: int

    def eager(self, xp, x):
        return masked(xp, x, self.diagonal, True)

    def vjp(self, needs, g, y, x):
        return (apply(self, g),)


_tril = functools.lru_cache(256)(Tril)
_triu = functools.lru_cache(256)(Triu)


def check_matrix(name: str, x: AbstractTensor) -> None:
    """Refuse numbers and vectors."""
    if x.value.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, got shape {list(x.value.shape)}")


@public
def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Return matrices with zeros above a diagonal (0 the main one, positive above it)."""
    check_matrix("tril", input)
    y = apply(_tril(int(diagonal)), input)
    return y if out is None else store(y, out, "tril")


@public
def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Return matrices with zeros below a diagonal (0 the main one, positive above it)."""
    check_matrix("triu", input)
    y = apply(_triu(int(diagonal)), input)
    return y if out is None else store(y, out, "triu")


def places(name: str, found: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Any:
    """Return the row and column indices that `found` gives, as a tensor of two rows."""
    if row < 0 or col < 0:
        raise RuntimeError(f"{name}: row and col must be non-negative, got {row} and {col}")
    target = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    if target not in (dtypes.int32, dtypes.int64):
        raise unsupported(name, target)
    return transferred(lift(np.array(found(row, offset, col), target.numpy).reshape(2, -1)), as_device(device))


def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: DType | None = None,
    device: Device | None = None,
    layout: Any = None,
    **_: Any,
) -> Tensor:
    """Return the indices of what lies on and below a diagonal of a row × col matrix, row by row, as a tensor of two rows."""
    return places("tril_indices", np.tril_indices, row, col, offset, dtype, device)


def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: DType | None = None,
    device: Device | None = None,
    layout: Any = None,
    **_: Any,
) -> Tensor:
    """Return the indices of what lies on and above a diagonal of a row × col matrix, row by row, as a tensor of two rows."""
    return places("triu_indices", np.triu_indices, row, col, offset, dtype, device)
