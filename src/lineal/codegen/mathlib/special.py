"""The error functions: a polynomial near 0, and beyond erfc x = e^(-x²) g(t) / (1 + 2x) with t = (x - 4) / (x + 4)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lineal.codegen import kinds
from lineal.codegen.mathlib import tables
from lineal.codegen.mathlib.exponential import exp
from lineal.codegen.mathlib.logarithm import log
from lineal.codegen.mathlib.parts import absolute, format_of, interleaved, polynomial, product_exact, scaled, whole, with_sign
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter

# where 1 - erfc is 1
END = {"f": 4.0, "d": 27.3}


def tail(e: Emitter, a: Value, table: dict) -> Value:
    """Return erfc a for ½ ≤ a ≤ END."""
    t = (a - 4.0) / (a + 4.0)
    if a.kind is kinds.float32:
        square, lost = a * a, None
    else:
        square, lost = product_exact(e, a, a)
    g = interleaved(e, t, table)
    y = exp(e, -square) * (g / (1.0 + 2.0 * a))
    return y if lost is None else y - y * lost


def short_tail(e: Emitter, a: Value) -> Value:
    """Return erfc a for 1 ≤ a ≤ 4 to the digits that 1 - erfc a needs in float32: 2 to a polynomial."""
    t = polynomial(e, a - 1.0, tables.ERFC_LOG2)
    k, n = whole(e, t + format_of(a).magic)
    return scaled(e, polynomial(e, t - k, tables.EXP2_SHORT), k, n)


def near(e: Emitter, x: Value) -> Value:
    """Return what erf x - x is for |x| < 1."""
    return x * interleaved(e, x * x, tables.ERF)


def bounded(e: Emitter, x: Value) -> Value:
    a = absolute(e, x)
    end = END[format_of(x).key]
    a = e.select(a > end, e.like(end, a), a)
    return e.select(a < 1.0, e.like(1.0, a), a)


def erf(e: Emitter, x: Value) -> Value:
    a = bounded(e, x)
    far = short_tail(e, a) if x.kind is kinds.float32 else tail(e, a, tables.ERFCX)
    y = e.select(absolute(e, x) < 1.0, x + near(e, x), 1.0 - far)
    return with_sign(e, y, x)


def erfc(e: Emitter, x: Value) -> Value:
    """Return 1 - erf x; float32's is computed in float64, because errors add up in the tail."""
    wide = e.cast(x, kinds.float64)
    a = absolute(e, wide)
    table = {"d": tables.ERFCX[format_of(x).key]}
    limited = e.select(a > END["d"], e.like(END["d"], a), a)
    far = tail(e, e.select(limited < 0.5, e.like(0.5, a), limited), table)
    far = e.select(wide < 0, 2.0 - far, far)
    return e.cast(e.select(a < 0.5, 1.0 - (wide + near(e, wide)), far), x.kind)


def erfinv(e: Emitter, x: Value) -> Value:
    """Return the inverse of erf, computed in float64: erfinv x = x p(w) with w = -log(1 - x²); for float64 corrected once.

    The form is Giles's (2010). The correction is Halley's: y - d / (1 + y d), d = (erf y - x) √π/2 e^(y²).
    """
    wide = e.cast(x, kinds.float64)
    a = absolute(e, wide)
    w = -log(e, (1.0 - a) * (1.0 + a))
    root = e.intrinsic("sqrt", w)
    slope = e.select(w < 5.0, interleaved(e, w - 2.5, tables.ERFINV), interleaved(e, root - 3.0, tables.ERFINV_FAR))
    y = a * slope
    if x.kind is not kinds.float32:
        error = e.select(a < 0.5, erf(e, y) - a, (1.0 - a) - erfc(e, y))
        step = error * (0.5 * math.sqrt(math.pi)) * exp(e, y * y)
        y = y - step / (1.0 + y * step)
    y = e.select(a == 1.0, e.like(math.inf, wide), e.select(a == 0, a, y))
    return with_sign(e, e.cast(y, x.kind), x)
