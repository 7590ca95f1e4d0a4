"""What the functions share: polynomials, exact sums, corrected quotients, steps by powers of two.

Everything is written for float32 and float64 at once; `Format` holds what differs. Sums that must round on their own use
`exactly`, because the processor may otherwise fuse a product with the sum that follows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineal.codegen import kinds
from lineal.codegen.kinds import Kind
from lineal.codegen.mathlib import tables
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter


@dataclass(frozen=True)
class Format:
    """A binary floating format: how its bits are split, and ln 2 cut so that k·ln2_high is exact."""

    key: str
    whole: Kind
    mantissa: int
    bias: int
    magic: float
    ln2: tuple[float, float]
    least_normal: float


FORMATS = {
    "float32": Format("f", kinds.int32, 23, 127, 1.5 * 2.0**23, tables.LN2["f"], 2.0**-126),
    "float64": Format("d", kinds.int64, 52, 1023, 1.5 * 2.0**52, tables.LN2["d"], 2.0**-1022),
}


def format_of(x: Value) -> Format:
    return FORMATS[x.kind.name]


def coefficients(table: Mapping[str, Sequence[float]], x: Value) -> Sequence[float]:
    """Return the polynomial of `table` for the format of x."""
    return table[format_of(x).key]


def polynomial(e: Emitter, x: Value, table: Mapping[str, Sequence[float]]) -> Value:
    """Return the polynomial of `table` at x."""
    return horner(e, x, coefficients(table, x))


def horner(e: Emitter, x: Value, terms: Sequence[float]) -> Value:
    """Return c₀ + c₁x + c₂x² + …, by Horner's rule."""
    result = e.like(terms[-1], x)
    for c in terms[-2::-1]:
        result = e.muladd(result, x, c)
    return result


def interleaved(e: Emitter, x: Value, table: Mapping[str, Sequence[float]]) -> Value:
    """Return the polynomial as two shorter ones in x², which the processor computes side by side."""
    terms = coefficients(table, x)
    if len(terms) < 6:
        return polynomial(e, x, table)
    square = x * x
    return e.muladd(horner(e, square, terms[1::2]), x, horner(e, square, terms[0::2]))


def absolute(e: Emitter, x: Value) -> Value:
    return e.intrinsic("fabs", x)


def with_sign(e: Emitter, y: Value, x: Value) -> Value:
    """Return |y| with the sign of x."""
    return e.intrinsic("copysign", y, x)


def sum_exact(e: Emitter, a: Value, b: Value) -> tuple[Value, Value]:
    """Return a + b rounded, and the rounding error; |a| ≥ |b| or a = 0."""
    high = e.exactly("fadd", a, b)
    return high, e.exactly("fsub", b, e.exactly("fsub", high, a))


def product_exact(e: Emitter, a: Value, b: Value) -> tuple[Value, Value]:
    """Return a·b rounded, and the rounding error."""
    high = e.exactly("fmul", a, b)
    return high, e.fma(a, b, -high)


def quotient(e: Emitter, a: tuple[Value, Value], b: tuple[Value, Value]) -> Value:
    """Return (a₀ + a₁) / (b₀ + b₁), of which the second parts are small, with hardly more than one rounding."""
    inverse = 1.0 / b[0]
    first = a[0] * inverse
    rest = e.fma(-first, b[0], a[0]) + (a[1] - first * b[1])
    return e.muladd(rest, inverse, first)


def whole(e: Emitter, t: Value) -> tuple[Value, Value]:
    """Return the whole number that lies in t = magic + k, as a float and as an integer."""
    format = format_of(t)
    magic = e.like(format.magic, t)
    number = e.bitcast(t, format.whole) - e.bitcast(magic, format.whole)
    return e.exactly("fsub", t, magic), number


def power_of_two(e: Emitter, n: Value, x: Value) -> Value:
    """Return 2ⁿ, normal, in the format of x."""
    format = format_of(x)
    return e.bitcast((n + format.bias) << format.mantissa, x.kind)


def scaled(e: Emitter, y: Value, k: Value, n: Value) -> Value:
    """Return y · 2ⁿ, rounded once where it is subnormal; k is n as a float."""
    if e.target.avx512 and y.lanes * y.kind.bits == 512:
        letter = "s" if y.kind is kinds.float32 else "d"
        mask = e.const(-1, kinds.int16 if y.lanes == 16 else kinds.int8)
        nearest = e.const(4, kinds.int32)
        return e.call(f"llvm.x86.avx512.mask.scalef.p{letter}.512", (y.kind, y.lanes), y, k, y, mask, nearest)
    first = n >> 1
    return y * power_of_two(e, first, y) * power_of_two(e, n - first, y)


def clamped(e: Emitter, x: Value, low: float, high: float) -> Value:
    """Return x moved into [low, high]; nan stays."""
    x = e.select(x > high, e.like(high, x), x)
    return e.select(x < low, e.like(low, x), x)
