"""Searching, sorting and sets in the array API standard."""

from __future__ import annotations

from typing import NamedTuple

from lineal import ops
from lineal.array_api.datatypes import together
from lineal.array_api.statistics import over
from lineal.base.dtypes import bool_
from lineal.base.signatures import Dims, Number, Tensor

__all__ = [
    "argmax",
    "argmin",
    "argsort",
    "count_nonzero",
    "isin",
    "nonzero",
    "searchsorted",
    "sort",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "where",
]


class AllResult(NamedTuple):
    """Distinct values, where each comes first, which of them each element is, and how often each occurs."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class CountsResult(NamedTuple):
    """Distinct values and how often each occurs."""

    values: Tensor
    counts: Tensor


class InverseResult(NamedTuple):
    """Distinct values and which of them each element is."""

    values: Tensor
    inverse_indices: Tensor


def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Return where the largest element is, along an axis or in the flattened tensor."""
    return ops.argmax(x, axis, keepdims)


def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Return where the smallest element is, along an axis or in the flattened tensor."""
    return ops.argmin(x, axis, keepdims)


def count_nonzero(x: Tensor, /, *, axis: Dims | None = None, keepdims: bool = False) -> Tensor:
    """Return how many elements are not zero, along axes or in all."""
    x, dims, keep = over(x, axis, keepdims)
    return ops.sum(x if x.dtype is bool_ else x != 0, dims, keep)


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """Return where the elements are that are not zero, one tensor for each axis; ValueError for no axes."""
    if x.ndim == 0:
        raise ValueError("nonzero: expected a tensor of at least one dimension")
    return ops.nonzero(x, as_tuple=True)


def searchsorted(x1: Tensor, x2: Tensor | Number, /, *, side: str = "left", sorter: Tensor | None = None) -> Tensor:
    """Return where numbers would have to go in the sorted row `x1`, left or right of what is equal."""
    row, numbers = together(x1, x2)
    return ops.searchsorted(row, numbers, side=side, sorter=sorter)


def where(condition: Tensor, x1: Tensor | Number, x2: Tensor | Number, /) -> Tensor:
    """Return `x1` where a condition holds and `x2` elsewhere."""
    return ops.where(condition, *together(x1, x2))


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Return `x` sorted along an axis."""
    return ops.sort(x, axis, descending, stable).values


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Return the places that sort `x` along an axis."""
    return ops.argsort(x, axis, descending, stable)


def isin(x1: Tensor | int, x2: Tensor | int, /, *, invert: bool = False) -> Tensor:
    """Return for each element of `x1` whether it is among those of `x2`, or not if `invert`."""
    return ops.isin(*together(x1, x2), invert=invert)


def distinct(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the distinct values, complex ones ordered by their parts, with which of them each element is and the counts."""
    if not x.dtype.is_complex:
        return ops.unique(x, return_inverse=True, return_counts=True)
    pairs = ops.view_as_real(x.reshape(-1))
    values, inverse, counts = ops.unique(pairs, return_inverse=True, return_counts=True, dim=0)
    return ops.view_as_complex(values), inverse.reshape(x.shape), counts


def unique_all(x: Tensor, /) -> AllResult:
    """Return the distinct values with all that is known of them; every NaN is distinct."""
    values, inverse, counts = distinct(x)
    order = ops.argsort(inverse.reshape(-1), stable=True)
    return AllResult(values, order[ops.cumsum(counts, 0) - counts], inverse, counts)


def unique_counts(x: Tensor, /) -> CountsResult:
    """Return the distinct values and how often each occurs; every NaN is distinct."""
    values, _, counts = distinct(x)
    return CountsResult(values, counts)


def unique_inverse(x: Tensor, /) -> InverseResult:
    """Return the distinct values and which of them each element is; every NaN is distinct."""
    return InverseResult(*distinct(x)[:2])


def unique_values(x: Tensor, /) -> Tensor:
    """Return the distinct values; every NaN is distinct."""
    return distinct(x)[0] if x.dtype.is_complex else ops.unique(x)
