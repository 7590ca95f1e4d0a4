"""Which functions of NumPy's have a rule for arrays without numbers, and the rules."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from lineal.meta.arrays import MetaArray, imaginary, outline, refuse

__all__ = ["BY_NUMBERS", "LOOKING", "REDUCTIONS", "RULES", "bare", "reduced"]

LOOKING = frozenset(
    (
        *(np.transpose, np.moveaxis, np.swapaxes, np.expand_dims, np.squeeze, np.flip, np.fliplr, np.flipud, np.rot90),
        *(np.diagonal, np.broadcast_to, as_strided, sliding_window_view, np.atleast_1d, np.atleast_2d, np.atleast_3d),
        *(np.split, np.array_split, np.linalg.diagonal, np.linalg.matrix_transpose, np.real, np.may_share_memory),
        *(np.shares_memory, np.iscomplexobj, np.isrealobj, np.ndim, np.shape, np.size, np.result_type, np.can_cast),
    )
)
"""The functions that read no numbers."""

REDUCTIONS = frozenset(
    (
        *(np.sum, np.prod, np.max, np.min, np.any, np.all, np.mean, np.std, np.var, np.argmax, np.argmin, np.ptp),
        *(np.nansum, np.nanmax, np.nanmin, np.nanmean, np.median, np.nanmedian, np.count_nonzero),
    )
)

BY_NUMBERS = frozenset(
    (
        *(np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.unique_values, np.unique_counts, np.unique_inverse),
        *(np.unique_all, np.compress, np.extract, np.bincount, np.array_equal, np.array_equiv, np.allclose, np.trim_zeros),
        *(np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, np.histogram_bin_edges),
    )
)
"""The functions whose result, or its shape, numbers decide on."""


def bare(x: Any) -> Any:
    """Return an array of no elements in the dtype of one; a number, by which dtypes are chosen otherwise, stays as it is."""
    return np.empty((0,), x.dtype) if isinstance(x, (MetaArray, np.ndarray)) else x


def reduced(function: Any, x: MetaArray, axis: Any = None, *given: Any, out: Any = None, **named: Any) -> Any:
    """Return what a reduction leaves of an array; of an empty one what NumPy leaves, or its error."""
    found = np.asarray(function(np.ones([min(size, 1) for size in x.shape], x.dtype), axis, *given, **named))
    if out is not None:
        return out
    axes = range(x.ndim) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, x.ndim)
    keepdims = found.ndim == x.ndim
    return outline([1 if at in axes else size for at, size in enumerate(x.shape) if keepdims or at not in axes], found.dtype)


def product(a: Any, b: Any, out: Any = None, **named: Any) -> Any:
    """Return the shape of a matrix product, of stacks or of vectors."""
    left, right = a.shape if a.ndim > 1 else (1, *a.shape), b.shape if b.ndim > 1 else (*b.shape, 1)
    if left[-1] != right[-2]:
        raise ValueError(f"matmul: expected inner dimensions to agree, got shapes {list(a.shape)} and {list(b.shape)}")
    rows, columns = left[-2:-1] if a.ndim > 1 else (), right[-1:] if b.ndim > 1 else ()
    shape = (*np.broadcast_shapes(left[:-2], right[:-2]), *rows, *columns)
    return outline(shape, np.result_type(a.dtype, b.dtype)) if out is None else out


def dotted(a: Any, b: Any, out: Any = None) -> Any:
    """Return the shape of `np.dot`, which sums over the last axis of a and the last but one of b."""
    return product(a, b, out) if max(a.ndim, b.ndim) < 3 else contracted(a, b, ((a.ndim - 1,), (max(b.ndim - 2, 0),)))


def contracted(a: Any, b: Any, axes: Any = 2) -> MetaArray:
    """Return the shape of `np.tensordot`."""
    if isinstance(axes, int):
        axes = (range(a.ndim - axes, a.ndim), range(axes))
    gone = [np.lib.array_utils.normalize_axis_tuple(each, x.ndim) for each, x in zip(axes, (a, b))]
    if [a.shape[each] for each in gone[0]] != [b.shape[each] for each in gone[1]]:
        raise ValueError(f"tensordot: shape-mismatch for sum, got shapes {list(a.shape)} and {list(b.shape)}")
    kept = [size for x, out in zip((a, b), gone) for place, size in enumerate(x.shape) if place not in out]
    return outline(kept, np.result_type(a.dtype, b.dtype))


def summed(text: str, *xs: Any, out: Any = None, **named: Any) -> Any:
    """Return the shape of `np.einsum`, whose letters stand for sizes."""
    ins, _, kept = text.replace(" ", "").partition("->")
    sizes: dict[str, int] = {}
    spread: tuple[int, ...] = ()
    for letters, x in zip(ins.split(","), xs):
        shape = x.shape
        head, dots, tail = letters.partition("...")
        rest = len(shape) - len(tail)
        places = [*zip(head, shape), *zip(tail, shape[rest:])]
        spread = np.broadcast_shapes(spread, shape[len(head) : rest]) if dots else spread
        for letter, size in places:
            if sizes.setdefault(letter, size) not in (size, 1) and size != 1:
                raise ValueError(f"einsum: expected one size for {letter!r}, got {sizes[letter]} and {size}")
            sizes[letter] = max(sizes[letter], size)
    head, dots, tail = kept.partition("...")
    shape = (*[sizes[each] for each in head], *(spread if dots else ()), *[sizes[each] for each in tail])
    return outline(shape, np.result_type(*[x.dtype for x in xs])) if out is None else out


def joined(arrays: Sequence[Any], axis: int | None = 0, out: Any = None, dtype: Any = None, casting: Any = None) -> Any:
    """Return the shape of arrays one after the other."""
    if axis is None:
        arrays, axis = [each.reshape(-1) for each in arrays], 0
    few = [np.empty([*each.shape[: axis % each.ndim], 0, *each.shape[axis % each.ndim + 1 :]], np.bool_) for each in arrays]
    shape = list(np.concatenate(few, axis).shape)
    shape[axis] = sum(each.shape[axis] for each in arrays)
    return outline(shape, dtype or np.result_type(*[each.dtype for each in arrays])) if out is None else out


def stacked(arrays: Sequence[Any], axis: int = 0, out: Any = None, **named: Any) -> Any:
    """Return the shape of arrays along a new axis."""
    shapes = {each.shape for each in arrays}
    if len(shapes) != 1:
        raise ValueError("stack: all input arrays must have the same shape")
    shape = list(shapes.pop())
    shape.insert(axis if axis >= 0 else len(shape) + 1 + axis, len(arrays))
    return outline(shape, np.result_type(*[each.dtype for each in arrays])) if out is None else out


def chosen(condition: Any, *given: Any) -> MetaArray:
    """Return the shape of `np.where`; the places where a condition holds are not known."""
    if not given:
        refuse("where")
    shape = np.broadcast_shapes(*[each.shape for each in (condition, *given) if isinstance(each, (MetaArray, np.ndarray))])
    return outline(shape, np.where(bare(condition), *map(bare, given)).dtype)


def filling(shape: Any, number: Any, dtype: Any = None, order: str = "C") -> MetaArray:
    """Return what `np.full` does."""
    return outline(shape, dtype or np.asarray(number).dtype)


def alike(x: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None) -> MetaArray:
    """Return an array of the shape and dtype of another, unless others are asked for."""
    return outline(x.shape if shape is None else shape, dtype or x.dtype)


def alike_filled(x: Any, number: Any, dtype: Any = None, **named: Any) -> MetaArray:
    """Return what `np.full_like` does."""
    return alike(x, dtype, **named)


def taken_over(x: Any, dtype: Any = None, order: str = "K", copy: bool = False, **named: Any) -> MetaArray:
    """Return an array without numbers in the place of any: itself where nothing is to change."""
    if isinstance(x, MetaArray):
        return x.astype(dtype or x.dtype, order, copy=copy)
    if isinstance(x, (list, tuple)) and any(isinstance(each, MetaArray) for each in x):
        return stacked([taken_over(each, dtype) for each in x])
    found = np.asarray(x, dtype)
    return outline(found.shape, found.dtype)


def put(target: Any, source: Any, **named: Any) -> None:
    """Do nothing but look whether the source fits: there is no memory."""
    target[...] = source


RULES: dict[Any, Callable[..., Any]] = {
    np.matmul: product,
    np.dot: dotted,
    np.tensordot: contracted,
    np.einsum: summed,
    np.concatenate: joined,
    np.stack: stacked,
    np.where: chosen,
    np.zeros: outline,
    np.ones: outline,
    np.empty: outline,
    np.full: filling,
    np.zeros_like: alike,
    np.ones_like: alike,
    np.empty_like: alike,
    np.full_like: alike_filled,
    np.array: functools.partial(taken_over, copy=True),
    np.copy: functools.partial(taken_over, copy=True),
    np.asarray: taken_over,
    np.ascontiguousarray: functools.partial(taken_over, order="C"),
    np.astype: taken_over,
    np.copyto: put,
    np.reshape: MetaArray.reshape,
    np.ravel: MetaArray.ravel,
    np.imag: imaginary,
}
