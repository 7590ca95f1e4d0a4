"""The memory that tensors lie in, as programs ask for it: how large it is, where, and whether two tensors share it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lineal.base import dtypes, sharing
from lineal.base.devices import device
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor
from lineal.ops import layout

__all__ = ["TypedStorage", "UntypedStorage"]


class UntypedStorage:
    """The bytes that a tensor and its views lie in; equal for all that lie in the same."""

    def __init__(self, array: np.ndarray, where: device):
        self._array, self.device = array, where

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
