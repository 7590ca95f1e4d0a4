"""Linear maps along the last axes, one after the other: pooling by averages, interpolation; adjoint to their like."""

from __future__ import annotations

from typing import Any

from lineal.base.layouts import dense, suggested, suggested_in_rows
from lineal.core import AbstractTensor, Op, apply
from lineal.core.opening import settled
from lineal.ops.spatial.taps import Taps


class Resample(Op):
    """y = (A₁ ⊗ … ⊗ Aₙ) x over the last n axes, where each A reads a few inputs for each output; x̄ = (A₁ᵀ ⊗ … ⊗ Aₙᵀ) ȳ."""

    taps: tuple[Taps, ...]
    wide = True

    def layout(self, y, x):
        averages = all(each.origin is not None and each.origin.name == "averages" for each in self.taps)
        rule = {1: suggested_in_rows if averages else dense, 3: dense if averages else suggested}.get(len(self.taps), suggested)
        return rule(self, y, x)

    def eager(self, xp, x):
        first = x.ndim - len(self.taps)
        # axes that become shorter go first
        for place in sorted(range(len(self.taps)), key=lambda n: self.taps[n].count / max(self.taps[n].size, 1)):
            x = self.taps[place].apply(xp, x, first + place)
        return x

    def vjp(self, needs, g, y, x):
        return (apply(_resample(tuple([each.transposed for each in self.taps])), g),)


_resample = settled(Resample)


def resample(x: AbstractTensor, *taps: Taps) -> Any:
    """Return linear maps of the last axes of x, one for each."""
    return apply(_resample(taps), x)
