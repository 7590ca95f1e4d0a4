"""Dtypes of the array API standard: which there are, what they promote to, their limits.

Unlike PyTorch's rule, a tensor without dimensions counts as much as any other; only Python's numbers give way.
Source: Python array API standard 2025.12, "Type promotion rules".
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from lineal.base import dtypes, limits
from lineal.base.config import get_default_dtype
from lineal.base.signatures import Device, DType, Tensor
from lineal.core import AbstractTensor
from lineal.ops.conversion import dtype_of, scalar_dtype
from lineal.ops.creation import scalar_tensor

__all__ = ["astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]

SIGNED = (dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64)
UNSIGNED = (dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64)
REAL = (dtypes.float32, dtypes.float64)
COMPLEX = (dtypes.complex64, dtypes.complex128)
KINDS: dict[str, tuple[dtypes.dtype, ...]] = {
    "bool": (dtypes.bool_,),
    "signed integer": SIGNED,
    "unsigned integer": UNSIGNED,
    "integral": SIGNED + UNSIGNED,
    "real floating": REAL,
    "complex floating": COMPLEX,
    "numeric": SIGNED + UNSIGNED + REAL + COMPLEX,
}
"""The dtypes of the standard by their kinds."""
NARROWER = {"real floating": (dtypes.float16, dtypes.bfloat16)}
"""What is of a kind too, although the standard does not know it."""


class FloatLimits(NamedTuple):
    """The limits of a floating dtype."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: dtypes.dtype


class IntegerLimits(NamedTuple):
    """The limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: dtypes.dtype


def own_dtype(given: Any) -> dtypes.dtype:
    """Return the dtype of a tensor, or the dtype that is given."""
    return dtype_of(given) if isinstance(given, AbstractTensor) else dtypes.as_dtype(given)


def promoted(type1: dtypes.dtype, type2: dtypes.dtype) -> dtypes.dtype:
    """Return the dtype of the standard that holds two others; RuntimeError for uint64 and signed integers."""
    if type1 in UNSIGNED and type2 in UNSIGNED:
        return max(type1, type2, key=lambda each: each.bits)
    for unsigned, signed in ((type1, type2), (type2, type1)):
        if unsigned in UNSIGNED[:3] and signed in SIGNED:
            return max(signed, SIGNED[UNSIGNED.index(unsigned) + 1], key=lambda each: each.bits)
    return dtypes.promote_types(type1, type2)


def astype(x: Tensor, dtype: DType, /, *, copy: bool = True, device: Device | None = None) -> Tensor:
    """Return `x` in another dtype; TypeError for complex numbers as real ones. Without `copy` it may be `x` itself."""
    target = dtypes.as_dtype(dtype)
    if dtype_of(x).is_complex and not target.is_complex:
        raise TypeError(f"astype: complex numbers do not become {target}; take real() or imag() of them first")
    return x.to(device=x.device if device is None else device, dtype=target, copy=copy)


def can_cast(from_: DType | Tensor, to: DType, /) -> bool:
    """Return whether promotion may turn a dtype, or that of a tensor, into another."""
    source, target = own_dtype(from_), dtypes.as_dtype(to)
    try:
        return promoted(source, target) is target
    except RuntimeError:
        return False


def finfo(type: DType | Tensor, /) -> FloatLimits:
    """Return the limits of a floating dtype, of a complex one's parts, or of a tensor's dtype."""
    real = own_dtype(type).to_real()
    found = limits.finfo(real)
    return FloatLimits(found.bits, found.eps, found.max, found.min, found.smallest_normal, real)


def iinfo(type: DType | Tensor, /) -> IntegerLimits:
    """Return the limits of an integer dtype, or of a tensor's dtype."""
    found = limits.iinfo(own_dtype(type))
    return IntegerLimits(found.bits, found.max, found.min, own_dtype(type))


def isdtype(dtype: DType, kind: DType | str | tuple[DType | str, ...]) -> bool:
    """Return whether a dtype is, or is of, a kind: another dtype, a name as "real floating", or one of several of these."""
    if isinstance(kind, tuple):
        return any(isdtype(dtype, each) for each in kind)
    if not isinstance(kind, str):
        return dtypes.as_dtype(dtype) is dtypes.as_dtype(kind)
    if kind not in KINDS:
        raise ValueError(f"isdtype: expected one of the kinds {', '.join(KINDS)}, got {kind!r}")
    return dtypes.as_dtype(dtype) in KINDS[kind] + NARROWER.get(kind, ())


def result_type(*arrays_and_dtypes: Tensor | DType | complex) -> dtypes.dtype:
    """Return the dtype that tensors and dtypes promote to; numbers only say whether it is to be floating or complex."""
    numbers = [each for each in arrays_and_dtypes if isinstance(each, (bool, int, float, complex))]
    found = [own_dtype(each) for each in arrays_and_dtypes if not isinstance(each, (bool, int, float, complex))]
    if not found:
        raise ValueError("result_type: expected at least one tensor or dtype")
    common = functools.reduce(promoted, found)
    category = max((scalar_dtype(each).category for each in numbers), default=common.category)
    if category <= common.category:
        return common
    if category is dtypes.Category.COMPLEX:
        return (common if common.is_floating_point else get_default_dtype()).to_complex()
    return get_default_dtype() if category is dtypes.Category.FLOATING else dtypes.int64


def together(*operands: Any) -> list[Any]:
    """Return operands as tensors of the dtype that they promote to."""
    common = result_type(*operands)
    return [
        each.to(common) if isinstance(each, AbstractTensor) else scalar_tensor(each, dtype=common)  # type: ignore[attr-defined]
        for each in operands
    ]
