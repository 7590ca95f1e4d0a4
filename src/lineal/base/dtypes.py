"""The dtypes: PyTorch's names over NumPy's (and ml_dtypes') storage types, and the rules of type promotion.

A Python `bool` promotes like bool, `int` like int64, `float` like the default dtype, `complex` like the default complex dtype,
but only across categories: bool < integer < floating < complex. Zero-dimensional tensors promote like Python scalars against
tensors with dimensions. Source of the rules: PyTorch, "Tensor Attributes: type promotion".
"""

from __future__ import annotations

import enum
from typing import Any

import numpy as np

from lineal.base import later

ml_dtypes: Any = later.module("ml_dtypes")


class Category(enum.IntEnum):
    """What a dtype can hold; a higher category wins over any lower one."""

    BOOL = 0
    INTEGER = 1
    FLOATING = 2
    COMPLEX = 3


class dtype:  # noqa: N801
    """A PyTorch dtype; `dtype.numpy` is the NumPy dtype that stores it. There is one instance per name."""

    __slots__ = ("__weakref__", "category", "is_complex", "is_floating_point", "is_signed", "itemsize", "name", "numpy")

    numpy: np.dtype

    def __init__(self, name: str, storage: type | None, category: Category, itemsize: int):
        self.name = name
        self.category = category
        self.itemsize = itemsize
        self.is_floating_point = category is Category.FLOATING
        self.is_complex = category is Category.COMPLEX
        self.is_signed = category >= Category.FLOATING or name.startswith("int")
        if storage is not None:
            self.numpy = np.dtype(storage)

    def __getattr__(self, name: str) -> np.dtype:
        if name != "numpy":
            raise AttributeError(f"dtype: {self!r} has no attribute {name}")
        # bfloat16 alone: ml_dtypes takes as long to import as a third of NumPy, so it waits for the first use
        self.numpy = np.dtype(getattr(ml_dtypes, self.name))
        BY_NUMPY[self.numpy] = self
        return self.numpy

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str | tuple:
        return (named, (self.name,))

    def __copy__(self) -> dtype:
        return self

    def __deepcopy__(self, memo: dict) -> dtype:
        return self

    def to_complex(self) -> dtype:
        """Return the complex dtype whose parts have this dtype (complex64 for the half precisions)."""
        if self.is_complex:
            return self
        return complex128 if self is float64 else complex64

    def to_real(self) -> dtype:
        """Return the dtype of the parts of this complex dtype; any other dtype is its own."""
        if not self.is_complex:
            return self
        return float64 if self is complex128 else float32


bool_ = dtype("bool", np.bool_, Category.BOOL, 1)
uint8 = dtype("uint8", np.uint8, Category.INTEGER, 1)
uint16 = dtype("uint16", np.uint16, Category.INTEGER, 2)
uint32 = dtype("uint32", np.uint32, Category.INTEGER, 4)
uint64 = dtype("uint64", np.uint64, Category.INTEGER, 8)
int8 = dtype("int8", np.int8, Category.INTEGER, 1)
int16 = dtype("int16", np.int16, Category.INTEGER, 2)
int32 = dtype("int32", np.int32, Category.INTEGER, 4)
int64 = dtype("int64", np.int64, Category.INTEGER, 8)
float16 = dtype("float16", np.float16, Category.FLOATING, 2)
bfloat16 = dtype("bfloat16", None, Category.FLOATING, 2)
float32 = dtype("float32", np.float32, Category.FLOATING, 4)
float64 = dtype("float64", np.float64, Category.FLOATING, 8)
complex64 = dtype("complex64", np.complex64, Category.COMPLEX, 8)
complex128 = dtype("complex128", np.complex128, Category.COMPLEX, 16)

INTEGERS = (bool_, uint8, uint16, uint32, uint64, int8, int16, int32, int64)
ALL = (*INTEGERS, float16, bfloat16, float32, float64, complex64, complex128)
BY_NUMPY: dict[np.dtype, dtype] = {each.numpy: each for each in ALL if each is not bfloat16}
BY_NAME: dict[str, dtype] = {each.name: each for each in ALL}
BY_PYTHON: dict[type, dtype] = {bool: bool_, int: int64, float: float64, complex: complex128}


def named(name: str) -> dtype:
    """Return the dtype called `name`, as in "float32"."""
    return BY_NAME[name]


def of(storage: np.dtype) -> dtype:
    """Return the lineal dtype of a NumPy dtype; TypeError if there is none."""
    if storage.name == "bfloat16" and storage == bfloat16.numpy:
        return bfloat16
    found = BY_NUMPY.get(storage) or BY_NUMPY.get(storage.newbyteorder("="))
    if found is None:
        raise TypeError(
            f"dtype: expected one of {', '.join(BY_NAME)}, got a NumPy array of type {storage}; convert it with .astype()"
        )
    return found


def as_dtype(given: object) -> dtype:
    """Return the dtype meant by a dtype, a Python type (`float` means float64) or a NumPy dtype."""
    if isinstance(given, dtype):
        return given
    if isinstance(given, type) and given in BY_PYTHON:
        return BY_PYTHON[given]
    if isinstance(given, (type, np.dtype)):
        return of(np.dtype(given))
    raise TypeError(f"dtype: expected a dtype such as float32, got {given!r}")


# Promotion within a category: the join in the lattice of what holds what.
_WIDER_INT = {1: int16, 2: int32, 4: int64}
_FLOATS = (float16, bfloat16, float32, float64)


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """Return the smallest dtype that can hold values of both."""
    if type1 is type2:
        return type1
    try:
        low, high = sorted((type1, type2), key=lambda each: each.category)
    except AttributeError:
        raise TypeError(f"promote_types(): expected two dtypes, got {type1!r} and {type2!r}") from None
    if low.category is not high.category:
        if high.is_complex and low is float64:
            return complex128
        return high
    if high.is_complex:
        return complex128
    if high.is_floating_point:
        if {low, high} == {float16, bfloat16}:
            return float32
        return max(low, high, key=_FLOATS.index)
    return _promote_integers(low, high)


def _promote_integers(type1: dtype, type2: dtype) -> dtype:
    if type1.is_signed == type2.is_signed:
        return max(type1, type2, key=lambda each: each.itemsize)
    signed, unsigned = (type1, type2) if type1.is_signed else (type2, type1)
    if unsigned is not uint8:
        raise RuntimeError(f"promote_types: {type1} and {type2} have no common dtype; convert one of them with .to()")
    return signed if signed.itemsize > 1 else _WIDER_INT[1]


def can_cast(from_: dtype, to: dtype) -> bool:
    """Return whether the category of `from_` fits into that of `to` (floating into integer does not)."""
    try:
        return from_.category <= to.category
    except AttributeError:
        raise TypeError(f"can_cast(): expected two dtypes, got {from_!r} and {to!r}") from None
