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
"""From how many elements on, of all parameters of a kind, an optimizer's updates, of a dozen ops each, are one native loop."""

LARGE_NARROW = 1 << 10
"""From how many elements on ops of half precisions are native loops: NumPy and ml_dtypes convert these one by one."""

LARGE_ARRAY, LARGE_FORMULA = 1 << 17, 1 << 12
"""From how many elements on eager ops run as native loops, over all threads where that pays, instead of NumPy's on one: what
NumPy does in one pass of vectors, as an addition, and what it does in several or number by number: other elementwise ops,
reductions along axes, formulas over rows. The one such rule there is. Measured with AVX-512: a native call takes 3 µs more than
NumPy's. NumPy and native code meet at 1,000 elements for gelu and softmax, at 4,000 for a sum of rows and relu, at 2^17 for an
addition by two threads."""

LARGE_PRODUCT, LARGE_AFFINE = 1 << 20, 1 << 19
"""From how many multiplications on products of matrices in single precision, and those to which a row is added, are native, by
threads of the one pool. By one thread they are then as fast as BLAS, those with a row 1.3 times as fast (measured, 2026-11-30);
BLAS has threads of its own, and the two kinds of threads wait for the same processors."""

LONG_SCAN = 1 << 10
"""From how many elements on scans are native code (measured, 2026-11-30); shorter ones too, once there were a thousand of them,
number by number as NumPy's are."""
