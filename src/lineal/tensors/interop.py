"""Exchange with NumPy without copies, both ways."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.core import lift

__all__ = ["from_numpy"]


def from_numpy(ndarray: np.ndarray) -> Any:
    """Return a tensor that shares the memory of a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected a NumPy array, got {type(ndarray).__name__}")
    dtypes.of(ndarray.dtype)
    return lift(ndarray)
