"""float16 and bfloat16 to float32 and back, where half precision is a vector of int16 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineal.codegen import kinds
from lineal.codegen.kinds import Kind
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.arithmetic import Arithmetic


def widened(e: Arithmetic, value: Value) -> Value:
    """Return a half-precision value as float32."""
    bits = e.bitcast(value, kinds.uint16)
    return from_bits(e, bits, value.kind)


def narrowed(e: Arithmetic, value: Value, kind: Kind) -> Value:
    """Return a float32 value rounded to the half precision `kind`."""
    return e.bitcast(to_bits(e, value, kind), kind)


def from_bits(e: Arithmetic, bits: Value, kind: Kind) -> Value:
    """Return the float32 value of a half-precision number given as uint16 bits."""
    if kind is kinds.bfloat16:
        return e.bitcast(e.cast(bits, kinds.uint32) << 16, kinds.float32)
    if e.target.f16c:
        return e.convert("fpext", e.bitcast(bits, kinds.float16), kinds.float32)
    wide = e.cast(bits, kinds.uint32)
    magnitude = wide & 0x7FFF
    # exponents differ by 112; the product also makes subnormals right
    scaled = e.bitcast(e.bitcast(magnitude << 13, kinds.float32) * 2.0**112, kinds.uint32)
    special = (magnitude << 13) | 0x7F800000
    return e.bitcast(e.select(magnitude >= 0x7C00, special, scaled) | ((wide & 0x8000) << 16), kinds.float32)


def to_bits(e: Arithmetic, value: Value, kind: Kind) -> Value:
    """Return the uint16 bits of a float32 value rounded, halves to even, to half precision."""
    if kind is kinds.bfloat16:
        wide = e.bitcast(value, kinds.uint32)
        rounded = wide + 0x7FFF + ((wide >> 16) & 1)
        quiet = wide | 0x400000
        return e.cast(e.select(value == value, rounded, quiet) >> 16, kinds.uint16)
    if e.target.f16c:
        return e.bitcast(e.convert("fptrunc", value, kinds.float16), kinds.uint16)
    wide = e.bitcast(value, kinds.uint32)
    magnitude = wide & 0x7FFFFFFF
    # adding ½ (as a float) leaves a subnormal half in the low bits, rounded by the addition
    small = e.bitcast(e.bitcast(magnitude, kinds.float32) + 0.5, kinds.uint32) - 0x3F000000
    normal = (magnitude - 0x38000000 + 0xFFF + ((magnitude >> 13) & 1)) >> 13
    finite = e.select(magnitude < 0x38800000, small, normal)
    clipped = e.select(magnitude >= 0x477FF000, 0x7C00, finite)
    result = e.select(magnitude > 0x7F800000, 0x7E00, clipped) | ((wide >> 16) & 0x8000)
    return e.cast(result, kinds.uint16)
