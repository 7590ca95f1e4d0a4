"""Float32 to the two float8 formats as PyTorch converts: where ml_dtypes' own conversion differs, its result is made PyTorch's.

Both round halves to even, subnormals included. Other dtypes come by way of float32, as in PyTorch.
"""

from __future__ import annotations

import numpy as np

LARGEST_E4M3FN = 448.0
NAN_E5M2 = 0b11


def to_e4m3fn(numbers: np.ndarray, storage: np.dtype) -> np.ndarray:
    """Return float32 numbers as float8_e4m3fn: what is too large, infinity too, is the largest; ml_dtypes makes it NaN."""
    return np.clip(numbers, -LARGEST_E4M3FN, LARGEST_E4M3FN).astype(storage)


def to_e5m2(numbers: np.ndarray, storage: np.dtype) -> np.ndarray:
    """Return float32 numbers as float8_e5m2: what is too large is infinite; NaN has all bits, where ml_dtypes leaves one."""
    y = numbers.astype(storage)
    bits = y.view(np.uint8)
    np.bitwise_or(bits, np.uint8(NAN_E5M2), out=bits, where=np.isnan(numbers))
    return y
