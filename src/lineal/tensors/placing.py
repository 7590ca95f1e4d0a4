"""Tensors over other memory: `set_`, and `resize_`, which lets memory grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.layouts import Ints, steps
from lineal.base.signatures import Format, Tensor
from lineal.base.spec import sizes
from lineal.core import AbstractTensor, memory_of, modes
from lineal.core.calling import public
from lineal.ops import layout
from lineal.tensors.relocation import is_lone
from lineal.tensors.storages import UntypedStorage, untyped_storage
from lineal.tensors.typedstorages import TypedStorage

__all__ = ["is_set_to", "resize_", "resize_as_", "set_"]


def set_(
    self: Any,
    source: Any = None,
    storage_offset: int = 0,
    size: Sequence[int] | None = None,
    stride: Sequence[int] | None = None,
) -> Tensor:
    """Let this tensor lie in the memory of a tensor or a storage, or in none, where offset and strides say.

    Memory that does not reach so far grows, as by `resize_` of the storage. RuntimeError if this requires grad, if the dtypes
    differ, or if the offset or a stride is negative.
    """
    if self.node is not None:
        raise RuntimeError("set_: cannot be called on a tensor that requires grad; use detach() first")
    listener = modes.recorder.get()
    if listener is not None:
        listener.foreign("set_ puts other memory under a tensor")
    given = source.dtype if isinstance(source, (AbstractTensor, TypedStorage)) else self.dtype  # type: ignore[attr-defined]
    if given is not self.dtype:
        raise RuntimeError(f"set_: Could not set memory of {given} to a tensor of {self.dtype}")
    if isinstance(source, AbstractTensor) and size is None:
        self.value = source.value
    else:
        memory = untyped_storage(source) if isinstance(source, AbstractTensor) else source
        self.value = placed(UntypedStorage() if memory is None else memory.untyped(), self.dtype, storage_offset, size, stride)
    self.origin, self.memory = None, memory_of(source) if isinstance(source, AbstractTensor) else None
    return self


def placed(memory: UntypedStorage, dtype: dtypes.dtype, offset: int, size: Any, stride: Any) -> np.ndarray:
    """Return an array over the memory of a storage, which grows if need be."""
    if offset < 0:
        raise RuntimeError(f"set_: Tensor: invalid storage offset {offset}")
    shape = (max(memory.nbytes() // dtype.itemsize - offset, 0),) if size is None else tuple(size)
    strides = steps(np.empty(shape, dtype.numpy)) if stride is None else tuple(stride)
    if any(each < 0 for each in (*shape, *strides)) or len(shape) != len(strides):
        raise RuntimeError(f"set_: Storage size calculation overflowed with sizes={list(shape)} and strides={list(strides)}")
    return over(memory, shape, dtype, strides, offset * dtype.itemsize)


def over(memory: UntypedStorage, shape: Ints, dtype: dtypes.dtype, strides: Ints, skip: int) -> np.ndarray:
    """Return an array from byte `skip` of a storage on, which grows if need be; strides are counted in elements."""
    needed = skip + layout.extent(shape, strides) * dtype.itemsize
    if 0 in shape:
        return np.empty(shape, dtype.numpy)
    if needed > memory.nbytes():
        memory.resize_(needed)
    return np.ndarray(shape, dtype.numpy, memory._array, skip, [step * dtype.itemsize for step in strides])


def is_set_to(self: Any, tensor: Any) -> bool:
    """Return whether two tensors are one: same memory, place, shape and strides."""
    same = self.untyped_storage() == tensor.untyped_storage() and self.storage_offset() == tensor.storage_offset()
    return same and self.value.shape == tensor.value.shape and self.value.strides == tensor.value.strides


def resize_(self: Any, *size: int | Sequence[int], memory_format: Format | None = None) -> Tensor:
    """Give this tensor another shape in place, over its memory, which grows if need be; new elements are undefined.

    RuntimeError if it requires grad, if a size is negative, or if memory that would have to grow is somebody else's too.
    """
    if self.node is not None:
        raise RuntimeError("resize_: cannot resize variables that require grad")
    shape = sizes("resize_", size)
    if min(shape, default=0) < 0:
        raise RuntimeError(f"resize_: expected sizes that are not negative, got {list(shape)}")
    if shape == self.value.shape:
        return self
    if layout.counted(shape) > self.value.size and self.value.flags.c_contiguous and is_lone(self):
        # to look for others takes milliseconds
        made = np.empty(shape, self.value.dtype)
        made.reshape(-1)[: self.value.size] = self.value.reshape(-1)
        self.value = made
    else:
        memory = untyped_storage(self)
        skip = layout.address(self.value) - memory.data_ptr() if self.value.size else 0
        self.value = over(memory, shape, self.dtype, steps(np.empty(shape, np.bool_)), skip)
    return self


@public
def resize_as_(self: Any, other: Tensor, memory_format: Format | None = None) -> Tensor:
    """Give this tensor the shape of `other` in place; as `resize_`."""
    return self.resize_(other.value.shape)
