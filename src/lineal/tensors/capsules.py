"""Dtypes that DLPack has while NumPy's exchange has not: such arrays cross as unsigned integers, and the capsule says which.

A capsule holds the address of a record in C; of a tensor's dtype it has a code (1 for unsigned integers, 4 for bfloat16) and a
number of bits. Source: dlpack.h, versions 0.8 and 1.0, https://dmlc.github.io/dlpack/latest/c_api.html.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from lineal.base import dtypes

__all__ = ["Held", "Recoded", "Writable", "recoded"]

EXTENSIONS = {each.dlpack: each for each in dtypes.ALL if each.extension}
POINTER = ctypes.sizeof(ctypes.c_void_p)
# data, device (two ints of 32 bits) and the number of dimensions stand before the dtype
BEFORE = POINTER + 8 + 4
# version, manager, deleter and flags stand before the tensor where the capsule is versioned
VERSIONED = 8 + 2 * POINTER + 8

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
_name = ctypes.pythonapi.PyCapsule_GetName
_name.restype, _name.argtypes = ctypes.c_char_p, (ctypes.py_object,)


def start_of(capsule: Any) -> int:
    """Return the address of the tensor's record that an unused capsule holds."""
    name = _name(capsule)
    if name not in (b"dltensor", b"dltensor_versioned"):
        raise BufferError(f"from_dlpack: expected a capsule that nobody has used yet, got {name!r}")
    return _pointer(capsule, name) + (VERSIONED if name == b"dltensor_versioned" else 0)


def place_of(capsule: Any) -> ctypes.c_uint8:
    """Return where an unused capsule keeps the code of its dtype."""
    return ctypes.c_uint8.from_address(start_of(capsule) + BEFORE)


def recoded(capsule: Any, code: int) -> Any:
    """Return the capsule, its dtype called another of as many bits."""
    place_of(capsule).value = code
    return capsule


class Recoded:
    """An exporter of a dtype that NumPy has not, which it takes for one of unsigned integers."""

    def __init__(self, exporter: Any):
        self.exporter = exporter
        self.dtype: dtypes.dtype | None = None
        """What the exporter's capsule said, if it is a dtype that NumPy has not."""
        self.mute = False
        """Whether the capsule is of the kind without a version, which cannot say that memory is read-only."""

    def __dlpack__(self, **options: Any) -> Any:
        capsule = self.exporter.__dlpack__(**options)
        self.mute = _name(capsule) == b"dltensor"
        self.dtype = EXTENSIONS.get(place_of(capsule).value)
        return capsule if self.dtype is None else recoded(capsule, dtypes.uint8.dlpack)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.exporter.__dlpack_device__()


class Writable:
    """An array that NumPy takes for read-only, offered as one that may be written."""

    def __init__(self, array: np.ndarray):
        self.array = array
        form = array.__array_interface__
        self.__array_interface__ = {**form, "data": (form["data"][0], False)}


class Held:
    """The exporter of a capsule that has been made already, and that nobody has used."""

    def __init__(self, capsule: Any):
        start_of(capsule)
        self.capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        kind, number = (ctypes.c_int32 * 2).from_address(start_of(self.capsule) + POINTER)
        return kind, number
