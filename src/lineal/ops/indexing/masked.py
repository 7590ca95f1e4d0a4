"""Elements taken and put by a mask, and the places where something is not zero."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np

from lineal.base import dtypes
from lineal.base.platforms import array_module
from lineal.base.signatures import Tensor
from lineal.base.spec import Shape, broadcast_shapes
from lineal.core import AbstractTensor, Op, apply, lift, module_of
from lineal.core.precision import widened
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import dtype_of, number_beside
from lineal.ops.front import require_tensor, store
from lineal.ops.indexing.changing import Change, change, deliver
from lineal.ops.indexing.masks import check_mask, fitting, masked_fill_op

__all__ = ["argwhere", "masked_scatter", "masked_select", "nonzero", "unravel_index"]


class MaskedSelect(Op):
    """y = the elements of x where mask, in order; x̄ = ȳ put back there, zero elsewhere."""

    any_dtype = True
    keeps = "1"
    no_batch = "looped: the shape of the result depends on numbers"
    no_lowering = "runs eagerly: the shape of the result depends on numbers"

    def eager(self, xp, x, mask):
        return x[mask]

    def vjp(self, needs, g, y, x, mask):
        return apply(_masked_scatter, lift(module_of(g).zeros(x.shape, x.storage)), mask, g), None


class MaskedScatter(Change):
    """y = x, its elements where mask replaced by the first ones of s; x̄ = ȳ, zero where mask; s̄ = ȳ where mask, in order."""

    keeps = "1"
    strided = True
    no_batch = "looped: it counts on through all numbers that a mask chooses"
    no_lowering = "host step: it counts on through all numbers that a mask chooses"

    def change(self, y, mask, s):
        y[mask] = s.reshape(-1)[: int(array_module(mask).count_nonzero(mask))]

    def vjp(self, needs, g, y, x, mask, s):
        return (
            apply(masked_fill_op, g, mask, number_beside(g, 0)) if needs[0] else None,
            None,
            apply(_masked_gather(s.shape), g, mask) if needs[2] else None,
        )


class MaskedGather(Op):
    """y = zeros of `shape` that begin, in order, with the elements of x where mask; x̄ = ȳ scattered there."""

    shape: Shape
    keeps = "1"
    no_batch = "looped: it counts on through all numbers that a mask chooses"
    no_lowering = "host step: it counts on through all numbers that a mask chooses"

    def eager(self, xp, x, mask):
        y = xp.zeros(self.shape, x.dtype)
        chosen = x[mask]
        y.reshape(-1)[: chosen.size] = chosen
        return y

    def vjp(self, needs, g, y, x, mask):
        return apply(_masked_scatter, lift(module_of(g).zeros(x.shape, x.storage)), mask, g), None


class Nonzero(Op):
    """The places of the elements that are not zero, one row each."""

    differentiable = False
    no_vjp = "places: whole numbers"
    no_batch = "looped: the shape of the result depends on numbers"
    no_lowering = "runs eagerly: the shape of the result depends on numbers"

    def eager(self, xp, x):
        x = widened(x)
        return xp.stack(xp.nonzero(x), axis=1) if x.ndim else xp.zeros((int(bool(x)), 0), np.int64)

    def vjp(self, needs, g, y, x):
        return (None,)


class UnravelIndex(Op):
    """The places in an array of `shape` of the flat `places`, one output per dimension."""

    shape: tuple[int, ...]
    differentiable = False
    no_vjp = "places: whole numbers"
    no_batch = "looped: it takes all numbers at once, without an axis"
    no_lowering = "host step: places are found by division, number by number"

    def eager(self, xp, places):
        found = []
        for size in reversed(self.shape):
            found.append(places % size)
            places = places // size
        return tuple(reversed(found))

    def vjp(self, needs, g, y, places):
        return (None,)


_masked_select = MaskedSelect()
_masked_scatter = MaskedScatter()
_masked_gather = functools.lru_cache(1024)(MaskedGather)
_nonzero = Nonzero()


def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the elements of input where the mask is true, as a vector; the two broadcast."""
    require_tensor("masked_select", input)
    check_mask("masked_select", mask)
    shape = broadcast_shapes("masked_select", input.value.shape, mask.value.shape)
    y = apply(_masked_select, expand(input, shape), expand(mask, shape))
    return deliver(y, out, "masked_select", input, mask)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Return input with the elements of `source`, in order, where the mask is true; input and mask broadcast."""
    require_tensor("masked_scatter", input)
    check_mask("masked_scatter", mask)
    shape = broadcast_shapes("masked_scatter", input.value.shape, mask.value.shape)
    mask = expand(mask, shape)
    check_source("masked_scatter", input, mask, source)
    return apply(_masked_scatter, expand(input, shape), mask, source)


def masked_scatter_(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Write the elements of `source`, in order, where the mask is true."""
    check_mask("masked_scatter_", mask)
    mask = fitting("masked_scatter_", self, mask)
    check_source("masked_scatter_", self, mask, source)
    return change(self, _masked_scatter, mask, source, name="masked_scatter_")


def check_source(name: str, x: AbstractTensor, mask: AbstractTensor, source: AbstractTensor) -> None:
    """Refuse a source of another dtype or of too few elements."""
    if require_tensor(name, source).dtype != x.value.dtype:
        raise RuntimeError(f"{name}: expected self and source to have same dtypes but got {dtype_of(x)} and {dtype_of(source)}")
    wanted = int(module_of(mask).count_nonzero(mask.value))
    if source.value.size < wanted:
        raise RuntimeError(
            f"{name}: Number of elements of source < number of ones in mask, got {source.value.size} and {wanted}"
        )


@overload
def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: Literal[False] = False) -> Tensor: ...
@overload
def nonzero(input: Tensor, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]: ...
def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False) -> Any:
    """Return the places of the nonzero elements as rows (int64), or as one vector per dimension with `as_tuple`."""
    require_tensor("nonzero", input)
    if as_tuple:
        rows = apply(_nonzero, input.reshape(1) if input.value.ndim == 0 else input)
        return tuple(rows[:, axis] for axis in range(rows.value.shape[1]))
    y = apply(_nonzero, input)
    return y if out is None else store(y, out, "nonzero")


def argwhere(input: Tensor) -> Tensor:
    """Return the places of the nonzero elements as rows (int64)."""
    return nonzero(input)


def unravel_index(indices: Tensor, shape: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Return the places in an array of `shape` that the flat `indices` mean, one tensor per dimension."""
    require_tensor("unravel_index", indices)
    if dtype_of(indices).category is not dtypes.Category.INTEGER:
        raise TypeError(f"unravel_index: expected 'indices' to be integer dtype, but got {dtype_of(indices)}")
    sizes = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if not all(isinstance(size, (int, np.integer)) for size in sizes):
        raise TypeError(f"unravel_index: expected 'shape' to be int or sequence of ints, but got {shape!r}")
    if any(size < 0 for size in sizes):
        raise ValueError(f"unravel_index: 'shape' cannot have negative values, but got {sizes}")
    return apply(UnravelIndex(tuple(map(int, sizes))), indices)
