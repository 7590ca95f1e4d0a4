"""PyTorch's dtypes that no tensor of lineal has: programs name them in tables and comparisons, where nothing comes of it."""

from __future__ import annotations

from typing import Any, NoReturn

from lineal.base.dtypes import BOOL, COMPLEX, FLOATING, INTEGER, Category, dtype
from lineal.base.errors import UnsupportedError
from lineal.base.version import __version__

DTYPES: dict[Category, dict[int, str]] = {
    BOOL: {8: "bits1x8 bits2x4 bits4x2 bits8 qint8 quint8 quint2x4 quint4x2", 16: "bits16", 32: "qint32"},
    INTEGER: {8: "int1 int2 int3 int4 int5 int6 int7 uint1 uint2 uint3 uint4 uint5 uint6 uint7"},
    FLOATING: {8: "float4_e2m1fn_x2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu"},
    COMPLEX: {32: "complex32"},
}
"""Their names by kind and size in memory; what is neither a number nor of a known sign stands with truth values."""

SYNONYMS = {"bit": "uint1", "chalf": "complex32"}


class AbsentDtype(dtype):
    """A dtype that no tensor has: it is equal to no other, and whoever makes numbers of it is refused."""

    __slots__ = ()

    def __init__(self, name: str, category: Category, bits: int):
        super().__init__(name, category, bits, 0, constructor="", rank=0, dlpack=-1, extension=True)
        self.is_signed = self.is_signed and name != "float8_e8m0fnu"

    def __getattr__(self, name: str) -> NoReturn:
        if name == "numpy":
            raise UnsupportedError(f"{self} is not in lineal {__version__}: there are no tensors of this dtype")
        raise AttributeError(f"dtype: {self!r} has no attribute {name}")

    def __reduce__(self) -> tuple:
        return absent, (self.name,)


KNOWN = {
    name: AbsentDtype(name, category, bits)
    for category, sizes in DTYPES.items()
    for bits, names in sizes.items()
    for name in names.split()
}

__all__ = [*KNOWN, *SYNONYMS]  # pyright: ignore[reportUnsupportedDunderAll]


def absent(name: str) -> dtype:
    """Return the dtype of this name."""
    return KNOWN[name]


def __getattr__(name: str) -> Any:
    try:
        return absent(SYNONYMS.get(name, name))
    except KeyError:
        raise AttributeError(name) from None
