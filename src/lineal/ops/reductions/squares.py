"""The sum of squared differences of large tensors in one pass; small ones, and traces, see the ops it is made of."""

from __future__ import annotations

from typing import Any

from lineal.core import AbstractTensor, Op, apply
from lineal.ops.reductions.front import folded, reduced

__all__: list[str] = []


class SquaredDifferences(Op):
    """y = Σ (a - b)² / n of tensors of one shape;  ā = 2 ȳ (a - b) / n,  b̄ = -ā."""

    n: int
    grad_name = "MseLossBackward0"
    keeps = "0 1"
    no_batch = "never met: where somebody listens, other ops stand for it"
    no_lowering = "never met: where somebody listens, other ops stand for it"

    def eager(self, xp, a, b):
        y = folded(xp.add, a, tuple(range(a.ndim)), a.dtype, squared_difference, b)
        total = reduced(xp.add, xp.square(a - b), tuple(range(a.ndim)), False) if y is None else y.reshape(())
        return total / a.dtype.type(self.n)

    def vjp(self, needs, g, y, a, b):
        by_a = (a - b) * (g * (2 / self.n))
        return by_a, -by_a if needs[1] else None


def squared_difference(m: Any, a: Any, b: Any) -> Any:
    """Return (a - b)²."""
    return m.square(a - b)


def squared_differences(a: AbstractTensor, b: AbstractTensor, n: int) -> Any:
    """Return Σ (a - b)² / n, as one op."""
    return apply(SquaredDifferences(n), a, b)
