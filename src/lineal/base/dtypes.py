"""The dtypes, one record each: PyTorch's names over NumPy's (and ml_dtypes') storage types; and the rules of type promotion.

A Python `bool` promotes like bool, `int` like int64, `float` like the default dtype, `complex` like the default complex dtype,
but only across categories: bool < integer < floating < complex. Zero-dimensional tensors promote like Python scalars against
tensors with dimensions. Source of the rules: PyTorch, "Tensor Attributes: type promotion".
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import float8, later
from lineal.base.platforms import UNUSUAL

__all__ = [
    "bfloat16",
    "can_cast",
    "complex64",
    "complex128",
    "dtype",
    "float8_e4m3fn",
    "float8_e5m2",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "promote_types",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]

ml_dtypes: Any = later.module("ml_dtypes")
Conversion = Callable[[np.ndarray, np.dtype], np.ndarray]
"""Returns an array of the dtype that a record computes in, as an array of its storage."""


class Category(enum.IntEnum):
    """What a dtype can hold; a higher category wins over any lower one."""

    BOOL = 0
    INTEGER = 1
    FLOATING = 2
    COMPLEX = 3


class Storages(dict[np.dtype, "dtype"]):
    """The dtypes by what stores them; those that ml_dtypes stores enter when they are met."""

    def __missing__(self, storage: np.dtype) -> dtype:
        found = BY_NAME.get(storage.name)
        if found is None or not found.extension or found.numpy != storage:
            raise KeyError(storage)
        return found


BY_NUMPY = Storages()
NARROW: set[np.dtype] = set()
"""The storages of numbers that are computed in a wider dtype and rounded once."""
NARROW_SIZES: set[int] = set()
"""How many bytes these take: what a kernel asks first, since it is cheaper."""
STORED_ONLY: set[np.dtype] = set()
"""The storages of numbers that are moved and converted, and not computed with, as far as one was met."""


class dtype:  # noqa: N801
    """A PyTorch dtype; `dtype.numpy` is the NumPy dtype that stores it. There is one instance per name.

    All that is to be known of a dtype stands here, so that nobody asks for its name or compares its size:

    * `bits` in memory, and the binary `digits` of the whole numbers or significands it holds;
    * `extension`: NumPy does not have it; ml_dtypes stores it, which is imported when `numpy` is first asked for;
    * `computes_in`: the dtype in which its numbers are computed with and from which results are rounded once;
    * `rank`: of two dtypes of a category the one of the higher rank holds both; 0: it is only stored, which is to say moved and
      converted, but promoted to no other and not computed with;
    * `file`, `dlpack`, `llvm`: its name in safetensors, its code in DLPack, its type in LLVM; None where there is none;
    * `constructor`: the name of PyTorch's old tensor type;
    * `conversion`: what converts float32 arrays to it, if NumPy's or ml_dtypes' own `astype` is not what PyTorch does.
    """

    __slots__ = (
        "__weakref__", "bits", "category", "computes_in", "constructor", "conversion", "digits", "dlpack", "extension", "file",
        "is_complex", "is_floating_point", "is_signed", "itemsize", "llvm", "name", "numpy", "rank",
    )  # fmt: skip

    numpy: np.dtype

    def __init__(
        self,
        name: str,
        category: Category,
        bits: int,
        digits: int,
        *,
        constructor: str,
        rank: int,
        dlpack: int,
        file: str | None = None,
        llvm: str | None = None,
        computes_in: dtype | None = None,
        extension: bool = False,
        conversion: Conversion | None = None,
    ):
        self.name, self.category, self.bits, self.digits = name, category, bits, digits
        self.constructor, self.rank, self.dlpack, self.file, self.llvm = constructor, rank, dlpack, file, llvm
        self.computes_in = self if computes_in is None else computes_in
        self.extension, self.conversion = extension, conversion
        self.itemsize = bits // 8
        self.is_floating_point = category is Category.FLOATING
        self.is_complex = category is Category.COMPLEX
        self.is_signed = category >= Category.FLOATING or name.startswith("int")
        if not extension:
            self.enter(np.dtype(name))

    def enter(self, storage: np.dtype) -> np.dtype:
        """Let arrays of this storage be known for arrays of this dtype."""
        self.numpy = storage
        BY_NUMPY[storage] = self
        if self.computes_in is not self:
            NARROW.add(storage)
            NARROW_SIZES.add(storage.itemsize)
        if not self.rank:
            STORED_ONLY.add(storage)
            UNUSUAL.add(storage)
        return storage

    def stored(self, numbers: np.ndarray) -> np.ndarray:
        """Return an array of any other dtype as one of this, as PyTorch converts it."""
        if self.conversion is None:
            return numbers.astype(self.numpy)
        with np.errstate(all="ignore"):
            return np.asarray(self.conversion(numbers.astype(self.computes_in.numpy), self.numpy))

    def number(self, number: Any) -> Any:
        """Return one of Python's numbers as what NumPy fills an array of this dtype with."""
        return number if self.conversion is None else self.array(number)

    def array(self, numbers: Any) -> np.ndarray:
        """Return Python's numbers, one or nested lists of them, as an array of this dtype."""
        if self.conversion is None:
            return np.array(numbers, dtype=self.numpy)
        return self.stored(np.array(numbers, dtype=float64.numpy))

    def __getattr__(self, name: str) -> np.dtype:
        if name != "numpy":
            raise AttributeError(f"dtype: {self!r} has no attribute {name}")
        # ml_dtypes takes as long to import as a third of NumPy, so its dtypes wait for their first use
        return self.enter(np.dtype(getattr(ml_dtypes, self.name)))

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
        if not self.rank:
            raise RuntimeError(f"to_complex: there is no complex dtype whose parts are {self}")
        return complex128 if self is float64 else complex64

    def to_real(self) -> dtype:
        """Return the dtype of the parts of this complex dtype; any other dtype is its own."""
        if not self.is_complex:
            return self
        return float64 if self is complex128 else float32


