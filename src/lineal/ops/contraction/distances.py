"""Distances between all pairs of rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.base.signatures import Tensor
from lineal.base.spec import broadcast_shapes
from lineal.core import Op, apply
from lineal.core.calling import public
from lineal.core.opening import settled
from lineal.ops.broadcasting import expand
from lineal.ops.contraction.products import product
from lineal.ops.conversion import dtype_of
from lineal.ops.reductions.norms import ranges

__all__ = ["cdist"]

_MANY = 25
_MODES = {"use_mm_for_euclid_dist_if_necessary": None, "use_mm_for_euclid_dist": True, "donot_use_mm_for_euclid_dist": False}


class PairDistance(Op):
    """D_ij = ‖a_i - b_j‖_p of the rows of two matrices (or stacks of them), zero derivative where a row meets itself.

    For p = 2, with W = D̄ / D:  Ā = diag(W 1) A - W B and B̄ = diag(Wᵀ 1) B - Wᵀ A.
    """

    p: float
    by_product: bool
    grad_name = "CdistBackward0"
    keeps = "0 1 y"
    no_lowering = "host step: powers of differences, rescaled where they leave the range"

    def eager(self, xp, a, b):
        y = self.plain(xp, a, b)
        if self.p in (0, 1, math.inf) or not y.size:
            return y
        small, large = ranges(a.dtype, self.p)
        top = max(xp.abs(a).max(initial=0), xp.abs(b).max(initial=0))
        if not 0 < top < math.inf or (top > small * 1e3 and y.max() <= large):
            return y
        # powers left the range: the same for points of size 1/2 to 1
        most = np.finfo(a.dtype).maxexp - 2
        scale = 2.0 ** -max(-most, min(most, int(xp.frexp(top)[1])))
        return self.plain(xp, a * a.dtype.type(scale), b * b.dtype.type(scale)) / a.dtype.type(scale)

    def plain(self, xp, a, b):
        """Return D by its formula."""
        if self.p == 2 and self.by_product:
            square = xp.square(a).sum(-1)[..., :, None] + xp.square(b).sum(-1)[..., None, :] - 2 * xp.matmul(a, b.mT)
            return xp.sqrt(xp.maximum(square, 0))
        y: Any = None
        for place in range(a.shape[-1]):
            part = self.part(xp.abs(a[..., :, None, place] - b[..., None, :, place])).astype(a.dtype, copy=False)
            y = part if y is None else xp.maximum(y, part) if self.p == math.inf else y + part
        if y is None:
            y = xp.zeros((*a.shape[:-1], b.shape[-2]), a.dtype)
        return xp.sqrt(y) if self.p == 2 else y if self.p in (0, 1, math.inf) else y ** (1 / self.p)

    def part(self, difference: Any) -> Any:
        """Return what one coordinate's difference adds."""
        if self.p in (1, math.inf):
            return difference
        return difference != 0 if self.p == 0 else difference * difference if self.p == 2 else difference**self.p

    def vjp(self, needs, g, y, a, b):
        if self.p == 2:
            return self.euclidean(g, y, a, b)
        each = self.slope(g.unsqueeze(-1), y.unsqueeze(-1), a.unsqueeze(-2) - b.unsqueeze(-3))
        return each.sum(-2), -each.sum(-3)

    def euclidean(self, g, y, a, b):
        """Return both cotangents for p = 2, without the differences of all pairs."""
        apart = y != 0
        weight = (g / y.where(apart, y + 1)).where(apart, g * 0)
        return (
            weight.sum(-1, keepdim=True) * a - product(weight, b),
            weight.sum(-2).unsqueeze(-1) * b - product(weight, a, True),
        )

    def slope(self, g, y, difference):
        """Return D̄ times the derivative of the distances by the differences."""
        if self.p == 0:
            return g * difference * 0
        if self.p == 1:
            return g * difference.sign()
        if self.p == math.inf:
            return g * difference.sign() * (difference.abs() == y)
        apart = (y != 0) & (difference != 0)
        safe, far = difference.abs().where(apart, y * 0 + 1), y.where(y != 0, y + 1)
        return (g * difference.sign() * (safe / far) ** (self.p - 1)).where(apart, g * 0)


class SquaredDistances(Op):
    """D_ij = |x_i - y_j|²;  X̄ = 2 (diag(D̄ 1) X - D̄ Y),  Ȳ = 2 (diag(D̄ᵀ 1) Y - D̄ᵀ X), without the differences of all pairs.

    X's mean is taken from all points first, which changes no difference and saves digits of points far from the origin.
    """

    keeps = "0 1"
    no_lowering = "host step: a kernel of its own in NumPy"

    def eager(self, xp, x, y):
        total = xp.zeros((*x.shape[:-1], y.shape[-2]), x.dtype)
        difference = xp.empty_like(total)
        for k in range(x.shape[-1]):
            xp.subtract(x[..., :, None, k], y[..., None, :, k], out=difference)
            difference *= difference
            total += difference
        return total

    def vjp(self, needs, g, y, left, right):
        if left.shape[-2]:
            middle = left.mean(-2, keepdim=True)
            left, right = left - middle, right - middle
        g = 2 * g
        by_left = g.sum(-1)[..., None] * left - g @ right if needs[0] else None
        by_right = g.sum(-2)[..., None] * right - g.mT @ left if needs[1] else None
        return by_left, by_right


_pair_distance = settled(PairDistance)


@public
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """Return the p-norm distances (…, n, m) between the rows of `x1` (…, n, d) and of `x2` (…, m, d)."""
    if compute_mode not in _MODES and compute_mode is not None:
        raise ValueError(f"cdist: {compute_mode} is not a valid value for compute_mode")
    a, b = x1.value.shape, x2.value.shape
    if len(a) < 2 or len(b) < 2:
        raise RuntimeError(f"cdist: expected tensors of at least 2 dimensions, got shapes {tuple(a)} and {tuple(b)}")
    if a[-1] != b[-1]:
        raise RuntimeError(f"cdist: X1 and X2 must have the same number of columns, got {a[-1]} and {b[-1]}")
    if p < 0:
        raise RuntimeError(f"cdist: only supports non-negative p values, got {p}")
    if x1.value.dtype != x2.value.dtype or x1.value.dtype.kind != "f":
        raise RuntimeError(f"cdist: expected two floating tensors of one dtype, got {dtype_of(x1)} and {dtype_of(x2)}")
    lead = broadcast_shapes("cdist", a[:-2], b[:-2])
    by_product = _MODES.get(compute_mode) if compute_mode else None
    if by_product is None:
        by_product = max(a[-2], b[-2]) > _MANY
    op = _pair_distance(float(p), bool(by_product))
    return apply(op, expand(x1, (*lead, *a[-2:])), expand(x2, (*lead, *b[-2:])))
