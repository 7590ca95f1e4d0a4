"""The normal distribution: Φ(x) = ½ erfc(-x/√2), its logarithm and its inverse; all are computed in float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lineal.codegen import kinds
from lineal.codegen.mathlib import specialtables
from lineal.codegen.mathlib.exponential import exp
from lineal.codegen.mathlib.logarithm import log, log1p
from lineal.codegen.mathlib.parts import absolute, clamped, product_exact
from lineal.codegen.mathlib.special import erfinv_slope, near, positive_erfcx, slow_tail, widened
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter

ROOT_HALF, ROOT_TWO = math.sqrt(0.5), math.sqrt(2.0)
# where Φ is 0 or 1
END = 39.0


def below(e: Emitter, a: Value, table: dict) -> Value:
    """Return Φ(-a) for a ≥ ½; e^(-a²/2) of an exact square, so that the rounding of a/√2 is of no weight."""
    a = clamped(e, a, 0.5, END)
    square, lost = product_exact(e, a, a)
    y = exp(e, square * -0.5) * (0.5 * slow_tail(e, clamped(e, a * ROOT_HALF, 0.5, 28.0), table))
    return y - y * (0.5 * lost)


def ndtr(e: Emitter, x: Value) -> Value:
    wide = e.cast(x, kinds.float64)
    return e.cast(probability(e, wide, widened(x, specialtables.ERFCX)), x.kind)


def probability(e: Emitter, x: Value, table: dict) -> Value:
    """Return Φ(x)."""
    a, z = absolute(e, x), x * ROOT_HALF
    far = below(e, a, table)
    middle = 0.5 + 0.5 * (z + near(e, z))
    return e.select(absolute(e, z) < 0.5, middle, e.select(x < 0, far, 1.0 - far))


def log_ndtr(e: Emitter, x: Value) -> Value:
    """Return log Φ(x): below -1 from e^(x²/2) Φ(x), which does not underflow, above 0 by log1p."""
    wide, table = e.cast(x, kinds.float64), widened(x, specialtables.ERFCX)
    a = absolute(e, wide)
    small = wide < -1.0
    slow = 0.5 * positive_erfcx(e, a * ROOT_HALF, table)
    p = probability(e, -a, table)
    left = log(e, e.select(small, slow, p))
    left = e.select(small, left - 0.5 * wide * wide, left)
    return e.cast(e.select(wide > 0, log1p(e, -p), left), x.kind)


def ndtri(e: Emitter, x: Value) -> Value:
    """Return √2 erfinv(2x - 1), from w = -log 4x(1 - x), which small x determine as well as others."""
    wide = e.cast(x, kinds.float64)
    low = wide < 0.5
    q = e.select(low, wide, 1.0 - wide)
    y = ROOT_TWO * (1.0 - 2.0 * q) * erfinv_slope(e, -log(e, 4.0 * q * (1.0 - q)), x, tiny=True)
    y = e.select(q == 0, e.like(math.inf, wide), y)
    return e.cast(e.select(low, -y, y), x.kind)