BOOL, INTEGER, FLOATING, COMPLEX = Category
# codes of DLPack: dlpack.h, DLDataTypeCode, https://dmlc.github.io/dlpack/latest/c_api.html
bool_ = dtype("bool", BOOL, 8, 1, constructor="BoolTensor", rank=1, file="BOOL", dlpack=6, llvm="i1")
uint8 = dtype("uint8", INTEGER, 8, 8, constructor="ByteTensor", rank=8, file="U8", dlpack=1, llvm="i8")
uint16 = dtype("uint16", INTEGER, 16, 16, constructor="UInt16Tensor", rank=16, file="U16", dlpack=1, llvm="i16")
uint32 = dtype("uint32", INTEGER, 32, 32, constructor="UInt32Tensor", rank=32, file="U32", dlpack=1, llvm="i32")
uint64 = dtype("uint64", INTEGER, 64, 64, constructor="UInt64Tensor", rank=64, file="U64", dlpack=1, llvm="i64")
int8 = dtype("int8", INTEGER, 8, 7, constructor="CharTensor", rank=8, file="I8", dlpack=0, llvm="i8")
int16 = dtype("int16", INTEGER, 16, 15, constructor="ShortTensor", rank=16, file="I16", dlpack=0, llvm="i16")
int32 = dtype("int32", INTEGER, 32, 31, constructor="IntTensor", rank=32, file="I32", dlpack=0, llvm="i32")
int64 = dtype("int64", INTEGER, 64, 63, constructor="LongTensor", rank=64, file="I64", dlpack=0, llvm="i64")
float32 = dtype("float32", FLOATING, 32, 24, constructor="FloatTensor", rank=32, file="F32", dlpack=2, llvm="float")
float64 = dtype("float64", FLOATING, 64, 53, constructor="DoubleTensor", rank=64, file="F64", dlpack=2, llvm="double")
float16 = dtype(
    "float16", FLOATING, 16, 11, constructor="HalfTensor", rank=16, file="F16", dlpack=2, llvm="half", computes_in=float32
)
bfloat16 = dtype(
    "bfloat16", FLOATING, 16, 8, constructor="BFloat16Tensor", rank=16, file="BF16", dlpack=4, llvm="bfloat",
    computes_in=float32, extension=True,
)  # fmt: skip
float8_e4m3fn = dtype(
    "float8_e4m3fn", FLOATING, 8, 4, constructor="Float8_e4m3fnTensor", rank=0, file="F8_E4M3", dlpack=10,
    computes_in=float32, extension=True, conversion=float8.to_e4m3fn,
)  # fmt: skip
float8_e5m2 = dtype(
    "float8_e5m2", FLOATING, 8, 3, constructor="Float8_e5m2Tensor", rank=0, file="F8_E5M2", dlpack=12,
    computes_in=float32, extension=True, conversion=float8.to_e5m2,
)  # fmt: skip
complex64 = dtype("complex64", COMPLEX, 64, 24, constructor="ComplexFloatTensor", rank=64, file="C64", dlpack=5)
complex128 = dtype("complex128", COMPLEX, 128, 53, constructor="ComplexDoubleTensor", rank=128, dlpack=5)

