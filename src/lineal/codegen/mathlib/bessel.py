"""The modified Bessel functions I₀ and I₁: up to 8 polynomials in x²/4, beyond eˣ/√x times polynomials in 1/x; in float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lineal.codegen import kinds
from lineal.codegen.mathlib import specialtables
from lineal.codegen.mathlib.exponential import exp, halved_exp
from lineal.codegen.mathlib.parts import absolute, clamped, interleaved
from lineal.codegen.mathlib.special import widened
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter

MIDDLE = 8.0
# beyond it I₀ and I₁ are infinite, though not yet e^x / 2^SHIFT
END, SHIFT = 714.0, 8


def bessel_parts(e: Emitter, a: Value, x: Value, order: int) -> tuple[Value, Value]:
    """Return Iₙ(a) for a ≤ MIDDLE, and Iₙ(a) e⁻ᵃ beyond; as exact as the format of x."""
    short, long = ((specialtables.I0, specialtables.I0_FAR), (specialtables.I1, specialtables.I1_FAR))[order]
    b = clamped(e, a, 0.0, MIDDLE)
    z = b * b * 0.25
    near = e.muladd(z, interleaved(e, z, widened(x, short)), 1.0)
    r = 1.0 / e.select(a < MIDDLE, e.like(MIDDLE, a), a)
    far = interleaved(e, r - 1 / 16, widened(x, long)) * e.intrinsic("sqrt", r)
    return near if order == 0 else b * 0.5 * near, far


def bessel(e: Emitter, x: Value, order: int) -> Value:
    """Return I₀ or I₁."""
    wide = e.cast(x, kinds.float64)
    a = absolute(e, wide)
    near, far = bessel_parts(e, a, x, order)
    far = halved_exp(e, a, SHIFT) * far * 2.0**SHIFT
    y = e.select(a < MIDDLE, near, e.select(a > END, e.like(math.inf, a), far))
    # SciPy and PyTorch have no value at infinity
    y = e.select(a == math.inf, e.like(math.nan, a), y)
    return e.cast(odd(e, y, wide) if order else y, x.kind)


def scaled_bessel(e: Emitter, x: Value, order: int) -> Value:
    """Return e⁻|ˣ| I₀ or I₁."""
    wide = e.cast(x, kinds.float64)
    a = absolute(e, wide)
    near, far = bessel_parts(e, a, x, order)
    y = e.select(a < MIDDLE, near * exp(e, -a), far)
    return e.cast(odd(e, y, wide) if order else y, x.kind)


def odd(e: Emitter, y: Value, x: Value) -> Value:
    """Return ± y as x is; at -0.0 it is 0.0, as in SciPy and PyTorch."""
    return e.select(x < 0, -y, y)


def i0(e: Emitter, x: Value) -> Value:
    return bessel(e, x, 0)


def i1(e: Emitter, x: Value) -> Value:
    return bessel(e, x, 1)


def i0e(e: Emitter, x: Value) -> Value:
    return scaled_bessel(e, x, 0)


def i1e(e: Emitter, x: Value) -> Value:
    return scaled_bessel(e, x, 1)
