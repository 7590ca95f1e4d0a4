"""The kinds of number that code computes with or keeps in memory."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache

import numpy as np


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
        return STORED.get(self.name, self.llvm)

    @property
    def computed(self) -> Kind:
        """The kind to compute with: half precisions are computed in float32."""
        return float32 if self in (float16, bfloat16) else self


DOUBLE, WORD = struct.Struct("<d"), struct.Struct("<Q")
STORED = {"bool": "i8", "float16": "i16", "bfloat16": "i16"}

bool_ = Kind("bool", "i1", 1, "b")
int8, int16, int32, int64 = (Kind(f"int{n}", f"i{n}", n, "i") for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (Kind(f"uint{n}", f"i{n}", n, "u") for n in (8, 16, 32, 64))
float16 = Kind("float16", "half", 16, "f")
bfloat16 = Kind("bfloat16", "bfloat", 16, "f")
float32 = Kind("float32", "float", 32, "f")
float64 = Kind("float64", "double", 64, "f")
pointer = Kind("pointer", "ptr", 64, "p")

BY_NAME = {
    each.name: each
    for each in (
        bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float16, bfloat16, float32, float64
    )
}  # fmt: skip


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
