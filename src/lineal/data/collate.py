"""Collating: a list of items becomes one batch of tensors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import dtypes
from lineal.tensors import Tensor, as_tensor, tensor

__all__ = [
    "collate",
    "collate_float_fn",
    "collate_int_fn",
    "collate_numpy_array_fn",
    "collate_numpy_scalar_fn",
    "collate_str_fn",
    "collate_tensor_fn",
    "default_collate",
    "default_collate_err_msg_format",
    "default_collate_fn_map",
    "default_convert",
]

Functions = dict[type | tuple[type, ...], Callable[..., Any]]

default_collate_err_msg_format = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def collate_tensor_fn(batch: Sequence[Tensor], *, collate_fn_map: Functions | None = None) -> Tensor:
    """Stack tensors of one shape along a new first dimension."""
    return ops.stack(list(batch), 0)


def collate_numpy_array_fn(batch: Sequence[np.ndarray], *, collate_fn_map: Functions | None = None) -> Tensor:
    """Stack arrays of one shape along a new first dimension; TypeError for arrays of strings and objects."""
    if batch[0].dtype.kind in "OSU":
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype) + ": pass a collate_fn")
    return ops.stack([as_tensor(each) for each in batch], 0)


def collate_numpy_scalar_fn(batch: Sequence[np.generic], *, collate_fn_map: Functions | None = None) -> Tensor:
    """Return NumPy's numbers as a tensor of one dimension."""
    return as_tensor(np.stack(batch))


def collate_float_fn(batch: Sequence[float], *, collate_fn_map: Functions | None = None) -> Tensor:
    """Return numbers as a float64 tensor of one dimension."""
    return tensor(batch, dtype=dtypes.float64)


def collate_int_fn(batch: Sequence[int], *, collate_fn_map: Functions | None = None) -> Tensor:
    """Return whole numbers as an int64 tensor, or truth values as a bool tensor, of one dimension."""
    return tensor(batch)


def collate_str_fn(batch: Sequence[str | bytes], *, collate_fn_map: Functions | None = None) -> Any:
    """Return strings as they are."""
    return batch


default_collate_fn_map: Functions = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}
"""What `default_collate` does with items of each type; programs may enter their own."""


def default_collate(batch: Sequence[Any]) -> Any:
    """Turn a list of items into one item of batches.

    Tensors, NumPy arrays and numbers are stacked along a new first dimension; dicts, tuples and lists are collated
    entry by entry; strings and bytes stay a list. TypeError for anything else.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def collate(batch: Sequence[Any], *, collate_fn_map: Functions | None = None) -> Any:
    """Turn a list of items into one item of batches, by the function of the items' type in `collate_fn_map`.

    The type itself goes before its bases, which are asked in the order of the map. What is in no map is a dict, a tuple or a
    list, which is collated entry by entry; RuntimeError if they are of different lengths, TypeError for anything else.
    """
    first = batch[0]
    function = found(first, collate_fn_map or {})
    if function is not None:
        return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        return like(first, {key: collate([each[key] for each in batch], collate_fn_map=collate_fn_map) for key in first})
    if not isinstance(first, Sequence):
        raise TypeError(default_collate_err_msg_format.format(type(first)) + ": pass a collate_fn")
    if any(len(each) != len(first) for each in batch):
        raise RuntimeError(
            "default_collate: each element in list of batch should be of equal size, "
            f"got lengths {sorted({len(each) for each in batch})}"
        )
    columns = [collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch)]
    # A plain tuple becomes a list, as it does in PyTorch.
    return columns if type(first) is tuple else like(first, columns)


def found(item: Any, functions: Functions) -> Callable[..., Any] | None:
    """Return the function for items of this type."""
    exact = functions.get(type(item))
    if exact is not None:
        return exact
    return next((function for kind, function in functions.items() if isinstance(item, kind)), None)


def stacks_tensors() -> bool:
    """Return whether `default_collate` does with tensors what it did when it came."""
    return default_collate_fn_map.get(Tensor) is collate_tensor_fn


def default_convert(item: Any) -> Any:
    """Turn the NumPy arrays in one item into tensors; used where a DataLoader does not batch."""
    if isinstance(item, (np.ndarray, np.generic)) and item.dtype.kind not in "OSU":
        return as_tensor(item)
    if isinstance(item, Mapping):
        return like(item, {key: default_convert(each) for key, each in item.items()})
    if isinstance(item, Sequence) and not isinstance(item, (str, bytes)):
        entries = [default_convert(each) for each in item]
        return entries if type(item) is tuple else like(item, entries)
    return item


def like(example: Any, content: Any) -> Any:
    """Return `content` in a container of the type of `example`, or as it is if that type cannot be built from it.

    One that can be changed is copied first, with what else it has.
    """
    make: Callable[..., Any] = type(example)
    try:
        if isinstance(example, MutableMapping):
            made = copy.copy(example)
            made.update(content)
            return made
        if isinstance(example, MutableSequence):
            copied: Any = copy.copy(example)
            copied[:] = content
            return copied
        return make(*content) if hasattr(example, "_fields") else make(content)
    except TypeError:
        return content
