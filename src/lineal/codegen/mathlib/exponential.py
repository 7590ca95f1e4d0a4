"""exp and its kin: eˣ = 2ᵏ · eʳ with k whole and |r| ≤ ½ ln 2, and eʳ = 1 + r + r²·q(r)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lineal.codegen.mathlib import tables
from lineal.codegen.mathlib.parts import (
    absolute,
    clamped,
    format_of,
    interleaved,
    power_of_two,
    quotient,
    scaled,
    sum_exact,
    whole,
    with_sign,
)
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter

# beyond these eˣ is 0 or infinite
LIMITS = {"f": (-104.0, 89.0), "d": (-746.0, 710.0)}
LIMITS2 = {"f": (-151.0, 129.0), "d": (-1077.0, 1025.0)}
# beyond these eˣ - 1 is -1 to the last bit
LOWEST = {"f": -18.0, "d": -40.0}


def split(e: Emitter, x: Value) -> tuple[Value, Value, Value]:
    """Return k as float, k as integer, and r = x - k ln 2."""
    format = format_of(x)
    k, n = whole(e, e.muladd(x, 1 / math.log(2), format.magic))
    r = e.muladd(k, -format.ln2[0], x)
    return k, n, e.muladd(k, -format.ln2[1], r)


def grown(e: Emitter, r: Value) -> tuple[Value, Value]:
    """Return eʳ - 1 as r and what is to be added to it."""
    return r, r * r * interleaved(e, r, tables.EXP)


def exp(e: Emitter, x: Value) -> Value:
    return halved_exp(e, x, 0)


def halved_exp(e: Emitter, x: Value, shift: int) -> Value:
    """Return eˣ / 2^shift without overflowing before."""
    low, high = LIMITS[format_of(x).key]
    k, n, r = split(e, clamped(e, x, low, high + shift))
    r, more = grown(e, r)
    y = 1.0 + (r + more)
    return scaled(e, y, k, n) if shift == 0 else scaled(e, y, k - shift, n - shift)


def exp2(e: Emitter, x: Value) -> Value:
    format = format_of(x)
    low, high = LIMITS2[format.key]
    x = clamped(e, x, low, high)
    k, n = whole(e, e.exactly("fadd", x, e.like(format.magic, x)))
    fraction = e.exactly("fsub", x, k)
    r = e.muladd(fraction, format.ln2[0], fraction * format.ln2[1])
    r, more = grown(e, r)
    return scaled(e, 1.0 + (r + more), k, n)


def expm1_parts(e: Emitter, x: Value) -> tuple[Value, Value]:
    """Return eˣ - 1 in two parts, for x ≤ 0 that is not less than LOWEST."""
    _, n, r = split(e, x)
    high, low = sum_exact(e, *grown(e, r))
    scale = power_of_two(e, n, x)
    first, second = sum_exact(e, scale - 1.0, scale * high)
    return first, e.muladd(scale, low, second)


def expm1(e: Emitter, x: Value) -> Value:
    """Return 2 ((2ᵏ⁻¹ - ½) + 2ᵏ⁻¹ (eʳ - 1)); the halves keep 2ᵏ from overflowing."""
    format = format_of(x)
    bounded = clamped(e, x, LOWEST[format.key], LIMITS[format.key][1])
    _, n, r = split(e, bounded)
    r, more = grown(e, r)
    small = r + more
    scale = power_of_two(e, n - 1, x)
    y = (scale - 0.5) + scale * small
    y = e.select(n == 0, small, y + y)
    return with_sign(e, y, x)


def tanh(e: Emitter, x: Value) -> Value:
    """Return tanh x = (1 - e⁻²ˣ) / (1 + e⁻²ˣ), and in float32 near 0 a polynomial."""
    a = absolute(e, x)
    if format_of(x).key == "f":
        z = x * x
        near = e.muladd(a * z, interleaved(e, z, tables.TANH), a)
        far = 1.0 - 2.0 / (exp(e, a + a) + 1.0)
        return with_sign(e, e.select(a < 0.625, near, far), x)
    bounded = e.select(a > 20.0, e.like(20.0, a), a)
    first, second = expm1_parts(e, bounded * -2.0)
    high, low = sum_exact(e, e.like(2.0, x), first)
    return with_sign(e, quotient(e, (-first, -second), (high, low + second)), x)


def sigmoid(e: Emitter, x: Value) -> Value:
    y = exp(e, -absolute(e, x))
    return e.select(x >= 0, e.like(1.0, x), y) / (1.0 + y)


def sinh(e: Emitter, x: Value) -> Value:
    a = absolute(e, x)
    z = x * x
    near = e.muladd(a * z, interleaved(e, z, tables.SINH), a)
    y = halved_exp(e, a, 1)
    return with_sign(e, e.select(a < 1.0, near, y - 0.25 / y), x)


def cosh(e: Emitter, x: Value) -> Value:
    y = halved_exp(e, absolute(e, x), 1)
    return y + 0.25 / y
