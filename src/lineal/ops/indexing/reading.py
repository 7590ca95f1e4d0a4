"""What an index means: its basic part in normal form, and its index tensors with the axes they stand at."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.spec import Items
from lineal.core import AbstractTensor, lift, modes
from lineal.ops.conversion import cast
from lineal.ops.indexing.basic import select_item, slice_item

__all__: list[str] = []

Picks = list[tuple[int, Any]]
"""The index tensors, each with its axis in what basic indexing leaves."""

_recorder = modes.recorder.get
_KNOWN = frozenset((int, slice, type(None), type(Ellipsis)))


def read(shape: tuple[int, ...], index: Any) -> tuple[Items, Picks]:
    """Return the basic part of an index in normal form, and the index tensors with their axes after it."""
    if index.__class__ is not tuple:
        index = (index,) if index.__class__ in _KNOWN else as_tuple(index)
    items: list[Any] = []
    picks: Picks = []
    ndim, axis, left, open_ended = len(shape), 0, 0, True
    for each in index:
        if each.__class__ not in _KNOWN:
            each = as_pick(each)
        kind = each.__class__
        if kind is int or kind is slice:
            if axis >= ndim:
                raise too_many(ndim, index)
            if kind is int:
                items.append(select_item("index", each, axis, shape[axis]))
            else:
                items.append(slice_item("index", each, shape[axis]))
                left += 1
            axis += 1
        elif each is None:
            items.append(None)
            left += 1
        elif each is Ellipsis:
            # the first one stands for all axes that the others leave, further ones for none
            rest = max(ndim - dimensions(index), 0) if open_ended else 0
            items += [(0, size, 1) for size in shape[axis : axis + rest]]
            axis, left, open_ended = axis + rest, left + rest, False
        else:
            taken = width(each)
            whole = each.value.ndim or each.value.dtype.kind != "b"
            picks.append((left, each if whole else each.reshape(1)))
            items += [(0, size, 1) for size in shape[axis : axis + taken]] if each.value.ndim or taken else [None]
            axis, left = axis + taken, left + max(taken, 1)
            if axis > ndim:
                raise too_many(ndim, index)
    return trimmed(items, shape, axis), picks


def trimmed(items: list, shape: tuple[int, ...], axis: int) -> Items:
    """Return an index that reaches to `axis` without the whole axes at its end."""
    while items and items[-1].__class__ is tuple and items[-1] == (0, shape[axis - 1], 1):
        items.pop()
        axis -= 1
    return tuple(items)


def too_many(ndim: int, index: tuple) -> IndexError:
    """Return the error for an index of more dimensions than there are."""
    if ndim == 0 and len(index) == 1 and isinstance(index[0], int):
        return IndexError("index: invalid index of a 0-dim tensor; use tensor.item() to read its number")
    return IndexError(f"index: too many indices for tensor of dimension {ndim}, got {dimensions(index)}")


def width(index: AbstractTensor) -> int:
    """Return how many axes an index tensor stands for."""
    return index.value.ndim if index.value.dtype == np.bool_ else 1


def dimensions(index: tuple) -> int:
    """Return how many axes the parts of an index name together."""
    count = 0
    for each in index:
        if each.__class__ is int or each.__class__ is slice:
            count += 1
        elif each is not None and each is not Ellipsis and not isinstance(each, (bool, np.bool_)):
            found = as_pick(each)
            count += 1 if found.__class__ is int else width(found)
    return count


def as_tuple(index: Any) -> tuple:
    """Return an index that is not a tuple as one; a list with slices, sequences or tensors in it counts as a tuple."""
    if index.__class__ is list and all(each.__class__ is int for each in index):
        return (index,)
    if isinstance(index, Sequence) and not isinstance(index, (str, range)) and len(index) < 32:
        inner = (AbstractTensor, Sequence, slice, np.ndarray)
        if isinstance(index, tuple) or any(each is None or each is Ellipsis or isinstance(each, inner) for each in index):
            if not isinstance(index, tuple):
                warnings.warn(
                    "index: a list of several indices is taken as a tuple, x[tuple(list)]; write it so, or x[tensor(list)]",
                    UserWarning,
                )
            return tuple(index)
    return (index,)


def as_pick(each: Any) -> Any:
    """Return an int, or the index tensor (int64, or bool for a mask) that one part of an index means."""
    if isinstance(each, AbstractTensor):
        return tensor_pick(each)
    if each.__class__ is list and all(one.__class__ is int for one in each):
        return lift(np.array(each, np.int64))
    if isinstance(each, np.ndarray):
        return tensor_pick(lift(each))
    if isinstance(each, (bool, np.bool_)):
        return lift(np.array(each, dtype=np.bool_))
    if isinstance(each, (Sequence, range)) and not isinstance(each, str):
        value = np.array(plain(each))
        return tensor_pick(lift(value if value.size else value.astype(np.int64)))
    try:
        return operator.index(each)  # type: ignore[arg-type]
    except TypeError:
        raise IndexError(
            "index: only integers, slices (`:`), ellipsis (`...`), None and long or bool tensors are valid indices, "
            f"got {type(each).__name__}"
        ) from None


def plain(nested: Any) -> Any:
    """Return nested sequences with tensors in them as lists of numbers; a recorder hears that they are read."""
    if isinstance(nested, AbstractTensor):
        return nested.tolist()  # type: ignore[attr-defined]
    return [plain(each) for each in nested] if isinstance(nested, (Sequence, range)) else nested


def tensor_pick(index: AbstractTensor) -> Any:
    """Return an index tensor as int64 or bool; a single integer as an int, unless a recorder wants to see the tensor."""
    value = index.value
    if value.dtype.kind not in "iub":
        raise IndexError(f"index: tensors used as indices must be integer or bool tensors, got {value.dtype.name}")
    if value.dtype == np.uint8:
        warnings.warn(
            "index: indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead", UserWarning
        )
        return cast(index, dtypes.bool_)
    if value.dtype == np.bool_ or value.dtype == np.int64:
        if value.ndim or value.dtype == np.bool_ or _recorder() is not None:
            return index
    elif value.ndim or _recorder() is not None:
        return cast(index, dtypes.int64)
    return int(value)
