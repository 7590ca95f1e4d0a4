"""log and its kin: x = 2ᵏ(1 + f) with √½ ≤ 1 + f < √2, and log(1 + f) = f - f²/2 + …"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lineal.codegen import kinds
from lineal.codegen.mathlib import tables
from lineal.codegen.mathlib.exponential import exp, exp2
from lineal.codegen.mathlib.parts import absolute, format_of, interleaved, with_sign
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter

# √½ as bits, rounded down
ROOT = {"f": 0x3F3504F3, "d": 0x3FE6A09E667F3BCC}


def split(e: Emitter, x: Value, *, normal: bool = False) -> tuple[Value, Value]:
    """Return k as float, and f; x is positive, and with `normal` not subnormal."""
    format = format_of(x)
    if normal:
        biased, f = split_bits(e, x)
        return biased - format.bias, f
    subnormal = x < format.least_normal
    x = e.select(subnormal, x * 2.0**format.mantissa, x)
    biased, f = split_bits(e, x)
    less = e.select(subnormal, e.like(format.bias + format.mantissa, x), e.like(format.bias, x))
    return biased - less, f


def split_bits(e: Emitter, x: Value) -> tuple[Value, Value]:
    """Return k + bias as float, and f; x is normal."""
    format = format_of(x)
    bits = e.bitcast(x, format.whole)
    offset = (format.bias << format.mantissa) - ROOT[format.key]
    biased = e.bits("lshr", bits + offset, format.mantissa)
    f = e.bitcast(bits - ((biased - format.bias) << format.mantissa), x.kind) - 1.0
    return whole_float(e, biased, x), f


def whole_float(e: Emitter, number: Value, x: Value) -> Value:
    """Return a small positive integer as a float; through the bits of 2⁵² + n for float64, which AVX2 cannot convert."""
    if x.kind is kinds.float32:
        return e.cast(number, x.kind)
    return e.exactly("fsub", e.bitcast(number | 0x4330000000000000, x.kind), e.like(2.0**52, x))


def log1p_rest(e: Emitter, f: Value) -> Value:
    """Return log(1 + f) - f for √½ ≤ 1 + f < √2."""
    half = f * f * 0.5
    if f.kind is kinds.float32:
        return e.muladd(f * f * f, interleaved(e, f, tables.LOG), -half)
    s = f / (2.0 + f)
    z = s * s
    return s * (half + z * interleaved(e, z, tables.ATANH)) - half


def at_the_edges(e: Emitter, y: Value, x: Value) -> Value:
    """Return y, but for x = 0, negative or infinite what a logarithm is there; nan stays."""
    y = e.select(x < math.inf, y, x)
    y = e.select(x < 0, e.like(math.nan, x), y)
    return e.select(x == 0, e.like(-math.inf, x), y)


def log(e: Emitter, x: Value) -> Value:
    high, low = format_of(x).ln2
    k, f = split(e, x)
    y = e.muladd(k, high, f + e.muladd(k, low, log1p_rest(e, f)))
    return at_the_edges(e, y, x)


def times(e: Emitter, f: Value, rest: Value, factor: tuple[float, float]) -> Value:
    """Return (f + rest) · factor, whose error is that of one product."""
    return e.muladd(f, factor[0], e.muladd(f, factor[1], rest * factor[0]))


def log2(e: Emitter, x: Value) -> Value:
    k, f = split(e, x)
    return at_the_edges(e, k + times(e, f, log1p_rest(e, f), tables.LOG2E[format_of(x).key]), x)


def log10(e: Emitter, x: Value) -> Value:
    key = format_of(x).key
    high, low = tables.LOG10_2[key]
    k, f = split(e, x)
    y = e.muladd(k, low, times(e, f, log1p_rest(e, f), tables.LOG10E[key]))
    return at_the_edges(e, e.muladd(k, high, y), x)


def log1p(e: Emitter, x: Value) -> Value:
    """Return log(u) + d/u with u = 1 + x rounded and d the rounding error."""
    high, low = format_of(x).ln2
    u = e.exactly("fadd", x, e.like(1.0, x))
    back = e.exactly("fsub", u, e.like(1.0, x))
    lost = e.exactly("fadd", e.exactly("fsub", x, back), e.exactly("fsub", e.like(1.0, x), e.exactly("fsub", u, back)))
    k, f = split(e, u)
    y = e.muladd(k, high, f + (log1p_rest(e, f) + e.muladd(k, low, lost / u)))
    y = at_the_edges(e, y, u)
    return e.select(absolute(e, x) < 2.0**-54, x, y)


def logaddexp(e: Emitter, a: Value, b: Value) -> Value:
    y = e.select(a > b, a, b) + log1p(e, exp(e, -absolute(e, a - b)))
    return e.select(a == b, a + math.log(2), y)


def logaddexp2(e: Emitter, a: Value, b: Value) -> Value:
    y = e.select(a > b, a, b) + log1p(e, exp2(e, -absolute(e, a - b))) * (1 / math.log(2))
    return e.select(a == b, a + 1.0, y)


def in_float64(e: Emitter, x: Value) -> Value:
    return e.cast(x, kinds.float64)


def asinh(e: Emitter, x: Value) -> Value:
    """Return ± log1p(a + a² / (1 + √(1 + a²))), a = |x|; computed in float64."""
    a = absolute(e, in_float64(e, x))
    square = a * a
    near = log1p(e, a + square / (1.0 + e.intrinsic("sqrt", square + 1.0)))
    far = log(e, a) + math.log(2)
    return with_sign(e, e.cast(e.select(a < 2.0**28, near, far), x.kind), x)


def acosh(e: Emitter, x: Value) -> Value:
    """Return log1p(t + √(2t + t²)), t = x - 1; computed in float64."""
    wide = in_float64(e, x)
    t = wide - 1.0
    near = log1p(e, t + e.intrinsic("sqrt", e.muladd(t, t, t + t)))
    far = log(e, wide) + math.log(2)
    y = e.select(wide < 2.0**28, near, far)
    return e.cast(e.select(wide < 1.0, e.like(math.nan, wide), y), x.kind)


def atanh(e: Emitter, x: Value) -> Value:
    """Return ± ½ log1p(2a / (1 - a)), a = |x|; computed in float64."""
    a = absolute(e, in_float64(e, x))
    return with_sign(e, e.cast(0.5 * log1p(e, (a + a) / (1.0 - a)), x.kind), x)
