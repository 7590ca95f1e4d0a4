"""Where numbers belong in sorted sequences, and whether they are in a set."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from lineal.base import dtypes, later
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, Op, apply
from lineal.core.calling import public
from lineal.core.door import Least
from lineal.core.opening import settled
from lineal.ops.conversion import as_operand, cast, dtype_of, number_beside, result_type
from lineal.ops.front import store
from lineal.ops.premise import rely
from lineal.ops.sorting.selection import keys_of

__all__ = ["searchsorted", "bucketize", "isin"]


native: Any = later.module("lineal.codegen.searching")
_least = Least(1 << 10)


class SearchSorted(Op):
    """How many elements of the sorted sequence (of the row's own, if there are rows) come before each number."""

    side: str
    target: dtypes.dtype
    sorted_by: bool
    grad_name = "SearchsortedBackward0"
    differentiable = False
    no_vjp = "places: whole numbers"
    no_batch = "looped: every slice may have a table of its own"
    no_lowering = "host step: searching"

    def eager(self, xp, sequence, numbers, order=None):
        if order is not None:
            sequence = xp.take_along_axis(sequence, order, -1)
        sequence, numbers = keys_of(sequence), keys_of(numbers)
        if numbers.__class__ is np.ndarray and _least.reached(numbers.size):
            found = native.searched(sequence, numbers, self.side == "right")
            if found is not None:
                return found.astype(self.target.numpy, copy=False)
        if sequence.ndim == 1:
            return xp.asarray(xp.searchsorted(sequence, numbers, self.side)).astype(self.target.numpy)
        y = xp.empty(numbers.shape, self.target.numpy)
        for place in np.ndindex(sequence.shape[:-1]):
            y[place] = xp.searchsorted(sequence[place], numbers[place], self.side)
        return y

    def vjp(self, needs, g, y, *xs):
        return (None,) * len(xs)


class IsIn(Op):
    """Whether each element is among the `members`; NaN is not."""

    invert: bool
    grad_name = "IsinBackward0"
    differentiable = False
    no_vjp = "truth values"
    no_batch = "looped: every slice may have a table of its own"
    no_lowering = "host step: searching"

    def eager(self, xp, elements, members):
        elements, members = keys_of(elements), keys_of(members)
        if members.size < 10:
            flat = members.reshape(-1)
            hits = [elements == flat[place : place + 1].reshape(()) for place in range(members.size)]
            found = functools.reduce(operator.or_, hits) if hits else xp.zeros(elements.shape, bool)
            return ~found if self.invert else found
        if members.dtype.kind in "fc":
            members = members[members == members]
        return xp.isin(elements, members, invert=self.invert)

    def vjp(self, needs, g, y, *xs):
        return None, None


_searching, _is_in = settled(SearchSorted), settled(IsIn)


@public
def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return where in the last dimension of `sorted_sequence` each number belongs: before its equals, or after them if `right`.

    A sequence of one dimension serves all numbers, otherwise every row has its own. `sorter` lists the places that sort it.
    """
    y = _search("searchsorted", sorted_sequence, input, out_int32, _side(right, side), sorter)
    return y if out is None else _stored(y, out, "searchsorted")


@public
def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out: Tensor | None = None
) -> Tensor:
    """Return between which of the sorted `boundaries` each number lies; on a boundary, before it (after it if `right`)."""
    if boundaries.value.ndim != 1:
        raise RuntimeError(f"bucketize: boundaries tensor must be 1 dimension, but got dim({boundaries.value.ndim})")
    y = _search("bucketize", boundaries, input, out_int32, "right" if right else "left", None)
    return y if out is None else _stored(y, out, "bucketize")


def _stored(y: Any, out: Any, name: str) -> Any:
    if out.value.dtype != y.value.dtype:
        raise RuntimeError(
            f"{name}: expected out of dtype {dtype_of(y)} (out_int32 chooses between int32 and int64), got {dtype_of(out)}"
        )
    return store(y, out, name)


def _side(right: bool, side: str | None) -> str:
    if side is None:
        return "right" if right else "left"
    if side not in ("left", "right"):
        raise RuntimeError(f"searchsorted: side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError("searchsorted: side and right can't be set to opposites, got side of left while right was True")
    return side


def _search(name: str, sequence: Any, numbers: Any, out_int32: bool, side: str, order: Any) -> Any:
    if not isinstance(numbers, AbstractTensor):
        if sequence.value.ndim != 1:
            raise RuntimeError(
                f"{name}: input value can be a scalar only when boundaries tensor dimension is 1, got {sequence.value.ndim}"
            )
        common = result_type(sequence, numbers)
        sequence = cast(sequence, common)
        numbers = number_beside(sequence, numbers)
    a, b = sequence.value.shape, numbers.value.shape
    if not a:
        raise RuntimeError(f"{name}: boundaries tensor should have positive dimension, but got 0 dimension")
    if len(a) != 1 and a[:-1] != b[:-1]:
        raise RuntimeError(
            f"{name}: boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value "
            f"tensor must match, got shapes {tuple(a)} and {tuple(b)}"
        )
    common = dtypes.promote_types(dtype_of(sequence), dtype_of(numbers))
    sequence, numbers = cast(sequence, common), cast(numbers, common)
    if order is not None:
        _check_order(name, order, a)
    op = _searching(side, dtypes.int32 if out_int32 else dtypes.int64, order is not None)
    return apply(op, sequence, numbers) if order is None else apply(op, sequence, numbers, order)


def _check_order(name: str, order: Any, shape: tuple[int, ...]) -> None:
    if order.value.shape != shape:
        raise RuntimeError(f"{name}: boundary and sorter must have the same size, got {tuple(shape)} and {order.value.shape}")
    if order.value.dtype != np.int64:
        raise RuntimeError(f"{name}: sorter must be a tensor of long dtype but got dtype {dtype_of(order)}")
    if order.value.size and (order.value.min() < 0 or order.value.max() >= shape[-1]):
        raise RuntimeError(f"{name}: sorter index out of range")
    rely(lambda: (order >= 0) & (order < shape[-1]))


def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False, out: Tensor | None = None
) -> Tensor:
    """Return whether each of `elements` is among `test_elements` (is not, if `invert`); one of the two may be a number."""
    if not isinstance(elements, AbstractTensor) and not isinstance(test_elements, AbstractTensor):
        raise TypeError("isin: expected a tensor and a tensor or number, got two numbers")
    common = result_type(elements, test_elements)
    y = apply(_is_in(bool(invert)), cast(as_operand(elements), common), cast(as_operand(test_elements), common))
    return y if out is None else store(y, out, "isin")
