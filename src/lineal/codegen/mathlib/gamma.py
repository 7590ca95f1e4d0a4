"""log Γ and its derivatives, in float64: polynomials about 2 and 1.5, recurrences up to LARGE, then asymptotic series."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lineal.codegen import kinds
from lineal.codegen.mathlib import specialtables
from lineal.codegen.mathlib.logarithm import log
from lineal.codegen.mathlib.parts import absolute, horner, interleaved
from lineal.codegen.mathlib.special import widened
from lineal.codegen.mathlib.trigonometry import sin, tan
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter

# a difference that is less than this beside what is subtracted has too few digits for a format
LOST = {"float32": 2.0**-4, "float64": 0.5}
# from here the asymptotic series are exact to the last bits
LARGE = 10
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
# in 1/x², of log Γ(x) ~ (x - ½) log x - x + ½ log 2π + Σ B₂ₙ / (2n (2n-1) x²ⁿ⁻¹): Abramowitz and Stegun (1964), eq. 6.1.40
LGAMMA_SERIES = tuple(b / (2 * n * (2 * n - 1)) for n, b in enumerate(BERNOULLI, 1))
# of ψ(x) ~ log x - 1/2x - Σ B₂ₙ / (2n x²ⁿ), eq. 6.3.18
DIGAMMA_SERIES = tuple(b / (2 * n) for n, b in enumerate(BERNOULLI, 1))
# of ψ′(x) ~ 1/x + 1/2x² + Σ B₂ₙ / x²ⁿ⁺¹, eq. 6.4.12
TRIGAMMA_SERIES = BERNOULLI


def lgamma(e: Emitter, x: Value) -> Value:
    """Return log |Γ(x)|; for x < 0 by reflection, beside zeros by the C library, since what is subtracted there is equal."""
    wide = e.cast(x, kinds.float64)
    negative = wide < 0
    size = absolute(e, wide)
    result = e.variable(lgamma_positive(e, size, x))
    with e.when(e.any(negative), carried=[result]):
        left, lost = reflected_lgamma(e, wide, size, result.value, x)
        result.value = e.select(negative, left, result.value)
        lost = lost & negative
        with e.when(e.any(lost), carried=[result]):
            # of 1 it knows the answer
            result.value = e.select(lost, e.per_lane("lgamma", e.select(lost, wide, 1.0)), result.value)
    return e.cast(result.value, x.kind)


def reflected_lgamma(e: Emitter, x: Value, size: Value, positive: Value, format: Value) -> tuple[Value, Value]:
    """Return log π / |x sin πx| - log Γ(|x|) for x < 0, and whether too many digits cancel."""
    s = absolute(e, sine(e, x)) * (1 / math.pi)
    first = -log(e, size * s)
    y = first - positive
    # at poles and infinity; right beside 0 the product would vanish, and Γ(x) is -Γ(-x)
    y = e.select(size < 2.0**-60, positive, e.select((s > 0), y, e.like(math.inf, x)))
    return y, absolute(e, y) < LOST[format.kind.name] * (absolute(e, first) + absolute(e, positive))


def sine(e: Emitter, x: Value) -> Value:
    """Return ± sin πx; nan at infinity."""
    return sin(e, (x - e.intrinsic("nearbyint", x)) * math.pi)


def lgamma_positive(e: Emitter, x: Value, format: Value) -> Value:
    """Return log Γ(x) for x ≥ 0, as exact as the format of another value."""
    small = x < 1.0
    y, product = e.variable(x), e.variable(e.like(1.0, x))
    with e.loop(LARGE - 3, carried=[y, product]):
        large = y.value >= 3.0
        y.value = e.select(large, y.value - 1.0, y.value)
        product.value = e.select(large, product.value * y.value, product.value)
    # about Γ(x + 1), of which x + 1 - 2 is x - 1, if x < 1
    t = e.select(small, x - 1.0, y.value - 2.0)
    middle = t * (t + 1.0) * interleaved(e, t, widened(format, specialtables.LGAMMA))
    middle = e.select(small, x * (x - 1.0) * interleaved(e, t, widened(format, specialtables.LGAMMA)), middle)
    logarithm = log(e, e.select((x < LARGE) & ~small, product.value, x))
    middle = e.select(small, middle - logarithm, middle + logarithm)
    r = 1.0 / x
    series = (0.5 * math.log(2 * math.pi) - 0.5) + r * horner(e, r * r, LGAMMA_SERIES)
    large = (x - 0.5) * (logarithm - 1.0) + series
    return e.select(x < LARGE, middle, large)


def digamma(e: Emitter, x: Value) -> Value:
    """Return ψ(x); for x < 0 by reflection."""
    wide = e.cast(x, kinds.float64)
    negative = wide < 0
    result = e.variable(digamma_positive(e, e.select(negative, 1.0 - wide, wide), x))
    with e.when(e.any(negative), carried=[result]):
        fraction = wide - e.intrinsic("nearbyint", wide)
        turned = result.value - math.pi / tan(e, fraction * math.pi)
        turned = e.select(fraction == 0, e.like(math.nan, wide), turned)
        result.value = e.select(negative, turned, result.value)
    pole = e.intrinsic("copysign", e.like(math.inf, wide), -wide)
    return e.cast(e.select(wide == 0, pole, result.value), x.kind)


def digamma_positive(e: Emitter, x: Value, format: Value) -> Value:
    """Return ψ(x) for x ≥ 0, as exact as the format of another value."""
    small = x < 1.0
    y, above, below = e.variable(x), e.variable(e.like(0.0, x)), e.variable(e.like(1.0, x))
    with e.loop(LARGE - 2, carried=[y, above, below]):
        large = y.value >= 2.0
        y.value = e.select(large, y.value - 1.0, y.value)
        above.value = e.select(large, e.muladd(above.value, y.value, below.value), above.value)
        below.value = e.select(large, below.value * y.value, below.value)
    # about ψ(x + 1) if x < 1
    v = e.select(small, x, y.value - 1.0)
    high, low = specialtables.DIGAMMA_ZERO
    middle = ((v - (high - 1.0)) - low) * interleaved(e, v - 0.5, widened(format, specialtables.DIGAMMA))
    added = e.select(small, e.like(-1.0, x), above.value) / e.select(small, x, below.value)
    r = 1.0 / x
    z = r * r
    large = log(e, x) - (0.5 * r + z * horner(e, z, DIGAMMA_SERIES))
    return e.select(x < LARGE, middle + added, large)


def trigamma(e: Emitter, x: Value) -> Value:
    """Return ψ′(x); for x < 0 by reflection, π² / sin² πx less that of 1 - x."""
    wide = e.cast(x, kinds.float64)
    negative = wide < 0
    result = e.variable(trigamma_positive(e, e.select(negative, 1.0 - wide, wide)))
    with e.when(e.any(negative), carried=[result]):
        s = sine(e, wide) * (1 / math.pi)
        result.value = e.select(negative, 1.0 / (s * s) - result.value, result.value)
    return e.cast(result.value, x.kind)


def trigamma_positive(e: Emitter, x: Value) -> Value:
    """Return ψ′(x) for x ≥ 0: 1/x² + 1/(x+1)² + …, all but the first as one fraction."""
    y, above, below = e.variable(x + 1.0), e.variable(e.like(0.0, x)), e.variable(e.like(1.0, x))
    with e.loop(LARGE - 1, carried=[y, above, below]):
        small = y.value < LARGE
        square = y.value * y.value
        above.value = e.select(small, e.muladd(above.value, square, below.value), above.value)
        below.value = e.select(small, below.value * square, below.value)
        y.value = e.select(small, y.value + 1.0, y.value)
    r = 1.0 / y.value
    z = r * r
    series = r + z * (0.5 + r * horner(e, z, TRIGAMMA_SERIES))
    first = 1.0 / x
    return first * first + (above.value / below.value + series)
