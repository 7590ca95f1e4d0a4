"""Logic on truth values and on bits."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.ops.conversion import dtype_of
from lineal.ops.front import binary, unary

__all__ = [
    "logical_and",
    "logical_or",
    "logical_xor",
    "logical_not",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "bitwise_not",
    "bitwise_left_shift",
    "bitwise_right_shift",
]

logical_and = binary(
    "logical_and",
    lambda m, a, b: m.logical_and(a, b),
    result="bool",
    numbers="none",
    doc="Return where both inputs are not zero.",
)
logical_or = binary(
    "logical_or",
    lambda m, a, b: m.logical_or(a, b),
    result="bool",
    numbers="none",
    doc="Return where at least one input is not zero.",
)
logical_xor = binary(
    "logical_xor",
    lambda m, a, b: m.logical_xor(a, b),
    result="bool",
    numbers="none",
    doc="Return where exactly one input is not zero.",
)
logical_not = unary(
    "logical_not", lambda m, x: m.logical_not(x), domain="any", result="bool", doc="Return where input is zero."
)

bitwise_and = binary(
    "bitwise_and",
    lambda m, a, b: m.bitwise_and(a, b),
    domain="integer",
    numbers="one",
    doc="Return the bits set in both inputs.",
)
bitwise_or = binary(
    "bitwise_or",
    lambda m, a, b: m.bitwise_or(a, b),
    domain="integer",
    numbers="one",
    doc="Return the bits set in at least one input.",
)
bitwise_xor = binary(
    "bitwise_xor",
    lambda m, a, b: m.bitwise_xor(a, b),
    domain="integer",
    numbers="one",
    doc="Return the bits set in exactly one input.",
)
bitwise_not = unary(
    "bitwise_not",
    lambda m, x: m.invert(x),
    domain="integer",
    doc="Return input with all bits flipped; of bool tensors, not input.",
)


def invert(input: Tensor) -> Tensor:
    """Return ~input: its bits flipped, or its truth values."""
    if input.value.dtype.kind not in "iub":
        raise TypeError(f"~: only implemented on integer and Boolean-type tensors, got {dtype_of(input)}")
    return bitwise_not(input)


def _shifted_left(m: Any, a: Any, b: Any) -> Any:
    bits = 8 * a.dtype.itemsize
    if not b.ndim and 0 <= b < bits:
        return m.left_shift(a, b)
    return m.where((b < 0) | (b >= bits), a.dtype.type(0), m.left_shift(a, m.clip(b, 0, bits - 1)))


def _shifted_right(m: Any, a: Any, b: Any) -> Any:
    # the sign fills from the left, also where more places are asked for than there are (negative ones count as many)
    last = 8 * a.dtype.itemsize - 1
    if not b.ndim and 0 <= b <= last:
        return m.right_shift(a, b)
    if a.dtype.kind == "u":
        return m.where((b < 0) | (b > last), a.dtype.type(0), m.right_shift(a, m.clip(b, 0, last)))
    return m.right_shift(a, m.where((b < 0) | (b > last), b.dtype.type(last), b))


bitwise_left_shift = binary(
    "bitwise_left_shift",
    lambda m, a, b: m.left_shift(a, b),
    domain="whole",
    numbers="one",
    numeric=_shifted_left,
    doc="Return input × 2^other by shifting bits; 0 where other is negative or not less than the number of bits.",
)
bitwise_right_shift = binary(
    "bitwise_right_shift",
    lambda m, a, b: m.right_shift(a, b),
    domain="whole",
    numbers="one",
    numeric=_shifted_right,
    doc="Return input / 2^other, rounded down, by shifting bits.",
)
