"""The memory that tensors lie in, as programs ask for it: how large it is, where, and whether two tensors share it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from lineal.base import dtypes, sharing
from lineal.base.devices import CPU, device
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, memory_of, modes
from lineal.ops import layout

__all__ = ["TypedStorage", "UntypedStorage"]


class UntypedStorage:
    """The bytes that a tensor and its views lie in; equal for all that lie in the same."""

    def __init__(self, array: np.ndarray | int = 0, where: device = CPU):
        self._array = np.empty(array, np.uint8) if isinstance(array, int) else array
        self.device = where

    def data_ptr(self) -> int:
        """Return the address of the first byte, 0 if there is none."""
        return layout.address(self._array) if self._array.size else 0

    def nbytes(self) -> int:
        """Return the number of bytes."""
        return self._array.nbytes

    size = __len__ = nbytes

    def element_size(self) -> int:
        """Return the bytes of one element: one."""
        return 1

    def _bytes(self) -> np.ndarray:
        return np.frombuffer(self._array.tobytes(order="A"), np.uint8)

    def elements(self, dtype: dtypes.dtype) -> np.ndarray:
        """Return the memory as a row of elements of a dtype."""
        if not self._array.flags.c_contiguous:
            raise RuntimeError(
                f"storage: memory in gaps (strides {self._array.strides}) is no row of elements; clone() the tensor"
            )
        return self._array.reshape(-1).view(dtype.numpy)

    def clone(self) -> Self:
        """Return the same numbers in memory of their own."""
        made = copy.copy(self)
        made._array = self._array.copy()
        return made

    def resize_(self, size: int) -> Self:
        """Refuse another size: memory that tensors lie in keeps its own."""
        if size != self.nbytes():
            raise RuntimeError(f"resize_: memory of {self.nbytes()} bytes cannot become {size} bytes; make a new tensor")
        return self

    def tolist(self) -> list[Any]:
        """Return the bytes as whole numbers."""
        return self._bytes().tolist()

    def __getitem__(self, place: Any) -> Any:
        found = self._bytes()[place]
        return found.item() if found.ndim == 0 else found.tolist()

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def is_shared(self) -> bool:
        """Return whether other processes may see this memory."""
        return sharing.memory_of(self._array) is not None

    def is_pinned(self, device: Any = "cuda") -> bool:
        """Return whether the memory is kept where a device can read it: never."""
        return False

    def resizable(self) -> bool:
        """Return whether the memory may grow: never."""
        return False

    @property
    def is_cuda(self) -> bool:
        """Whether the memory is a CUDA device's."""
        return self.device.type == "cuda"

    @property
    def _cdata(self) -> int:
        return self.data_ptr()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and (self.data_ptr(), self.nbytes()) == (other.data_ptr(), other.nbytes())

    def __hash__(self) -> int:
        return hash((self.data_ptr(), self.nbytes()))

    def __repr__(self) -> str:
        return f"[torch.storage.{type(self).__name__}(device={self.device}) of size {len(self)}]"


class TypedStorage(UntypedStorage):
    """The memory that a tensor lies in, as elements of the tensor's dtype."""

    def __init__(self, array: np.ndarray, where: device, dtype: dtypes.dtype):
        super().__init__(array, where)
        self.dtype = dtype

    def untyped(self) -> UntypedStorage:
        """Return the same memory as bytes."""
        return UntypedStorage(self._array, self.device)

    def element_size(self) -> int:
        """Return the bytes of one element."""
        return self.dtype.itemsize

    def size(self) -> int:
        """Return the number of elements."""
        return self.nbytes() // self.dtype.itemsize

    __len__ = size

    def __setitem__(self, place: Any, number: Any) -> None:
        self.elements(self.dtype)[place] = number

    def fill_(self, value: Any) -> Self:
        """Write one number into all of the memory."""
        self.elements(self.dtype)[...] = value
        return self

    def _bytes(self) -> np.ndarray:
        return np.frombuffer(self._array.tobytes(order="A"), self._array.dtype)

    def __repr__(self) -> str:
        return f"[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) of size {len(self)}]"


