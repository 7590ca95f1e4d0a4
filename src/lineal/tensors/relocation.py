"""Memory that grows, shrinks or moves under the tensors that lie in it.

An array of NumPy's stays where it is, so each tensor over the memory gets another one. They are found among all objects that
Python's garbage collector knows, which takes milliseconds; nothing has to be written down for that when tensors are made.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from lineal.core import AbstractTensor, modes
from lineal.ops import layout

__all__ = ["Freed", "freed_of", "is_lone", "move", "origin_of"]

SLOT: Any = AbstractTensor.__dict__["value"]


class Freed:
    """Stands for the array of a tensor whose memory has become too small for it, until that grows again."""

    __slots__ = ("dtype", "memory", "ndim", "offset", "shape", "strides")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, strides: tuple[int, ...], offset: int, memory: np.ndarray):
        self.shape, self.ndim, self.dtype = shape, len(shape), dtype
        self.strides, self.offset, self.memory = strides, offset, memory

    def refuse(self, *_: Any, **__: Any) -> NoReturn:
        """Raise RuntimeError."""
        raise RuntimeError(
            f"storage: a tensor of shape {list(self.shape)} was used whose storage has been resized to {self.memory.nbytes} "
            "bytes, too few for it; resize_ the storage before"
        )

    def __getattr__(self, name: str) -> Any:
        return self.refuse()

    __array__ = __array_ufunc__ = __array_function__ = __array_namespace__ = refuse
    __getitem__ = __setitem__ = __len__ = __iter__ = __bool__ = refuse


def freed_of(x: AbstractTensor) -> Freed | None:
    """Return what stands for the array of a tensor whose memory is too small for it; None for any other tensor."""
    value: Any = x.value
    return value if value.__class__ is Freed else None


def origin_of(value: Any) -> Any:
    """Return the array at the end of the chain of those that `value` looks into: the one that has the memory."""
    origin = value.memory if value.__class__ is Freed else value
    holder = origin
    while holder is not None:
        origin = holder if isinstance(holder, np.ndarray) else origin
        holder = getattr(holder, "base", None)
    return origin


def array_of(x: Any) -> Any:
    """Return a tensor's array, or what stands for it; None for what has none yet."""
    try:
        return SLOT.__get__(x)
    except AttributeError:
        return None


def counts(arrays: Sequence[Any]) -> list[int]:
    """Return how many references there are to each array of a list."""
    return [sys.getrefcount(each) for each in arrays]


IN_LIST = counts([np.empty(0)])[0]
"""What `counts` says of an array that its list alone refers to."""


def is_lone(x: AbstractTensor) -> bool:
    """Return whether a tensor's array has its memory itself, and nobody but the tensor refers to it."""
    return x.value.base is None and counts([x.value])[0] == IN_LIST + 1


def move(storage: Any, made: np.ndarray, name: str) -> None:
    """Let all tensors that lie in the memory of a storage, and all objects like it, lie in the bytes `made` instead.

    RuntimeError names `name` if anything else looks into that memory, an array of NumPy's or what a history keeps: it would be
    left behind.
    """
    listener = modes.recorder.get()
    if listener is not None:
        listener.foreign(f"{name} puts other memory under tensors")
    origin = [origin_of(storage._array)]
    objects = gc.get_objects()
    xs = [each for each in objects if issubclass(type(each), AbstractTensor) and origin_of(array_of(each)) is origin[0]]
    storages = [each for each in objects if type(each) is type(storage) and origin_of(each._array) is origin[0]]
    del objects
    if not are_all(origin, [array_of(each) for each in xs] + [each._array for each in storages]):
        raise RuntimeError(
            f"{name}: storage that is not resizable: an array of NumPy's, or what a history keeps, looks into its "
            f"{storage.nbytes()} bytes and would be left behind; clone() the tensor first"
        )
    start = layout.address(origin[0])
    for x in xs:
        x.value = placed_in(made, x.value, start)
    for each in storages:
        each._array = made


def are_all(origin: list[Any], values: list[Any]) -> bool:
    """Return whether only the holders of these arrays refer to them, and to the one in `origin`, which has the memory."""
    distinct = list({id(each): each for each in [*values, origin[0]]}.values())
    for array, references in zip(distinct, counts(distinct)):
        # each holder refers to its array, and so does `values`; the others look into the origin
        known = IN_LIST + 2 * sum(each is array for each in values) + (len(distinct) if array is origin[0] else 0)
        if references > known and array.__class__ is not Freed:
            return False
    return True


def placed_in(made: np.ndarray, value: Any, start: int) -> Any:
    """Return the array over the bytes `made` that lies as `value` in memory that began at the address `start`."""
    offset = value.offset if value.__class__ is Freed else layout.address(value) - start
    shape, strides, dtype = value.shape, value.strides, value.dtype
    reach = offset + layout.extent(shape, strides) - 1 + dtype.itemsize if 0 not in shape else 0
    if reach > made.nbytes:
        return Freed(shape, dtype, strides, offset, made)
    return np.ndarray(shape, dtype, made, offset if 0 not in shape else 0, strides)
