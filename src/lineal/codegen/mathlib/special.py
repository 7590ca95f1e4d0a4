"""The error functions: a polynomial near 0, and beyond erfc x = e^(-x²) g(t) / (1 + 2x) with t = (x - 4) / (x + 4)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lineal.codegen import kinds
from lineal.codegen.mathlib import specialtables
from lineal.codegen.mathlib.exponential import exp
from lineal.codegen.mathlib.logarithm import log
from lineal.codegen.mathlib.parts import (
    absolute,
    clamped,
    format_of,
    horner,
    interleaved,
    polynomial,
    product_exact,
    scaled,
    whole,
    with_sign,
)
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter

# where 1 - erfc is 1
END = {"f": 4.0, "d": 27.3}
# of 1 - 1/2x² + 3/4x⁴ - …, in 1/x²
ERFCX_SERIES = (1.0, -1 / 2, 3 / 4, -15 / 8, 105 / 16, -945 / 32, 10395 / 64)


def slow_tail(e: Emitter, a: Value, table: dict) -> Value:
    """Return e^(a²) erfc a for ½ ≤ a ≤ 28."""
    return interleaved(e, (a - 4.0) / (a + 4.0), table) / (1.0 + 2.0 * a)


def tail(e: Emitter, a: Value, table: dict) -> Value:
    """Return erfc a for ½ ≤ a ≤ END."""
    if a.kind is kinds.float32:
        return exp(e, -(a * a)) * slow_tail(e, a, table)
    square, lost = product_exact(e, a, a)
    y = exp(e, -square) * slow_tail(e, a, table)
    return y - y * lost


def short_tail(e: Emitter, a: Value) -> Value:
    """Return erfc a for 1 ≤ a ≤ 4 to the digits that 1 - erfc a needs in float32: 2 to a polynomial."""
    t = polynomial(e, a - 1.0, specialtables.ERFC_LOG2)
    k, n = whole(e, t + format_of(a).magic)
    return scaled(e, polynomial(e, t - k, specialtables.EXP2_SHORT), k, n)


def near(e: Emitter, x: Value) -> Value:
    """Return what erf x - x is for |x| < 1."""
    return x * interleaved(e, x * x, specialtables.ERF)


def bounded(e: Emitter, x: Value) -> Value:
    a = absolute(e, x)
    end = END[format_of(x).key]
    a = e.select(a > end, e.like(end, a), a)
    return e.select(a < 1.0, e.like(1.0, a), a)


def erf(e: Emitter, x: Value) -> Value:
    a = bounded(e, x)
    far = short_tail(e, a) if x.kind is kinds.float32 else tail(e, a, specialtables.ERFCX)
    y = e.select(absolute(e, x) < 1.0, x + near(e, x), 1.0 - far)
    return with_sign(e, y, x)


def widened(x: Value, table: dict) -> dict:
    """Return the polynomial for the format of x as one of float64, in which a function of float32 is computed."""
    return {"d": table[format_of(x).key]}


def erfc(e: Emitter, x: Value) -> Value:
    """Return 1 - erf x; float32's is computed in float64, because errors add up in the tail."""
    wide = e.cast(x, kinds.float64)
    a = absolute(e, wide)
    far = tail(e, clamped(e, a, 0.5, END["d"]), widened(x, specialtables.ERFCX))
    far = e.select(wide < 0, 2.0 - far, far)
    return e.cast(e.select(a < 0.5, 1.0 - (wide + near(e, wide)), far), x.kind)


def erfcx(e: Emitter, x: Value) -> Value:
    """Return e^(x²) erfc x, computed in float64; for x < -½ it is 2 e^(x²) less that of -x."""
    wide = e.cast(x, kinds.float64)
    a = absolute(e, wide)
    square, lost = product_exact(e, *[clamped(e, a, 0.0, END["d"])] * 2)
    grown = exp(e, square)
    far = positive_erfcx(e, a, widened(x, specialtables.ERFCX))
    # 1 + lost, since grown may be infinite
    far = e.select(wide < 0, 2.0 * grown * (1.0 + lost) - far, far)
    return e.cast(e.select(a < 0.5, grown * (1.0 - (wide + near(e, wide))), far), x.kind)


def positive_erfcx(e: Emitter, a: Value, table: dict) -> Value:
    """Return e^(a²) erfc a for a ≥ ½; far out by Abramowitz and Stegun (1964), eq. 7.1.23."""
    u = 1.0 / (a * a)
    series = horner(e, u, ERFCX_SERIES) * (1 / math.sqrt(math.pi)) / a
    return e.select(a > 28.0, series, slow_tail(e, clamped(e, a, 0.5, 28.0), table))


def erfinv(e: Emitter, x: Value) -> Value:
    """Return the inverse of erf, computed in float64."""
    wide = e.cast(x, kinds.float64)
    a = absolute(e, wide)
    y = a * erfinv_slope(e, -log(e, (1.0 - a) * (1.0 + a)), x)
    y = e.select(a == 1.0, e.like(math.inf, wide), y)
    return with_sign(e, e.cast(y, x.kind), x)


def erfinv_slope(e: Emitter, w: Value, x: Value, *, tiny: bool = False) -> Value:
    """Return erfinv(a) / a of w = -log(1 - a²), as exact as the format of x; w ≤ 37, unless `tiny` (Giles 2010)."""
    root = e.intrinsic("sqrt", w)
    far = root * interleaved(e, (root - 5.0) / (root + 5.0), widened(x, specialtables.ERFINV_FAR))
    if tiny:
        tiniest = root * interleaved(e, (root - 14.0) / (root + 14.0), widened(x, specialtables.ERFINV_TINY))
        far = e.select(root < 6.1, far, tiniest)
    return e.select(w < 6.25, interleaved(e, w - 3.125, widened(x, specialtables.ERFINV)), far)
