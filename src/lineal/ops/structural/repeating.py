"""A tensor several times over: as a whole, or each element."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.base.spec import axis
from lineal.core import AbstractTensor, Op, apply, lift
from lineal.core.calling import public
from lineal.ops.broadcasting import sum_to_shape
from lineal.ops.conversion import dtype_of
from lineal.ops.layout import restride, shape_of
from lineal.ops.promotion import unsupported
from lineal.ops.structural.expanding import expand
from lineal.ops.structural.reshape import reshape

__all__ = ["repeat_interleave", "tile"]


def interleaved(repeats: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape in which each axis has its number of repeats before it."""
    return tuple([size for pair in zip(repeats, shape) for size in pair])


class Repeat(Op):
    """y = x `repeats[i]` times over along axis i, counted from the last; x̄ = the parts of ȳ added up."""

    repeats: tuple[int, ...]
    any_dtype = True

    def eager(self, xp, x):
        lead = len(self.repeats) - x.ndim
        shape, strides = (1,) * lead + x.shape, (0,) * lead + x.strides
        spread = restride(x, interleaved(self.repeats, shape), interleaved((0,) * len(shape), strides))
        return xp.array(spread, order="C").reshape([count * size for count, size in zip(self.repeats, shape)])

    def vjp(self, needs, g, y, x):
        shape = (1,) * (len(self.repeats) - x.ndim) + x.shape
        parts = reshape(g, interleaved(self.repeats, shape))
        return (reshape(sum_to_shape(parts, interleaved((1,) * len(shape), shape)), x.shape),)


_repeat = functools.lru_cache(1024)(Repeat)


@public
def repeat(input: Tensor, *counts: int | Sequence[int], repeats: Sequence[int] | None = None) -> Tensor:
    """Return a copy of input so many times over along each dimension; more numbers than dimensions add leading ones."""
    if not counts and repeats is None:
        raise TypeError('repeat: missing the argument "repeats"')
    given = shape_of("repeat", counts if repeats is None else (repeats,))
    if len(given) < input.value.ndim:
        raise RuntimeError(
            "repeat: Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor, "
            f"got {given} for shape {list(input.value.shape)}"
        )
    if any(count < 0 for count in given):
        raise RuntimeError(f"repeat: expected numbers of at least 0, got {given}")
    return apply(_repeat(given), input)


@public
def tile(input: Tensor, *counts: int | Sequence[int], dims: Any = None) -> Tensor:
    """Return a copy of input so many times over along the last dimensions."""
    given = shape_of("tile", counts if dims is None else (dims,))
    return repeat(input, (1,) * (input.value.ndim - len(given)) + given)


@public
def repeat_interleave(input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None) -> Tensor:
    """Return each element along `dim` (of the flattened input by default) `repeats` times: a number, or one for each element.

    Given `repeats` alone, return each index of it as many times as it says.
    """
    if repeats is None:
        return lift(counted_out(input, None))
    if dim is None:
        input, dim = reshape(input, (input.value.size,)), 0
    place = axis("repeat_interleave", dim, input.value.ndim)
    if not input.value.ndim:
        input = reshape(input, (1,))
    shape = input.value.shape
    if not isinstance(repeats, AbstractTensor):
        repeats = operator.index(repeats)
    if isinstance(repeats, AbstractTensor) and repeats.value.size != 1:
        if repeats.value.ndim > 1 or repeats.value.size != shape[place]:
            raise RuntimeError(
                f"repeat_interleave: repeats must have the same size as input along dim, but got repeats.size(0) = "
                f"{repeats.value.size} and input.size({place}) = {shape[place]}"
            )
        return input.index_select(place, lift(counted_out(repeats, output_size)))
    count = int(repeats)  # type: ignore[arg-type]
    if count < 0:
        raise RuntimeError(f"repeat_interleave: repeats can not be negative, got {count}")
    check_output_size(output_size, count * shape[place])
    repeated = expand(
        reshape(input, (*shape[: place + 1], 1, *shape[place + 1 :])), (*shape[: place + 1], count, *shape[place + 1 :])
    )
    y = reshape(repeated, (*shape[:place], shape[place] * count, *shape[place + 1 :]))
    return y.clone() if count == 1 else y


def counted_out(repeats: AbstractTensor, output_size: int | None) -> np.ndarray:
    """Return each index of `repeats` as many times as it says."""
    if dtype_of(repeats) not in (dtypes.int32, dtypes.int64):
        raise unsupported("repeat_interleave", dtype_of(repeats))
    if repeats.value.ndim > 1:
        raise RuntimeError("repeat_interleave: repeats must be 0-dim or 1-dim tensor")
    counts = repeats.tolist()  # type: ignore[attr-defined]
    counts = np.array([counts] if isinstance(counts, int) else counts, np.int64)
    if (counts < 0).any():
        raise RuntimeError(f"repeat_interleave: repeats can not be negative, got {counts.tolist()}")
    check_output_size(output_size, int(counts.sum()))
    return np.repeat(np.arange(len(counts)), counts).astype(repeats.value.dtype, copy=False)


def check_output_size(given: int | None, actual: int) -> None:
    """Refuse a promised output size that is not the actual one."""
    if given is not None and given != actual:
        raise RuntimeError(f"repeat_interleave: expected output_size {actual}, got {given}")
