"""Collating: a list of items becomes one batch of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import dtypes
from lineal.core import AbstractTensor
from lineal.tensors import as_tensor, tensor


def default_collate(batch: Sequence[Any]) -> Any:
    """Turn a list of items into one item of batches.

    Tensors, NumPy arrays and numbers are stacked along a new first dimension; dicts, tuples and lists are collated
    entry by entry; strings and bytes stay a list. TypeError for anything else.
    """
    first = batch[0]
    if isinstance(first, AbstractTensor):
        return ops.stack(list(batch), 0)
    if isinstance(first, np.ndarray) and first.dtype.kind not in "OSU":
        return ops.stack([as_tensor(each) for each in batch], 0)
    if isinstance(first, np.generic) and first.dtype.kind not in "OSU":
        return as_tensor(np.stack(batch))  # type: ignore[arg-type]
    if isinstance(first, float):
        return tensor(batch, dtype=dtypes.float64)
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, (Mapping, Sequence)):
        return _entries(batch)
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {type(first).__name__}: pass a collate_fn"
    )


def _entries(batch: Sequence[Any]) -> Any:
    first = batch[0]
    if isinstance(first, Mapping):
        return like(first, {key: default_collate([each[key] for each in batch]) for key in first})
    if any(len(each) != len(first) for each in batch):
        raise RuntimeError(
            "default_collate: each element in list of batch should be of equal size, "
            f"got lengths {sorted({len(each) for each in batch})}"
        )
    columns = [default_collate(column) for column in zip(*batch)]
    # A plain tuple becomes a list, as it does in PyTorch.
    return columns if type(first) is tuple else like(first, columns)


def default_convert(item: Any) -> Any:
    """Turn the NumPy arrays in one item into tensors; used where a DataLoader does not batch."""
    if isinstance(item, (np.ndarray, np.generic)) and item.dtype.kind not in "OSU":
        return as_tensor(item)
    if isinstance(item, Mapping):
        return like(item, {key: default_convert(each) for key, each in item.items()})
    if isinstance(item, Sequence) and not isinstance(item, (str, bytes)):
        return [default_convert(each) for each in item] if type(item) is tuple else _converted(item)
    return item


def _converted(items: Sequence[Any]) -> Any:
    return like(items, [default_convert(each) for each in items])


def like(example: Any, content: Any) -> Any:
    """Return `content` in a container of the type of `example`, or as it is if that type cannot be built from it."""
    make: Callable[..., Any] = type(example)
    try:
        return make(*content) if hasattr(example, "_fields") else make(content)
    except TypeError:
        return content
