"""The kinds of number that code computes with or keeps in memory."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from lineal.base import dtypes


# there is one instance of each kind, so identity is equality
@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of number: NumPy's name, LLVM's type, its bits; family f(loat), i(nteger), u(nsigned), b(ool), p(ointer)."""

    name: str
    llvm: str
    bits: int
    family: str

    @property
    def dtype(self) -> np.dtype:
        """NumPy's dtype of this kind; formulas that ask for `x.dtype.kind` read it."""
        return np.dtype(self.name)

    @property
    def itemsize(self) -> int:
        return max(self.bits, 8) // 8

    @property
    def memory(self) -> str:
        """LLVM's type of one such number in memory: half precision travels as its bits, a bool as a byte."""
        return f"i{8 * self.itemsize}" if self.family == "b" or self.is_narrow else self.llvm

    @cached_property
    def computed(self) -> Kind:
        """The kind to compute with: half precisions are computed in float32."""
        return BY_NAME[dtypes.named(self.name).computes_in.name] if self.name in BY_NAME else self

    @cached_property
    def is_narrow(self) -> bool:
        """Whether such numbers are computed in a wider kind and rounded."""
        return self.computed is not self

    @cached_property
    def eps(self) -> float:
        """How far the next number is from 1; 0 if all are whole."""
        return 2.0 ** (1 - dtypes.named(self.name).digits) if self.family == "f" else 0.0


DOUBLE, WORD = struct.Struct("<d"), struct.Struct("<Q")


def kind_of_record(record: dtypes.dtype) -> Kind:
    """Return the kind of a dtype that LLVM has a type for."""
    family = "f" if record.is_floating_point else "i" if record.is_signed else "u" if record.digits > 1 else "b"
    return Kind(record.name, record.llvm or "", record.bits if family != "b" else 1, family)


BY_NAME = {each.name: kind_of_record(each) for each in dtypes.ALL if each.llvm is not None}
bool_ = BY_NAME["bool"]
int8, int16, int32, int64 = (BY_NAME[f"int{n}"] for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (BY_NAME[f"uint{n}"] for n in (8, 16, 32, 64))
float16, bfloat16, float32, float64 = (BY_NAME[name] for name in ("float16", "bfloat16", "float32", "float64"))
pointer = Kind("pointer", "ptr", 64, "p")
FLOATS = frozenset(each.name for each in BY_NAME.values() if each.family == "f" and not each.is_narrow)
"""The names of the floating kinds that are computed with as they are."""


@cache
def kind_of(dtype: object) -> Kind:
    """Return the kind of a dtype: a Kind, a name, a NumPy dtype or anything with a `.name`; KeyError if there is none."""
    if isinstance(dtype, Kind):
        return dtype
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None) or np.dtype(dtype).name  # type: ignore[call-overload]
    return BY_NAME[name]


def integer_like(kind: Kind) -> Kind:
    """Return the integer kind with the bits of `kind`."""
    return BY_NAME[f"int{max(kind.bits, 8)}"]


@cache
def promoted(a: Kind, b: Kind) -> Kind:
    """Return the kind in which `a` and `b` meet, by NumPy's rules."""
    return a if a is b else kind_of(np.promote_types(a.computed.dtype, b.computed.dtype)).computed


@cache
def with_number(kind: Kind, number: type) -> Kind:
    """Return the kind of an expression of `kind` and a Python number, which is weak: it decides only the family."""
    if number is float and kind.family != "f":
        return float64
    if number is int and kind.family == "b":
        return int64
    return kind


def lowest(kind: Kind) -> float | int:
    """Return the least number of a kind."""
    return -np.inf if kind.family == "f" else False if kind.family == "b" else int(np.iinfo(kind.dtype).min)


def highest(kind: Kind) -> float | int:
    """Return the greatest number of a kind."""
    return np.inf if kind.family == "f" else True if kind.family == "b" else int(np.iinfo(kind.dtype).max)


def meeting(*operands: object) -> Kind:
    """Return the kind in which operands meet: kinds, and Python numbers, which are weak."""
    first, *others = [each for each in operands if isinstance(each, Kind)]
    for each in others:
        first = promoted(first, each)
    for each in operands:
        if not isinstance(each, Kind):
            first = with_number(first, each.__class__)
    return first


@cache
def type_of(kind: Kind, lanes: int) -> str:
    """Return LLVM's type of so many lanes of a kind."""
    return kind.llvm if lanes == 1 else f"<{lanes} x {kind.llvm}>"


def literal(value: object, kind: Kind) -> str:
    """Return `value` as LLVM writes a constant of `kind`."""
    if kind.family == "f":
        number = float(np.float32(value)) if kind is float32 else float(value)  # type: ignore[arg-type]
        return f"0x{WORD.unpack(DOUBLE.pack(number))[0]:016X}"
    if kind.family == "b":
        return "true" if value else "false"
    if kind.family == "p":
        return "null"
    number = int(value) % (1 << kind.bits)  # type: ignore[call-overload]
    return str(number - (1 << kind.bits) if number >> (kind.bits - 1) else number)
