"""Distinct elements, or distinct slices along a dimension."""

from __future__ import annotations

import functools
from typing import Any, Literal, overload

import numpy as np

from lineal.base import dtypes
from lineal.base.platforms import array_module
from lineal.base.signatures import Tensor
from lineal.base.spec import Axis, axis
from lineal.core import Op, apply
from lineal.core.calling import public
from lineal.ops.sorting.ranking import order
from lineal.ops.sorting.selection import keys_of, sortable

__all__ = ["unique", "unique_consecutive"]


class Unique(Op):
    """(values, inverse, counts) of the distinct elements, or slices along `axis`; neighbours only, if `consecutive`.

    `inverse` says for every element which value it is. What is not asked for is empty.
    """

    axis: Axis | None
    inverse: bool
    counts: bool
    consecutive: bool
    width = 3
    no_vjp = "raises: which elements are distinct changes in steps, and so does the shape"
    no_batch = "looped: the shape of the result depends on numbers"
    no_lowering = "runs eagerly: the shape of the result depends on numbers"

    @property
    def grad_name(self) -> str:
        along = "Dim" if self.axis is not None else ""
        return f"Unique{along}ConsecutiveBackward0" if self.consecutive else f"Unique{along or '2'}Backward0"

    def eager(self, xp, x):
        nothing = xp.zeros(0, np.int64)
        if self.axis is None and not (self.inverse or self.counts) and not dtypes.of(x.dtype).extension:
            ordered = x.reshape(-1) if self.consecutive else xp.sort(x.reshape(-1))
            first = xp.ones(ordered.shape, bool)
            xp.not_equal(ordered[1:], ordered[:-1], out=first[1:])
            return ordered[first], nothing, nothing
        slices = x.reshape(-1) if self.axis is None else xp.moveaxis(x, self.axis, 0)
        count = slices.shape[0]
        keys = keys_of(slices).reshape(count, -1) if slices.size else xp.zeros((count, 1))
        ranks = xp.arange(count) if self.consecutive else _ranks(keys)
        first = xp.ones(count, bool)
        first[1:] = (keys[ranks[1:]] != keys[ranks[:-1]]).any(axis=1)
        starts = xp.flatnonzero(first)
        values = slices[ranks[starts]]
        if self.axis is not None:
            values = xp.ascontiguousarray(xp.moveaxis(values, 0, self.axis))
        inverse = nothing
        if self.inverse:
            inverse = xp.empty(count, np.int64)
            inverse[ranks] = xp.cumsum(first) - 1
            inverse = inverse.reshape(x.shape) if self.axis is None else inverse
        return values, inverse, xp.diff(starts, append=count) if self.counts else nothing

    def vjp(self, needs, g, y, x):
        name = "unique_consecutive" if self.consecutive else "unique"
        raise RuntimeError(f"{name}: the derivative is not implemented; detach() what goes into it, if that is meant")


def _ranks(keys: np.ndarray) -> np.ndarray:
    """Return the places that sort rows, the first column before the second."""
    if keys.shape[1] == 1:
        return order(keys[:, 0], 0)
    return array_module(keys).lexsort(keys.T[::-1])


_unique = functools.lru_cache(256)(Unique)


def _apply(name: str, x: Any, dim: int | None, inverse: bool, counts: bool, consecutive: bool) -> Any:
    sortable(name, x)
    place = None if dim is None else axis(name, dim, x.value.ndim)
    if place is not None and not x.value.ndim:
        raise IndexError(f"{name}: Dimension specified as {dim} but tensor has no dimensions")
    if place is not None and 0 in x.value.shape and x.value.shape[place]:
        raise RuntimeError(
            f"{name}: There are 0 sized dimensions, and they aren't selected, so unique cannot be applied, "
            f"got shape {x.value.shape}"
        )
    values, each, many = apply(_unique(place, bool(inverse), bool(counts), consecutive), x)
    if not inverse and not counts:
        return values
    return (values, *([each] if inverse else []), *([many] if counts else []))


@overload
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: Literal[False] = False,
    return_counts: Literal[False] = False,
    dim: int | None = None,
) -> Tensor: ...
@overload
def unique(
    input: Tensor,
    sorted: bool = True,
    *,
    return_inverse: Literal[True],
    return_counts: Literal[False] = False,
    dim: int | None = None,
) -> tuple[Tensor, Tensor]: ...
@overload
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: Literal[False] = False,
    *,
    return_counts: Literal[True],
    dim: int | None = None,
) -> tuple[Tensor, Tensor]: ...
@overload
def unique(
    input: Tensor, sorted: bool = True, *, return_inverse: Literal[True], return_counts: Literal[True], dim: int | None = None
) -> tuple[Tensor, Tensor, Tensor]: ...
@overload
def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Tensor | tuple[Tensor, ...]: ...
@public
def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Return the distinct elements in ascending order (the distinct slices along `dim`).

    With `return_inverse` also which of them every element is, with `return_counts` also how often each occurs. Every NaN is
    distinct from every other.
    """
    return _apply("unique", input, dim, return_inverse, return_counts, consecutive=False)


@overload
def unique_consecutive(
    input: Tensor, return_inverse: Literal[False] = False, return_counts: Literal[False] = False, dim: int | None = None
) -> Tensor: ...
@overload
def unique_consecutive(
    input: Tensor, *, return_inverse: Literal[True], return_counts: Literal[False] = False, dim: int | None = None
) -> tuple[Tensor, Tensor]: ...
@overload
def unique_consecutive(
    input: Tensor, return_inverse: Literal[False] = False, *, return_counts: Literal[True], dim: int | None = None
) -> tuple[Tensor, Tensor]: ...
@overload
def unique_consecutive(
    input: Tensor, *, return_inverse: Literal[True], return_counts: Literal[True], dim: int | None = None
) -> tuple[Tensor, Tensor, Tensor]: ...
@overload
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Tensor | tuple[Tensor, ...]: ...
@public
def unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None) -> Any:
    """Return the elements (slices along `dim`) that differ from the one before; otherwise as `unique`."""
    return _apply("unique_consecutive", input, dim, return_inverse, return_counts, consecutive=True)
