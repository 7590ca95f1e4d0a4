"""The storages of a file, and the tensors that lie over them: those of one storage share its memory."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.devices import CPU, as_device, device
from lineal.base.platforms import PLATFORMS, moved
from lineal.base.spec import MOST_DIMENSIONS
from lineal.core import lift, memory_of
from lineal.ops.layout import extent, restride
from lineal.serialization.errors import UnavailableError
from lineal.tensors.storages import UntypedStorage

__all__ = ["Block", "Part", "default_restore_location", "native", "placed", "tensor_over"]

MapLocation = str | device | int | Mapping[str, str] | Callable[[Any, str], Any] | None


class Block:
    """A storage of the file: `size` bytes, which are read when the first tensor over them says of which dtype they are.

    `fetch(storage, count)` reads them. It is `pending` if its numbers come later in the file.
    """

    def __init__(self, size: int, dtype: dtypes.dtype | None, fetch: Any):
        self.size, self.dtype, self.fetch, self.pending = size, dtype, fetch, False
        self.root: Any = None
        """The tensor of all numbers, as soon as there is one."""

    def whole(self, dtype: dtypes.dtype | None) -> Any:
        """Return the tensor of all numbers; ValueError if they were read as another dtype, or are no whole number of them."""
        dtype = dtype or self.dtype
        if dtype is None or self.size % dtype.itemsize or (self.root is not None and self.root.dtype is not dtype):
            raise ValueError(f"a storage of {self.size} bytes is read as {dtype}")
        if self.root is None:
            self.root = lift(self.fetch(dtype.numpy, self.size // dtype.itemsize))
            # whoever fetches knows this block: without this the numbers would wait for the garbage collector
            del self.fetch
        return self.root


class Part(Block):
    """A piece of another storage, as the oldest files name it."""

    def __init__(self, owner: Block, start: int, count: int, dtype: dtypes.dtype):
        super().__init__(count * dtype.itemsize, dtype, None)
        if start < 0 or count < 0 or (start + count) * dtype.itemsize > owner.size:
            raise ValueError(f"a piece of {count} numbers from {start} on, of a storage of {owner.size} bytes")
        self.owner, self.start, self.count = owner, start, count

    def whole(self, dtype: dtypes.dtype | None) -> Any:
        return self.owner.whole(dtype or self.dtype)[self.start : self.start + self.count]


def tensor_over(block: Any, offset: Any, size: Sequence[int], stride: Sequence[int], dtype: Any = None) -> Any:
    """Return the tensor of a shape, strides and an offset, in elements, over a storage; ValueError if it reaches outside."""
    if not isinstance(block, Block) or not (dtype is None or isinstance(dtype, dtypes.dtype)):
        raise ValueError(f"a tensor over {type(block).__name__}, where a storage should be")
    shape, steps = tuple(map(operator.index, size)), tuple(map(operator.index, stride))
    first = operator.index(offset)
    if len(shape) != len(steps) or len(shape) > MOST_DIMENSIONS or min((*shape, *steps, first)) < 0:
        raise ValueError(f"a tensor of size {list(shape)}, strides {list(steps)} and offset {first}")
    root = block.whole(dtype)
    count = root.value.size
    if first + extent(shape, steps) > count:
        raise ValueError(f"a tensor of size {list(shape)} and strides {list(steps)} from {first} on, over {count} numbers")
    width = root.value.itemsize
    if 0 in shape:
        return lift(np.empty(shape, root.value.dtype))
    y = lift(restride(root.value[first:], shape, tuple([step * width for step in steps])))
    y.memory = memory_of(root)
    return y


def native(array: np.ndarray, order: str) -> np.ndarray:
    """Return an array that a file holds in a byte order, "little" or "big", in the machine's; checks truth values."""
    if order != sys.byteorder:
        parts = array.view(f"u{array.itemsize // (2 if array.dtype.kind == 'c' else 1)}")
        parts.byteswap(inplace=True)
    if array.dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise ValueError("truth values that are neither 0 nor 1")
    return array


def default_restore_location(storage: UntypedStorage, location: str) -> UntypedStorage:
    """Return a storage where a file says that it was; RuntimeError if there is no such device here."""
    return UntypedStorage(placed(storage._array, location, None), device(location))


def placed(array: np.ndarray, location: str, map_location: MapLocation) -> Any:
    """Return the numbers of a storage on the device that `map_location`, or else the file, wants them on."""
    if isinstance(map_location, Mapping):
        location, map_location = map_location.get(location, location), None
    if callable(map_location):
        found = map_location(UntypedStorage(array, CPU), location)
        if found is not None:
            if not isinstance(found, UntypedStorage):
                raise TypeError(f"load: map_location returned {type(found).__name__}, where a storage should come")
            return found._array if found._array.dtype == array.dtype else found._array.reshape(-1).view(array.dtype)
        map_location = None
    wanted: Any = location if map_location is None else map_location
    try:
        return moved(array, PLATFORMS[as_device(wanted).type])
    except RuntimeError as error:
        raise UnavailableError(
            f"load: the file has a tensor on {wanted}, which is not available here; use map_location='cpu' to load it ({error})"
        ) from error