def untyped_storage(self: Any) -> UntypedStorage:
    """Return the memory that the tensor lies in, as bytes."""
    return UntypedStorage(layout.block(self.value)[0], self.device)


def storage(self: Any) -> TypedStorage:
    """Return the memory that the tensor lies in, as elements of its dtype."""
    return TypedStorage(layout.block(self.value)[0], self.device, self.dtype)


def set_(
    self: Any,
    source: Any = None,
    storage_offset: int = 0,
    size: Sequence[int] | None = None,
    stride: Sequence[int] | None = None,
) -> Tensor:
    """Let this tensor lie in the memory of a tensor or a storage of its dtype, or in none, where offset and strides say.

    RuntimeError if it requires grad, if the dtypes differ, or if the memory does not reach so far.
    """
    if self.node is not None:
        raise RuntimeError("set_: cannot be called on a tensor that requires grad; use detach() first")
    listener = modes.recorder.get()
    if listener is not None:
        listener.foreign("set_ puts other memory under a tensor")
    given = source.dtype if isinstance(source, (AbstractTensor, TypedStorage)) else self.dtype  # type: ignore[attr-defined]
    if given is not self.dtype:
        raise RuntimeError(f"set_: Could not set memory of {given} to a tensor of {self.dtype}")
    whole = source.value if isinstance(source, AbstractTensor) and size is None else None
    self.value = whole if whole is not None else placed(source, self.dtype, storage_offset, size, stride)
    self.origin, self.memory = None, memory_of(source) if isinstance(source, AbstractTensor) else None
    return self


def placed(source: Any, dtype: dtypes.dtype, offset: int, size: Any, stride: Any) -> np.ndarray:
    """Return an array over the memory of a tensor or a storage, or over none."""
    memory = untyped_storage(source) if isinstance(source, AbstractTensor) else source
    row = np.empty(0, dtype.numpy) if memory is None else memory.elements(dtype)
    shape = (row.size - offset,) if size is None else tuple(size)
    steps = tuple(each // dtype.itemsize for each in np.empty(shape, dtype.numpy).strides) if stride is None else tuple(stride)
    reach = offset + (1 + sum((count - 1) * step for count, step in zip(shape, steps)) if 0 not in shape else 0)
    if reach > row.size or offset < 0 or any(step < 0 for step in steps):
        raise RuntimeError(f"set_: shape {list(shape)} at {offset} with strides {list(steps)} is out of {row.size} elements")
    return np.lib.stride_tricks.as_strided(row[offset:], shape, [step * dtype.itemsize for step in steps])


def is_set_to(self: Any, tensor: Any) -> bool:
    """Return whether two tensors are one: same memory, place, shape and strides."""
    same = self.untyped_storage() == tensor.untyped_storage() and self.storage_offset() == tensor.storage_offset()
    return same and self.value.shape == tensor.value.shape and self.value.strides == tensor.value.strides


def apply_(self: Any, callable: Any) -> Tensor:
    """Replace each element by what a function of Python's makes of it; slow, and of tensors without history."""
    return mapped(self, "apply_", callable, self)


def map_(self: Any, tensor: AbstractTensor, callable: Any) -> Tensor:
    """Replace each element by what a function of Python's makes of it and the element of `tensor` at its place."""
    shape = self.value.shape
    if np.broadcast_shapes(shape, tensor.value.shape) != shape:
        raise RuntimeError(f"map_: expected a tensor that can be expanded to {list(shape)}, got {list(tensor.value.shape)}")
    return mapped(self, "map_", callable, self, tensor.expand(shape))  # type: ignore[attr-defined]


def mapped(self: Any, name: str, function: Any, *xs: Any) -> Any:
    """Write into a tensor, in place, what a function makes of the elements of others."""
    if any(each.requires_grad for each in xs):
        raise RuntimeError(f"{name}: cannot be called on a tensor that requires grad; use detach() first")
    columns = [each.detach().reshape(-1).tolist() for each in xs]
    made = self.new_tensor([function(*row) for row in zip(*columns)]) if self.value.size else self.new_empty((0,))
    return self.copy_(made.reshape(self.shape))
