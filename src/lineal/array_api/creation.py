"""What makes tensors in the array API standard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal import ops
from lineal.array_api.datatypes import result_type, together
from lineal.base import dtypes
from lineal.base.signatures import Device, DType, Number, Tensor
from lineal.core import AbstractTensor
from lineal.tensors import creation, interop

__all__ = [
    "arange",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tril",
    "triu",
    "zeros",
    "zeros_like",
]


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: DType | None = None, device: Device | None = None
) -> Tensor:
    """Return evenly spaced numbers from `start` (or 0) to before `stop`; none where `step` leads away from it."""
    first, last = (0, start) if stop is None else (start, stop)
    if dtype is None:
        dtype = result_type(dtypes.int64, start, last, step)
    if step != 0 and (last - first) / step <= 0:
        last = first
    return ops.arange(first, last, step, dtype=dtype, device=device)


def asarray(obj: Any, /, *, dtype: DType | None = None, device: Device | None = None, copy: bool | None = None) -> Tensor:
    """Return a tensor of numbers, nested sequences, a tensor, or what exports a buffer or DLPack.

    It shares memory where it can, unless `copy`; ValueError where it cannot and `copy` is False.
    """
    if device is None and isinstance(obj, AbstractTensor):
        device = obj.device  # type: ignore[attr-defined]
    return creation.asarray(obj, dtype=dtype, device=device, copy=copy)


def empty(shape: int | Sequence[int], *, dtype: DType | None = None, device: Device | None = None) -> Tensor:
    """Return a tensor of uninitialised memory."""
    return ops.empty(shape, dtype=dtype, device=device)


def empty_like(x: Tensor, /, *, dtype: DType | None = None, device: Device | None = None) -> Tensor:
    """Return a tensor of uninitialised memory in the shape of `x`."""
    return ops.empty_like(x, dtype=dtype, device=device)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: DType | None = None, device: Device | None = None
) -> Tensor:
    """Return a matrix of zeros with ones on the diagonal `k`, above the main one if positive."""
    width = n_rows if n_cols is None else n_cols
    rows, columns = ops.arange(n_rows, device=device), ops.arange(width, device=device)
    ones = ops.ones((), dtype=dtype, device=device)
    return (columns - rows.unsqueeze(-1) == max(-n_rows, min(k, width))).to(ones.dtype)


def from_dlpack(x: Any, /, *, device: Device | None = None, copy: bool | None = None) -> Tensor:
    """Return a tensor over the memory of what exports DLPack; a copy if `copy` says so or the device is another."""
    return interop.from_dlpack(x, device=device, copy=copy)


def full(shape: int | Sequence[int], fill_value: Number, *, dtype: DType | None = None, device: Device | None = None) -> Tensor:
    """Return a tensor of one number."""
    return ops.full(shape, fill_value, dtype=dtype, device=device)


def full_like(x: Tensor, /, fill_value: Number, *, dtype: DType | None = None, device: Device | None = None) -> Tensor:
    """Return a tensor of one number in the shape of `x`."""
    return ops.full_like(x, fill_value, dtype=dtype, device=device)


def linspace(
    start: complex,
    stop: complex,
    /,
    num: int,
    *,
    dtype: DType | None = None,
    device: Device | None = None,
    endpoint: bool = True,
) -> Tensor:
    """Return `num` evenly spaced numbers from `start` to `stop`, which is the last one if `endpoint`."""
    if endpoint:
        return ops.linspace(start, stop, num, dtype=dtype, device=device)
    return ops.linspace(start, stop, num + 1, dtype=dtype, device=device)[:-1]


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Return the coordinates of a grid's points along each axis; with "xy" the first two axes change places."""
    return ops.meshgrid(*together(*arrays), indexing=indexing) if arrays else ()


def ones(shape: int | Sequence[int], *, dtype: DType | None = None, device: Device | None = None) -> Tensor:
    """Return a tensor of ones."""
    return ops.ones(shape, dtype=dtype, device=device)


def ones_like(x: Tensor, /, *, dtype: DType | None = None, device: Device | None = None) -> Tensor:
    """Return a tensor of ones in the shape of `x`."""
    return ops.ones_like(x, dtype=dtype, device=device)


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Return matrices with zeros above the diagonal `k`."""
    return ops.tril(x, k)


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Return matrices with zeros below the diagonal `k`."""
    return ops.triu(x, k)


def zeros(shape: int | Sequence[int], *, dtype: DType | None = None, device: Device | None = None) -> Tensor:
    """Return a tensor of zeros."""
    return ops.zeros(shape, dtype=dtype, device=device)


def zeros_like(x: Tensor, /, *, dtype: DType | None = None, device: Device | None = None) -> Tensor:
    """Return a tensor of zeros in the shape of `x`."""
    return ops.zeros_like(x, dtype=dtype, device=device)
