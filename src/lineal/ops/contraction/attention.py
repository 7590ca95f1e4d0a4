"""Attention as one op that makes its scores tile by tile, and never has all of them; traces see what it is made of."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.spec import Shape
from lineal.codegen.batched.arrays import matmul
from lineal.core import Op, apply, modes
from lineal.ops.contraction.products import product
from lineal.ops.creation import ones
from lineal.ops.elementwise.arithmetic import add, mul
from lineal.ops.indexing.masks import masked_fill
from lineal.ops.reductions.exponentials import SafeSoftmax, SoftmaxBackward, safe_softmax
from lineal.ops.reductions.front import rowwise
from lineal.ops.reductions.sums import sum
from lineal.ops.structural.triangles import triu

__all__: list[str] = []

TILE = 1 << 20
"""How many scores are made at once."""


class Attention(Op):
    """Y = P V with P = softmax(scale Q Kᵀ + M) by rows, for stacks of matrices; M is there or not.

    With `causal` row i sees columns 0 … i alone.  With Z = Ȳ Vᵀ and S̄ = P ∘ (Z - rowsum(Z ∘ P)):  V̄ = Pᵀ Ȳ,
    Q̄ = scale S̄ K, K̄ = scale S̄ᵀ Q.  The way back makes P again: Dao et al. (2022), arXiv:2205.14135, appendix B.
    """

    scale: float
    causal: bool
    grad_name = "ScaledDotProductFlashAttentionForCpuBackward0"
    keeps = "*"
    no_batch = "never met: where somebody listens, other ops stand for it"
    no_lowering = "never met: where somebody listens, other ops stand for it"

    def eager(self, xp, q, k, v, *mask):
        y = xp.zeros((*q.shape[:-1], v.shape[-1]), q.dtype)
        for tile in tiles((*q.shape[:-1], k.shape[-2])):
            p, keys = self.weights(xp, tile, q, k, *mask)
            y[tile] = times(xp, p, v[keys])
        return y

    def weights(self, xp: Any, tile: tuple, q: Any, k: Any, *mask: Any) -> tuple[Any, tuple]:
        """Return the weights of a tile of queries, and which keys they are of."""
        lead = tile[: q.ndim - 2]
        rows = tile[-1] if len(tile) == q.ndim - 1 else slice(0, q.shape[-2])
        end = min(rows.stop, k.shape[-2]) if self.causal else k.shape[-2]
        keys = (*lead, ..., slice(0, end), slice(None))
        s = times(xp, q[tile] * q.dtype.type(self.scale), k[keys].swapaxes(-1, -2))
        if mask:
            s += mask[0][tile][..., :end]
        if self.causal and end > rows.start + 1:
            later = xp.arange(rows.start, rows.stop)[:, None] < xp.arange(end)
            s = xp.where(later, s.dtype.type(-np.inf), s)
        return rowwise(xp, SafeSoftmax.formula, (s.ndim - 1,), s), keys

    def vjp(self, needs, g, y, q, k, v, *mask):
        # what nothing more is derived from is made tile by tile; who listens hears of ops that can be
        if not modes.grad_enabled.get() and modes.recorder.get() is None:
            return (*apply(AttentionAdjoint(self), g, q, k, v, *mask), None)[: len(needs)]
        p = weights(q, k, mask[0] if mask else None, self.scale, self.causal)
        z = product(g, v, False, True)
        s = mul(mul(p, z - sum(z * p, -1, True)), self.scale)
        return (product(s, k), product(s, q, True), product(p, g, True), None)[: len(needs)]

    def check(self, q, k, v, *mask):
        given = ", ".join(str(list(each.value.shape)) for each in (q, k, v, *mask))
        raise RuntimeError(f"scaled_dot_product_attention: query, key, value and mask do not fit, got shapes {given}")


class AttentionAdjoint(Op):
    """The cotangents of Q, K and V of an attention, where nothing more is derived from them."""

    op: Attention
    width = 3
    differentiable = False
    grad_name = "ScaledDotProductFlashAttentionForCpuBackwardBackward0"
    no_vjp = "taken where nothing more is derived from it; ops otherwise"
    no_batch = "never met: where somebody listens, other ops stand for it"
    no_lowering = "never met: where somebody listens, other ops stand for it"

    def eager(self, xp, g, q, k, v, *mask):
        by_q, by_k, by_v = (xp.zeros(each.shape, each.dtype) for each in (q, k, v))
        scale = q.dtype.type(self.op.scale)
        for tile in tiles((*q.shape[:-1], k.shape[-2])):
            p, keys = self.op.weights(xp, tile, q, k, *mask)
            by_v[keys] += times(xp, p.swapaxes(-1, -2), g[tile])
            z = times(xp, g[tile], v[keys].swapaxes(-1, -2))
            s = rowwise(xp, SoftmaxBackward.formula, (z.ndim - 1,), z, p)
            s *= scale
            by_q[tile] = times(xp, s, k[keys])
            by_k[keys] += times(xp, s.swapaxes(-1, -2), q[tile])
        return by_q, by_k, by_v

    def vjp(self, needs, g, y, *xs):
        return (None,) * len(xs)


def times(xp: Any, a: Any, b: Any) -> Any:
    """Return the products of two matrices, or of stacks of them."""
    return matmul(a, b) if xp is np else xp.matmul(a, b)


def tiles(shape: Shape, most: int = TILE) -> Iterator[tuple[slice, ...]]:
    """Yield slices of the leading axes that part an array into pieces of at most `most` elements, or single rows."""
    rest = math.prod(shape[1:])
    if not rest or not shape[0]:
        return
    if len(shape) == 2 or rest <= most:
        step = max(1, most // rest)
        yield from ((slice(start, min(start + step, shape[0])),) for start in range(0, shape[0], step))
        return
    for place in range(shape[0]):
        yield from ((slice(place, place + 1), *tile) for tile in tiles(shape[1:], most))


def weights(q: Any, k: Any, mask: Any, scale: float, causal: bool) -> Any:
    """Return softmax(scale Q Kᵀ + M) in terms of ops; zeros where a row is -∞ throughout."""
    s = product(mul(q, scale), k, False, True)
    s = s if mask is None else add(s, mask)
    if causal:
        later = triu(ones(*s.value.shape[-2:], dtype=dtypes.bool_, device=s.device), 1)
        s = masked_fill(s, later, -math.inf)
    return safe_softmax(-1, s.value.ndim)(s)


_attention = functools.lru_cache(256)(Attention)


def attention(q: Any, k: Any, v: Any, mask: Any, scale: float, causal: bool) -> Any:
    """Return softmax(scale Q Kᵀ + M) V of stacks with the same leading sizes, for a mask that needs no derivative."""
    return apply(_attention(float(scale), causal), q, k, v, *(() if mask is None else (mask,)))
