"""Where CPython and NumPy keep what emitted code reads: found by looking at live objects, never assumed.

`ndarray()` is None where the search fails (another Python, another NumPy); calls then go the slow way.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from dataclasses import dataclass
from functools import cache
from types import CellType

import numpy as np

# no field that is looked for lies further into its object
REACH = 128


@dataclass(frozen=True)
class ArrayLayout:
    """Byte offsets of an ndarray's fields."""

    type: int
    data: int
    ndim: int
    shape: int
    strides: int
    dtype: int
    flags: int
    number: int
    """Where a dtype keeps NumPy's number of it."""


def word(address: int, size: int = 8) -> int:
    """Return the whole number of `size` bytes at an address."""
    return int.from_bytes(ctypes.string_at(address, size), sys.byteorder)


def offset_of(pointer: int, thing: object, reach: int = REACH) -> int:
    """Return where in `thing` a pointer lies; LookupError if nowhere."""
    reach = min(reach, sys.getsizeof(thing, reach))
    for offset in range(0, reach - 7, 8):
        if word(id(thing) + offset) == pointer:
            return offset
    raise LookupError(f"layout: expected to find a field of {type(thing).__name__}, got none")


def probed() -> ArrayLayout:
    sample = np.empty((3, 5, 7), np.float32)[:, 1:3, ::2]
    data, dtype = offset_of(sample.ctypes.data, sample), offset_of(id(sample.dtype), sample)
    ndim = data + 8
    shape, strides = data + 16, data + 24
    flags = dtype + 8
    layout = ArrayLayout(offset_of(id(np.ndarray), sample, 32), data, ndim, shape, strides, dtype, flags, offset_of_number())
    for each in (sample, np.zeros((2, 2)), np.zeros(4, np.int8)):
        if read(layout, each) != (each.ctypes.data, each.ndim, each.shape, each.strides, id(each.dtype), each.flags.num):
            raise LookupError("layout: expected the fields of an ndarray, got something else")
    return layout


def offset_of_number() -> int:
    """Return where a dtype keeps NumPy's number of it; LookupError if nowhere."""
    samples = [np.dtype(each) for each in (np.float16, np.float32, np.int64, np.complex128, np.bool_)]
    for offset in range(16, 64, 4):
        if all(word(id(each) + offset, 4) == each.num for each in samples):
            return offset
    raise LookupError("layout: expected to find the number of a dtype, got none")


def read(layout: ArrayLayout, array: np.ndarray) -> tuple:
    """Return the fields of an array as emitted code would read them."""
    base = id(array)
    ndim = word(base + layout.ndim, 4)
    if ndim != array.ndim:
        raise LookupError("layout: expected the number of dimensions of an ndarray, got something else")
    longs = ctypes.c_ssize_t * ndim
    shape = tuple(longs.from_address(word(base + layout.shape)))
    strides = tuple(longs.from_address(word(base + layout.strides)))
    return word(base + layout.data), ndim, shape, strides, word(base + layout.dtype), word(base + layout.flags, 4)


@cache
def ndarray() -> ArrayLayout | None:
    """Return the layout of ndarrays, or None if it is not what emitted code can read."""
    if sys.implementation.name != "cpython" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    try:
        return probed()
    except LookupError:
        return None


NEW_FROM_DESCR, COPY_INTO = 94, 50
"""The place of PyArray_NewFromDescr in the table of NumPy's C API, part of its binary interface since 1.0."""


def numpy_function(place: int) -> int:
    """Return the address of a function of NumPy's C API, by its place in the table that modules in C are compiled against."""
    capsule = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]
    look = ctypes.pythonapi.PyCapsule_GetPointer
    look.restype, look.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return word(look(capsule, None) + 8 * place)


def slot(thing: object, value: object) -> int:
    """Return the byte offset at which `thing`, an object with __slots__, refers to `value`; LookupError if nowhere."""
    return offset_of(id(value), thing)


@cache
def offset_in_float() -> int:
    """Return the byte offset at which a Python float keeps its number."""
    sample = float(np.pi)
    return offset_of(int.from_bytes(struct.pack("d", sample), sys.byteorder), sample)


@cache
def offset_in_cell() -> int:
    """Return the byte offset at which a cell refers to what it holds."""
    value = object()
    return offset_of(id(value), CellType(value))


@cache
def offsets_in_function() -> dict[str, int]:
    """Return the byte offsets at which a function refers to its code and its defaults."""

    def sample(x: int = REACH, *, y: int = REACH) -> None: ...

    names = ("__code__", "__defaults__", "__kwdefaults__")
    return {name: offset_of(id(getattr(sample, name)), sample) for name in names}


VERSION = 384
"""Where a class of CPython 3.11 to 3.14 keeps the number that is another one after each change of what it or a base defines."""


@cache
def versions_are_readable() -> bool:
    """Return whether classes keep such numbers where they are looked for."""
    if sys.implementation.name != "cpython" or not (3, 11) <= sys.version_info < (3, 15):
        return False

    class Base:
        mark = 0

    class Sample(Base): ...

    seen = {class_version(Sample)}
    for holder, value in ((Base, 1), (Sample, 2), (Base, 3), (Base, 4)):
        holder.mark = value
        seen.add(class_version(Sample))
    return len(seen) == 5 and 0 not in seen and class_version(Sample) == class_version(Sample)


def class_version(kind: type) -> int:
    """Return the number of a class's present state; 0 if it has none."""
    look = ctypes.pythonapi._PyType_Lookup
    look.restype, look.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.py_object]
    # a class that was changed is numbered anew when it is looked at
    look(kind, "__doc__")
    return word(id(kind) + VERSION, 4)


@cache
def references_are_readable() -> bool:
    """Return whether the first four bytes of an object are the number of references to it."""
    sample, holders = np.empty(1), []
    for _ in range(3):
        # getrefcount does not say: what it is given counts as one more, or not, as Python's version has it
        if word(id(sample), 4) != 1 + len(holders):
            return False
        holders.append(sample)
    return True
