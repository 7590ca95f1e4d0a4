"""New tensors from data and from shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import config, dtypes
from lineal.core import lift

__all__ = ["tensor"]


def tensor(data: Any, *, dtype: dtypes.dtype | None = None, requires_grad: bool = False) -> Any:
    """Return a new tensor with a copy of `data`."""
    value = np.array(data)
    if dtype is None and value.dtype == np.float64 and not isinstance(data, (np.ndarray, np.generic)):
        dtype = config.defaults.dtype
    if dtype is not None:
        value = value.astype(dtype.numpy)
    return lift(value).requires_grad_(requires_grad)
