"""NumPy's arrays in PyTorch's files, as NumPy pickles them: what its instructions name, cut to arrays of numbers and texts."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

__all__ = ["ARRAY_NAMES", "fill_array", "is_storable", "reduced"]

KINDS = "biufcSU"
"""The kinds of dtypes whose numbers are their bytes."""
CODE = re.compile(rf"[{KINDS}]\d{{1,9}}")


def is_storable(value: Any) -> bool:
    """Return whether a value is an array of numbers or texts, or the dtype of one."""
    dtype = value if isinstance(value, np.dtype) else value.dtype if type(value) is np.ndarray else None
    return dtype is not None and dtype.kind in KINDS and dtype.names is None and dtype.metadata is None


def reduced(value: Any) -> tuple[str, list[Any], tuple]:
    """Return the name of the function that makes an array or a dtype, its arguments, and the state that follows."""
    function, arguments, state = value.__reduce__()
    return f"{function.__module__}.{function.__name__}", [*arguments], state


def reconstructed(cls: Any, shape: Any, code: Any) -> np.ndarray:
    """Return the array that its state will fill."""
    if cls is not np.ndarray:
        raise ValueError(f"an array of the class {getattr(cls, '__name__', cls)}")
    return np.zeros(0, np.int8)


def dtype_of_code(code: Any, align: Any = False, copy: Any = True) -> np.dtype:
    """Return the dtype of a code such as `f8`."""
    if not isinstance(code, str) or not CODE.fullmatch(code):
        raise ValueError(f"an array of the dtype {code!r}")
    return np.dtype(code, copy=True)


def fill_array(thing: Any, state: Any) -> None:
    """Give an array its numbers, or a dtype its byte order; ValueError if the state is none that NumPy writes for these."""
    if isinstance(thing, np.dtype):
        if not isinstance(state, tuple) or len(state) != 8 or state[1] not in ("<", ">", "|", "=") or any(state[2:5]):
            raise ValueError(f"a dtype of the state {state!r}")
        sizes = (thing.itemsize, thing.alignment, thing.flags) if thing.kind in "SU" else (-1, -1, 0)
        thing.__setstate__((3, state[1], None, None, None, *sizes))  # type: ignore[attr-defined]
        return
    version, shape, dtype, in_columns, data = state
    if not is_storable(dtype) or not isinstance(data, bytes) or not all(type(each) is int and each >= 0 for each in shape):
        raise ValueError("an array of other things than numbers and texts")
    thing.__setstate__((version, shape, dtype, in_columns is True, data))


ARRAY_NAMES: dict[str, Any] = {
    "numpy.ndarray": np.ndarray,
    "numpy.dtype": dtype_of_code,
    "numpy._core.multiarray._reconstruct": reconstructed,
    "numpy.core.multiarray._reconstruct": reconstructed,
}
"""What the names stand for, of NumPy 2 and those before."""
