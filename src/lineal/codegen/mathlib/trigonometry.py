"""Circular functions and their inverses.

sin, cos and tan reduce their argument to |r| ≤ π/4 with π/2 in three parts; a vector that holds a very large argument is left
to the C library.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from lineal.codegen import kinds
from lineal.codegen.mathlib import tables
from lineal.codegen.mathlib.parts import absolute, format_of, interleaved, quotient, sum_exact, whole, with_sign
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter

# up to here the reduction is exact enough
FAR = {"f": 1e5, "d": 1e6}


def reduced(e: Emitter, x: Value) -> tuple[Value, Value]:
    """Return r = x - n π/2, and n."""
    format = format_of(x)
    k, n = whole(e, e.muladd(x, 2 / math.pi, format.magic))
    if format.key == "f" and not e.target.fma:
        # without fused products float32 is too short for this
        wide, count = e.cast(x, kinds.float64), e.cast(k, kinds.float64)
        first, second, _ = tables.HALF_PI["d"]
        return e.cast((wide - count * first) - count * second, kinds.float32), n
    r = x
    for part in tables.HALF_PI[format.key]:
        r = e.muladd(k, -part, r)
    return r, n


def sine(e: Emitter, r: Value) -> tuple[Value, Value]:
    """Return sin r as r and what is to be added to it."""
    z = r * r
    return r, r * z * interleaved(e, z, tables.SIN)


def cosine(e: Emitter, r: Value) -> tuple[Value, Value]:
    """Return cos r as 1 - r²/2 rounded and what is to be added to it."""
    z = r * r
    half = z * 0.5
    high = 1.0 - half
    error = e.exactly("fsub", e.exactly("fsub", e.like(1.0, r), high), half)
    return high, e.muladd(z * z, interleaved(e, z, tables.COS), error)


def unless_far(e: Emitter, x: Value, c_name: str, near: Callable[[], Value]) -> Value:
    """Return `near()`, or the C library's values if a lane is large."""
    result = e.variable(x)
    with e.if_else(e.any(absolute(e, x) > FAR[format_of(x).key]), carried=[result]) as (then, otherwise):
        with then:
            result.value = e.per_lane(c_name + ("f" if x.kind is kinds.float32 else ""), x)
        with otherwise:
            result.value = near()
    return result.value


def quarter(e: Emitter, x: Value, turns: int) -> Value:
    """Return sin(x + turns · π/2)."""
    r, n = reduced(e, x)
    n = n + turns if turns else n
    s, more = sine(e, r)
    c, rest = cosine(e, r)
    y = e.select((n & 1) != 0, c + rest, s + more)
    bits = format_of(x).whole
    return e.bitcast(e.bitcast(y, bits) ^ ((n & 2) << (bits.bits - 2)), x.kind)


def sin(e: Emitter, x: Value) -> Value:
    y = unless_far(e, x, "sin", lambda: quarter(e, x, 0))
    return e.select(x == 0, x, y)


def cos(e: Emitter, x: Value) -> Value:
    return unless_far(e, x, "cos", lambda: quarter(e, x, 1))


def tan(e: Emitter, x: Value) -> Value:
    y = unless_far(e, x, "tan", lambda: slope(e, x))
    return e.select(x == 0, x, y)


def slope(e: Emitter, x: Value) -> Value:
    """Return tan x = ± sin r / cos r or its reciprocal."""
    r, n = reduced(e, x)
    s, c = sum_exact(e, *sine(e, r)), sum_exact(e, *cosine(e, r))
    odd = (n & 1) != 0
    above = [e.select(odd, -b, a) for a, b in zip(s, c)]
    below = [e.select(odd, a, b) for a, b in zip(s, c)]
    return quotient(e, (above[0], above[1]), (below[0], below[1]))


def arc(e: Emitter, a: Value) -> Value:
    """Return atan a for a ≥ 0: of a, (a - 1) / (a + 1) or -1 / a, turned by 0, π/4 or π/2."""
    one, zero = e.like(1.0, a), e.like(0.0, a)
    half_pi = tables.HALF_PI_SUM[format_of(a).key]
    middle, large = a > math.tan(math.pi / 8), a > math.tan(3 * math.pi / 8)
    above = e.select(large, -one, e.select(middle, a - 1.0, a))
    below = e.select(large, a, e.select(middle, a + 1.0, one))
    t = above / below
    z = t * t
    base = e.select(large, e.like(half_pi[0], a), e.select(middle, e.like(half_pi[0] / 2, a), zero))
    rest = e.select(large, e.like(half_pi[1], a), e.select(middle, e.like(half_pi[1] / 2, a), zero))
    return base + (t + e.muladd(t * z, interleaved(e, z, tables.ATAN), rest))


def atan(e: Emitter, x: Value) -> Value:
    return with_sign(e, arc(e, absolute(e, x)), x)


def atan2(e: Emitter, y: Value, x: Value) -> Value:
    a, b = absolute(e, y), absolute(e, x)
    # 0/0 counts as 0 and ∞/∞ as 1
    ratio = e.select(a == b, e.select(a == 0, a, e.like(1.0, a)), a / b)
    angle = arc(e, ratio)
    first, second = (2 * part for part in tables.HALF_PI_SUM[format_of(x).key])
    left = e.bitcast(x, format_of(x).whole) < 0
    angle = e.select(left, first - (angle - second), angle)
    angle = e.select(x == x, angle, x)
    return e.select(y == y, with_sign(e, angle, y), y)


def arcsine_parts(e: Emitter, x: Value) -> tuple[Value, Value, Value]:
    """Return whether |x| > ½, and asin s in two parts: s = √((1 - |x|)/2) if so, else |x|."""
    a = absolute(e, x)
    big = a > 0.5
    z = e.select(big, (1.0 - a) * 0.5, x * x)
    root = e.intrinsic("sqrt", z)
    s = e.select(big, root, a)
    lost = e.fma(-root, root, z) / (root + root)
    lost = e.select(big & (z > 0), lost, e.like(0.0, x))
    return big, s, e.muladd(s * z, interleaved(e, z, tables.ASIN), lost)


def asin(e: Emitter, x: Value) -> Value:
    big, s, more = arcsine_parts(e, x)
    high, low = tables.HALF_PI_SUM[format_of(x).key]
    turned = (high - (s + s)) - (more + more - low)
    return with_sign(e, e.select(big, turned, s + more), x)


def acos(e: Emitter, x: Value) -> Value:
    big, s, more = arcsine_parts(e, x)
    high, low = tables.HALF_PI_SUM[format_of(x).key]
    twice = 2.0 * (s + more)
    turned = e.select(x < 0, (2 * high - (s + s)) - 2.0 * (more - low), twice)
    s, more = with_sign(e, s, x), e.select(x < 0, -more, more)
    return e.select(big, turned, high - (s + (more - low)))
