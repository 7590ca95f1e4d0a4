"""The memory that tensors lie in, as programs ask for it: how large it is, where, and whether two tensors share it."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from lineal.base import dtypes, sharing
from lineal.base.devices import CPU, as_device
from lineal.base.platforms import FOREIGN
from lineal.base.signatures import Device, DType
from lineal.ops import layout
from lineal.tensors.relocation import freed_of, move, origin_of

__all__ = ["UntypedStorage"]


def row_of(array: np.ndarray) -> np.ndarray:
    """Return the memory of a block as a row of bytes; RuntimeError if it has gaps."""
    if not array.flags.c_contiguous:
        raise RuntimeError(f"storage: memory in gaps (strides {array.strides}) is no row of elements; clone() the tensor")
    return array.reshape(-1).view(np.uint8)


class UntypedStorage:
    """The bytes that a tensor and its views lie in; equal for all that lie in the same.

    `UntypedStorage(8)` has 8 bytes that nobody has written, `UntypedStorage([1, 2])` these.
    """

    filename: str | None = None

    def __init__(self, size: int | Sequence[int] | np.ndarray = 0, device: Device | None = None):
        given: Any = size if isinstance(size, np.ndarray) or size.__class__ in FOREIGN else None
        made = np.empty(size, np.uint8) if isinstance(size, int) else given
        self._array = row_of(np.array(size, np.uint8) if made is None else made)
        self.device = CPU if device is None else as_device(device)

    @classmethod
    def from_file(cls, filename: str | os.PathLike, shared: bool = False, nbytes: int = 0) -> Self:
        """Return the bytes of a file; with `shared` what is written goes to the file, which is made or grows if need be.

        RuntimeError if the file is not shared and has too few bytes.
        """
        found = os.path.getsize(filename) if os.path.exists(filename) else -1
        if not shared and found < nbytes:
            raise RuntimeError(
                f"from_file: file <{filename}> size <{found}> is smaller than the required mapping size <{nbytes}>"
            )
        mode = "c" if not shared else "r+" if found >= 0 else "w+"
        made = cls(np.asarray(np.memmap(filename, np.uint8, mode, shape=(nbytes,))) if nbytes else 0)
        made.filename = os.fspath(filename) if shared else None
        return made

    def data_ptr(self) -> int:
        """Return the address of the first byte, 0 if there is none."""
        return layout.pointer(self._array)

    def nbytes(self) -> int:
        """Return the number of bytes."""
        return self._array.nbytes

    size = __len__ = nbytes

    def element_size(self) -> int:
        """Return the bytes of one element: one."""
        return 1

    def type(self) -> str:
        """Return the name of the type."""
        return "torch.storage.UntypedStorage"

    def elements(self, dtype: dtypes.dtype) -> np.ndarray:
        """Return the memory as a row of elements of a dtype; bytes that do not fill one are left out."""
        return np.ndarray((self.nbytes() // dtype.itemsize,), dtype.numpy, self._array)

    def clone(self) -> Self:
        """Return the same bytes in memory of their own."""
        made = copy.copy(self)
        made._array = self._array.copy()
        return made

    def new(self) -> UntypedStorage:
        """Return a storage of no bytes."""
        return UntypedStorage(0, self.device)

    def cpu(self) -> Self:
        """Return the storage itself, whose bytes are in the host's memory."""
        return self

    def resize_(self, size: int) -> Self:
        """Let the memory have so many bytes, the first of them as before; tensors that lie in it go with it.

        A tensor that no longer fits raises when it is used, until the memory has grown again. RuntimeError if an array of
        NumPy's, or a history, looks into the memory too.
        """
        if size < 0:
            raise RuntimeError(f"resize_: UntypedStorage.resize_: got a negative size, {size}")
        if size != self.nbytes():
            made, kept = np.empty(size, np.uint8), min(size, self.nbytes())
            made[:kept] = self._array[:kept]
            move(self, made, "resize_")
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> Self:
        """Write the bytes of another storage, of as many."""
        if source.nbytes() != self.nbytes():
            raise RuntimeError(
                f"copy_: size does not match, self was {self.nbytes()} bytes but src was {source.nbytes()} bytes"
            )
        self._array[...] = source.untyped()._array
        return self

    def untyped(self) -> UntypedStorage:
        """Return the storage itself."""
        return self

    def fill_(self, value: int) -> Self:
        """Write one number into each byte."""
        self._array[...] = value
        return self

    def byteswap(self, dtype: DType) -> None:
        """Let the bytes of each element of a dtype change their order."""
        elements = self.elements(dtypes.as_dtype(dtype))
        elements.byteswap(inplace=True)

    def tolist(self) -> list[int]:
        """Return the bytes as whole numbers."""
        return self._array.tolist()

    def __getitem__(self, place: Any) -> Any:
        found = self._array[place]
        return UntypedStorage(found, self.device) if isinstance(place, slice) else int(found)

    def __setitem__(self, place: Any, number: Any) -> None:
        self._array[place] = number

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def share_memory_(self) -> Self:
        """Move the bytes, and the tensors that lie in them, to memory that other processes see; as `resize_`."""
        if not self.is_shared():
            move(self, sharing.new_array(self._array), "share_memory_")
        return self

    def is_shared(self) -> bool:
        """Return whether other processes may see this memory."""
        return sharing.memory_of(self._array) is not None

    def is_pinned(self, device: Any = "cuda") -> bool:
        """Return whether the memory is kept where a device can read it: never."""
        return False

    def pin_memory(self, device: Any = "cuda") -> Self:
        """Return the storage itself; page-locked memory has no use without a GPU."""
        return self

    def resizable(self) -> bool:
        """Return whether the memory may grow: not if it is a file's, or somebody else's who does not use NumPy."""
        return origin_of(self._array).base is None

    @property
    def is_cuda(self) -> bool:
        """Whether the memory is a CUDA device's."""
        return self.device.type == "cuda"

    @property
    def _cdata(self) -> int:
        return layout.address(self._array) if self._array.size else 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and (self._cdata, self.nbytes()) == (other._cdata, other.nbytes())

    def __hash__(self) -> int:
        return hash((self._cdata, self.nbytes()))

    def __copy__(self) -> UntypedStorage:
        return UntypedStorage(self._array.copy(), self.device)

    def __deepcopy__(self, memo: dict) -> UntypedStorage:
        return memo.setdefault(id(self), self.__copy__())

    def __reduce__(self) -> tuple:
        return UntypedStorage, (self._array,)

    def __repr__(self) -> str:
        return listed(self, f"UntypedStorage(device={self.device})")


def listed(storage: Any, name: str) -> str:
    """Return the elements of a storage line by line, and what it is."""
    lines = [f" {each}" for each in storage]
    return "\n".join([*lines, f"[torch.storage.{name} of size {len(storage)}]"])


def untyped_storage(self: Any) -> UntypedStorage:
    """Return the memory that the tensor lies in, as bytes."""
    freed = freed_of(self)
    if freed is not None:
        return UntypedStorage(freed.memory)
    root = layout.block(self.value)[0]
    # what NumPy's `as_strided` made looks into an object that is no array
    return UntypedStorage(root if root.flags.c_contiguous else layout.block(origin_of(root))[0], self.device)