INTEGERS = (bool_, uint8, uint16, uint32, uint64, int8, int16, int32, int64)
ALL = (*INTEGERS, float8_e4m3fn, float8_e5m2, float16, bfloat16, float32, float64, complex64, complex128)
BY_NAME: dict[str, dtype] = {each.name: each for each in ALL}
BY_PYTHON: dict[type, dtype] = {bool: bool_, int: int64, float: float64, complex: complex128}


def computing(storage: np.dtype) -> np.dtype:
    """Return what stores the numbers that those of a storage are computed in: float32 for the half precisions."""
    return BY_NUMPY[storage].computes_in.numpy if storage in NARROW else storage


def named(name: str) -> dtype:
    """Return the dtype called `name`, as in "float32"."""
    return BY_NAME[name]


def interned(array: np.ndarray) -> np.ndarray:
    """Return an array over the same memory whose dtype is the very object that lineal has.

    What was pickled has a dtype of its own, which is equal; programs compare dtypes by identity.
    """
    found = BY_NUMPY.get(array.dtype)
    return array if found is None or found.numpy is array.dtype else array.view(found.numpy)


def of(storage: np.dtype) -> dtype:
    """Return the lineal dtype of a NumPy dtype; TypeError if there is none."""
    try:
        return BY_NUMPY[storage]
    except KeyError:
        pass
    found = BY_NUMPY.get(storage.newbyteorder("="))
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


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """Return the smallest dtype that can hold values of both."""
    if type1 is type2:
        return type1
    try:
        low, high = sorted((type1, type2), key=lambda each: each.category)
    except AttributeError:
        raise TypeError(f"promote_types(): expected two dtypes, got {type1!r} and {type2!r}") from None
    if not low.rank or not high.rank:
        raise RuntimeError(
            f"promote_types: Promotion for Float8 Types is not supported, attempted to promote {type1} and {type2}; "
            "convert one of them with .to()"
        )
    if low.category is not high.category:
        if high.is_complex and low is float64:
            return complex128
        return high
    if high.is_complex:
        return complex128
    if low.is_signed != high.is_signed:
        return _promote_signs(low, high)
    # of two of one rank neither holds the other, but what both are computed in does
    return low.computes_in if low.rank == high.rank else max(low, high, key=lambda each: each.rank)


def _promote_signs(type1: dtype, type2: dtype) -> dtype:
    signed, unsigned = (type1, type2) if type1.is_signed else (type2, type1)
    if unsigned is not uint8:
        raise RuntimeError(f"promote_types: {type1} and {type2} have no common dtype; convert one of them with .to()")
    return int16 if signed is int8 else signed


def can_cast(from_: dtype, to: dtype) -> bool:
    """Return whether the category of `from_` fits into that of `to` (floating into integer does not)."""
    try:
        return from_.category <= to.category
    except AttributeError:
        raise TypeError(f"can_cast(): expected two dtypes, got {from_!r} and {to!r}") from None
