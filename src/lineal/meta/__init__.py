"""The device "meta": tensors that have a shape, a dtype and strides, and no numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.platforms import Platform, native_address, native_function
from lineal.meta.arrays import MetaArray, filled, outline
from lineal.meta.functions import functions

__all__ = ["META", "MetaArray"]


def copied(target: Any, source: Any) -> None:
    """Leave an array without numbers as it is; NotImplementedError if another is to have the numbers of one."""
    if isinstance(source, MetaArray) and not isinstance(target, MetaArray):
        raise NotImplementedError(
            "Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of torch.nn.Module.to() "
            "when moving module from meta to a different device."
        )


def lent(x: MetaArray) -> np.ndarray:
    """Return what kernels of the host compute on to find the shape of a result: identity matrices, which have an inverse."""
    if x.ndim < 2 or x.dtype.kind in "biu":
        return filled(x)
    rows, columns = x.shape[-2:]
    return np.broadcast_to(np.eye(rows, columns).astype(x.dtype), x.shape).copy()


META = Platform(
    "meta", MetaArray, functions, outline, copied, lambda x: native_address(x.held), native_function, numbers=False, lend=lent
)
