"""Functions about Γ."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lineal.codegen import kinds
from lineal.codegen.mathlib import logarithm, trigonometry
from lineal.codegen.mathlib.parts import horner
from lineal.codegen.mathlib.powers import from_c
from lineal.codegen.values import Value

if TYPE_CHECKING:
    from lineal.codegen.emit import Emitter

# from here the asymptotic series is exact to the last bits
LARGE = 10
# B₂ₙ / 2n, of the series ψ(x) ~ log x - 1/2x - Σ B₂ₙ / (2n x²ⁿ)
SERIES = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)

lgamma = from_c("lgamma")


def digamma(e: Emitter, x: Value) -> Value:
    """Return ψ(x), computed in float64: by recurrence up to LARGE, then the series; for x < 0 by reflection."""
    wide = e.cast(x, kinds.float64)
    negative = wide < 0
    y, total = e.variable(e.select(negative, 1.0 - wide, wide)), e.variable(e.like(0.0, wide))
    with e.loop(LARGE, carried=[y, total]):
        small = y.value < LARGE
        total.value = e.select(small, total.value - 1.0 / y.value, total.value)
        y.value = e.select(small, y.value + 1.0, y.value)
    z = 1.0 / (y.value * y.value)
    psi = logarithm.log(e, y.value) - 0.5 / y.value - z * horner(e, z, SERIES) + total.value
    psi = e.select(y.value == math.inf, y.value, psi)
    fraction = wide - e.intrinsic("nearbyint", wide)
    turned = psi - math.pi / trigonometry.tan(e, fraction * math.pi)
    psi = e.select(negative, e.select(fraction == 0, e.like(math.nan, wide), turned), psi)
    pole = e.intrinsic("copysign", e.like(math.inf, wide), -wide)
    return e.cast(e.select(wide == 0, pole, psi), x.kind)
