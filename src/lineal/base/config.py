"""Settings of the process: the default dtype, and from where on arrays are large."""

from __future__ import annotations

from lineal.base import dtypes

__all__ = ["get_default_dtype", "set_default_dtype"]


class Defaults:
    """The process-wide defaults; read `defaults.dtype`, write it through `set_default_dtype`."""

    dtype: dtypes.dtype = dtypes.float32


defaults = Defaults()


def get_default_dtype() -> dtypes.dtype:
    """Return the dtype of tensors made from Python floats."""
    return defaults.dtype


def set_default_dtype(d: dtypes.dtype) -> None:
    """Make `d`, a floating dtype, the dtype of tensors made from Python floats."""
    if not (isinstance(d, dtypes.dtype) and d.is_floating_point and d.rank):
        raise TypeError(f"set_default_dtype: expected a floating dtype, got {d!r}")
    defaults.dtype = d


def default_complex() -> dtypes.dtype:
    """Return the dtype of tensors made from Python complex numbers."""
    return defaults.dtype.to_complex()


def of_scalar(value: object) -> dtypes.dtype:
    """Return the dtype that a Python number takes as a tensor."""
    if isinstance(value, bool):
        return dtypes.bool_
    if isinstance(value, int):
        return dtypes.int64
    if isinstance(value, float):
        return defaults.dtype
    if isinstance(value, complex):
        return default_complex()
    raise TypeError(f"expected a Python number, got {value!r}")


LONG_UPDATE = 1 << 10
"""From how many elements on an optimizer's update, of a dozen ops, is one native loop."""

LARGE_ARRAY = 1 << 18
"""From how many elements on eager ops (elementwise, reductions, softmax, optimizers' updates) run as native loops over all
threads instead of NumPy's on one. The one such rule there is. Measured on two cores with AVX-512, NumPy and native code meet at
2^15 elements for exp, 2^16 for a sum and 2^17 for an addition if the threads are awake; to wake them takes some 50 µs more."""
