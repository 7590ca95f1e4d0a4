"""Powers, roots, and what the C library is asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lineal.codegen import kinds
from lineal.codegen.mathlib import exponential, logarithm, tables
from lineal.codegen.mathlib.parts import absolute, clamped, format_of, interleaved, product_exact, scaled, sum_exact, with_sign
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter
    from lineal.codegen.mathmodule import MathModule


def simple_power(m: MathModule, x: Value, exponent: float) -> Value | None:
    """Return x ** exponent for exponents that need no logarithm, else None."""
    if x.kind.family != "f":
        return x if exponent == 1 else x * x if exponent == 2 else None
    simple = {1: lambda: x, 2: lambda: x * x, 0.5: lambda: m.sqrt(x), -1: lambda: 1.0 / x}.get(exponent)
    return None if simple is None else simple()


def whole_power(e: Emitter, base: Value, exponent: Value) -> Value:
    """Return base ** exponent of whole numbers by squaring, wrapping around; for a negative exponent the integer nearest 0."""
    if base.kind.family == "b":
        base, exponent = e.cast(base, kinds.int8), e.cast(exponent, kinds.int8)
    result, square, left = (e.variable(v) for v in (e.like(1, base), base, exponent))
    with e.loop(base.kind.bits, carried=[result, square, left]):
        result.value = e.select((left.value & 1) != 0, result.value * square.value, result.value)
        square.value = square.value * square.value
        left.value = e.bits("lshr", left.value, 1)
    if base.kind.family == "u":
        return result.value
    # only 1 and -1 have integer inverses
    unit = (base == 1) | (base == -1)
    inverse = e.select(unit, e.select((exponent & 1) != 0, base, 1), 0)
    return e.select(exponent < 0, inverse, result.value)


def power(e: Emitter, x: Value, y: Value) -> Value:
    """Return xʸ: eʸˡᵒᵍ⁽ˣ⁾ with the logarithm in float64 for float32, and in two float64 for float64."""
    a = absolute(e, x)
    if x.kind is kinds.float32:
        size = e.cast(short_power(e, e.cast(a, kinds.float64), e.cast(y, kinds.float64)), x.kind)
    elif e.target.fma:
        size = long_power(e, a, y)
    else:
        return e.per_lane("pow", x, y)
    size = e.select((a == 1.0) & (absolute(e, y) == math.inf), e.like(1.0, x), size)
    half = y * 0.5
    rounded = e.intrinsic("floor", y)
    odd = (rounded == y) & (e.intrinsic("floor", half) != half)
    size = e.select(odd, with_sign(e, size, x), size)
    size = e.select((x < 0) & (rounded != y) & (a < math.inf), e.like(math.nan, x), size)
    return e.select((y == 0) | (x == 1.0), e.like(1.0, x), size)


def short_power(e: Emitter, a: Value, y: Value) -> Value:
    """Return aʸ for a ≥ 0, in float64 but only as exact as float32 needs; a is never subnormal."""
    k, f = logarithm.split(e, a, normal=True)
    s = f / (2.0 + f)
    z = s * s
    log = e.muladd(k, math.log(2), e.muladd(s * z, interleaved(e, z, {"d": tables.ATANH["w"]}), s + s))
    product = y * logarithm.at_the_edges(e, log, a)
    k, n, r = exponential.split(e, clamped(e, product, *exponential.LIMITS["d"]))
    return scaled(e, 1.0 + e.muladd(r * r, interleaved(e, r, {"d": tables.EXP["w"]}), r), k, n)


def long_log(e: Emitter, x: Value) -> tuple[Value, Value]:
    """Return log x in two parts, as k ln 2 + 2s + ⅔s³ + …, s = f / (2 + f), the first terms in two parts each."""
    k, f = logarithm.split(e, x)
    below = sum_exact(e, e.like(2.0, x), f)
    s = f / below[0]
    s_rest = (e.fma(-s, below[0], f) - s * below[1]) / below[0]
    square, square_rest = product_exact(e, s, s)
    square_rest = e.muladd(2.0 * s, s_rest, square_rest)
    cube, cube_rest = product_exact(e, s, square)
    cube_rest = cube_rest + e.muladd(s, square_rest, s_rest * square)
    third, third_rest = product_exact(e, cube, e.like(tables.TWO_THIRDS[0], x))
    third_rest = third_rest + e.muladd(cube, tables.TWO_THIRDS[1], cube_rest * tables.TWO_THIRDS[0])
    more = cube * square * interleaved(e, square, tables.ATANH5)
    high, low = format_of(x).ln2
    first, error = sum_exact(e, k * high, s + s)
    first, error2 = sum_exact(e, first, third)
    small = e.muladd(k, low, 2.0 * s_rest + third_rest + more)
    return first, (error + error2) + small


def long_power(e: Emitter, a: Value, y: Value) -> Value:
    """Return aʸ for a ≥ 0, in float64."""
    first, second = long_log(e, a)
    edge = logarithm.at_the_edges(e, first, a)
    normal = (a > 0) & (a < math.inf)
    product, rest = product_exact(e, y, first)
    rest = e.muladd(y, second, rest)
    product = e.select(normal, product, y * edge)
    rest = e.select(normal & (absolute(e, product) < 1e3), rest, e.like(0.0, a))
    k, n, r = exponential.split(e, clamped(e, product, *exponential.LIMITS["d"]))
    r, more = exponential.grown(e, r + rest)
    return scaled(e, 1.0 + (r + more), k, n)


def rsqrt(e: Emitter, x: Value) -> Value:
    return 1.0 / e.intrinsic("sqrt", x)


def hypot(e: Emitter, x: Value, y: Value) -> Value:
    """Return √(x² + y²); infinite if either is, even beside nan."""
    if x.kind is kinds.float32:
        a, b = e.cast(x, kinds.float64), e.cast(y, kinds.float64)
        result = e.cast(e.intrinsic("sqrt", e.muladd(a, a, b * b)), x.kind)
    else:
        a, b = absolute(e, x), absolute(e, y)
        large, small = (a > 2.0**500) | (b > 2.0**500), (a < 2.0**-400) & (b < 2.0**-400)
        scale = e.select(large, e.like(2.0**-600, a), e.select(small, e.like(2.0**600, a), e.like(1.0, a)))
        back = e.select(large, e.like(2.0**600, a), e.select(small, e.like(2.0**-600, a), e.like(1.0, a)))
        a, b = a * scale, b * scale
        result = e.intrinsic("sqrt", e.muladd(a, a, b * b)) * back
    infinite = (absolute(e, x) == math.inf) | (absolute(e, y) == math.inf)
    return e.select(infinite, e.like(math.inf, x), result)


def from_c(name: str) -> Any:
    """Return the function that asks the C library, lane by lane."""

    def recipe(e: Emitter, *xs: Value) -> Value:
        return e.per_lane(name + ("f" if xs[0].kind is kinds.float32 else ""), *xs)

    return recipe


cbrt, nextafter = from_c("cbrt"), from_c("nextafter")
