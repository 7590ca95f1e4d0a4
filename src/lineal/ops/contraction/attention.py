"""Attention as one op that makes its scores tile by tile, and never has all of them, and its adjoint, which is another.

Large ones are made by `codegen.attention`, whose tiles stay in the cache, others by NumPy.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lineal.base import dtypes, later
from lineal.base.spec import Shape
from lineal.codegen.batched.arrays import matmul
from lineal.core import Op, apply
from lineal.core.inplace import Copy
from lineal.ops.contraction.products import product
from lineal.ops.creation import ones, zeros_like
from lineal.ops.elementwise.arithmetic import add, mul
from lineal.ops.elementwise.logic import logical_not
from lineal.ops.indexing.masks import masked_fill
from lineal.ops.random.generator import bits, default_generator
from lineal.ops.reductions.exponentials import SoftmaxBackward, safe_softmax, softmax
from lineal.ops.reductions.sums import sum
from lineal.ops.structural.triangles import triu

problem: Any = later.module("lineal.codegen.attention.problem")
native: Any = later.module("lineal.codegen.attention.arrays")

__all__: list[str] = []

EACH = 8
"""How many words of 32 bits a block of random words has."""
TILE = 1 << 20
"""How many scores are made at once by NumPy."""


class Attention(Op):
    """Y = P V with P = softmax(scale Q Kᵀ + M) by rows, for stacks of matrices, and t = log Σ exp of the scores of a row.

    M is there or not; a bool one says which keys are seen. With `causal` row i sees columns 0 … i alone. A row that sees none
    gives zeros, and t = ∞, if it is `safe`, else NaN, and t = -∞. Nobody but the adjoint reads t, which has no derivative.
    With S̄ the adjoint's, M̄ = S̄.  If elements of P are `dropped` with a probability, Y = (P ∘ N) V, where N, zeros and
    1 / (1 - dropped), is drawn from the state of a generator, the last input.
    """

    scale: float
    causal: bool
    safe: bool = True
    dropped: float = 0.0
    grad_name = "ScaledDotProductFlashAttentionForCpuBackward0"
    keeps = "* y"
    width = 2

    def parted(self, rest: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        """Return the mask, if there is one, and the state, if elements are dropped, of the inputs behind Q, K and V."""
        count = len(rest) - (self.dropped > 0)
        return rest[:count], rest[count:]

    def eager(self, xp, q, k, v, *rest):
        mask, state = self.parted(rest)
        if xp is np and (made := native.attended(self, q, k, v, mask, *state)) is not None:
            return made
        kept = self.kept(xp, (*q.shape[:-1], k.shape[-2]), q.dtype, *state)
        y, total = xp.zeros((*q.shape[:-1], v.shape[-1]), q.dtype), xp.full(q.shape[:-1], np.inf, q.dtype)
        for tile in tiles((*q.shape[:-1], k.shape[-2])):
            s, keys = self.scores(xp, tile, q, k, *mask)
            top = xp.maximum(s.max(-1, keepdims=True), s.dtype.type(np.finfo(s.dtype).min))
            e = xp.exp(s - top)
            sums = e.sum(-1, keepdims=True)
            # the largest score gives 1: a sum of less has no scores
            part = e if kept is None else e * kept[tile][..., : e.shape[-1]]
            y[tile] = times(xp, part, v[keys]) / (xp.maximum(sums, 1) if self.safe else sums)
            logs = top + xp.log(sums)
            total[tile] = (xp.where(sums == 0, np.inf, logs) if self.safe else logs)[..., 0]
        return y, total

    def kept(self, xp: Any, shape: Shape, dtype: Any, *state: Any) -> Any:
        """Return what elements of P, an array of this shape, are multiplied by; None if all are kept.

        Each row begins with a block of random words of its own.
        """
        if not state:
            return None
        rows, whole = math.prod(shape[:-1]), -(-shape[-1] // EACH) * EACH
        words = bits(state[0], rows * whole // 2).view(np.uint32).reshape(*shape[:-1], whole)[..., : shape[-1]]
        return xp.asarray(np.where(words < problem.threshold_of(self.dropped), 1 / (1 - self.dropped), 0).astype(dtype))

    def scores(self, xp: Any, tile: tuple, q: Any, k: Any, *mask: Any) -> tuple[Any, tuple]:
        """Return the scores of a tile of queries, and which keys they are of."""
        lead = tile[: q.ndim - 2]
        rows = tile[-1] if len(tile) == q.ndim - 1 else slice(0, q.shape[-2])
        end = min(rows.stop, k.shape[-2]) if self.causal else k.shape[-2]
        keys = (*lead, ..., slice(0, end), slice(None))
        s = times(xp, q[tile] * q.dtype.type(self.scale), k[keys].swapaxes(-1, -2))
        seen = mask[0][tile][..., :end] if mask else None
        if self.causal and end > rows.start + 1:
            earlier = xp.arange(rows.start, rows.stop)[:, None] >= xp.arange(end)
            s, seen = (s, earlier) if seen is None else (xp.where(earlier, s, s.dtype.type(-np.inf)), seen)
        if seen is not None:
            s = xp.where(seen, s, s.dtype.type(-np.inf)) if seen.dtype == np.bool_ else s + seen
        return s, keys

    def vjp(self, needs, gs, ys, q, k, v, *rest):
        g, (mask, state) = gs[0], self.parted(rest)
        if g is None:
            return (None,) * len(needs)
        found = apply(AttentionAdjoint(self), g, q, k, v, *ys, *rest) if any(needs[:3]) else (None,) * 3
        if not any(needs[3:]):
            return (*found, None, None)[: len(needs)]
        p = weights(q, k, mask[0], self.scale, self.causal, self.safe)
        z = self.thinned(product(g, v, False, True), *state)
        return (*found, pulled(p, z), None)[: len(needs)]

    def thinned(self, x: Any, *state: Any) -> Any:
        """Return X ∘ N for a matrix like P, in terms of ops."""
        return mul(x, apply(Kept(self, x.value.shape, x.value.dtype.name), *state)) if state else x

    def check(self, q, k, v, *rest):
        shapes = [each.value.shape for each in (q, k, v, *self.parted(rest)[0])]
        (*lead, _, width), wanted = shapes[0], (*shapes[0][:-1], shapes[1][-2])
        fits = shapes[1] == (*lead, wanted[-1], width) and shapes[2][:-1] == (*lead, wanted[-1])
        if fits and all(shape == wanted for shape in shapes[3:]):
            return
        given = ", ".join(str(list(each)) for each in shapes)
        raise RuntimeError(f"scaled_dot_product_attention: query, key, value and mask do not fit, got shapes {given}")


class AttentionAdjoint(Op):
    """The cotangents of Q, K and V: with Z = Ȳ Vᵀ, D = rowsum(Y ∘ Ȳ) and S̄ = P ∘ (Z - D):  scale S̄ K, scale S̄ᵀ Q, Pᵀ Ȳ.

    Where elements are dropped, Z = Ȳ Vᵀ ∘ N and V̄ = (P ∘ N)ᵀ Ȳ, and so below: Ē, P and Ȳ Cᵀ stand before N.

    Y and t only tell P and D, which Q, K and V decide.  With cotangents A, B, C and E = scale (A Kᵀ + Q Bᵀ), Ē = P ∘ (E - e),
    e = rowsum(P ∘ E):  Ȳ gets Ē V + P C, V gets Ēᵀ Ȳ, and P gets E ∘ (Z - D) - e Z + Ȳ Cᵀ.
    Dao et al. (2022), arXiv:2205.14135, appendix B.
    """

    op: Attention
    width = 3
    keeps = "*"
    grad_name = "ScaledDotProductFlashAttentionForCpuBackwardBackward0"

    def eager(self, xp, g, q, k, v, y, total, *rest):
        op = self.op
        mask, state = op.parted(rest)
        if xp is np and (made := native.pulled_back(op, g, q, k, v, y, total, mask, *state)) is not None:
            return made
        kept = op.kept(xp, (*q.shape[:-1], k.shape[-2]), q.dtype, *state)
        by_q, by_k, by_v = (xp.zeros(each.shape, each.dtype) for each in (q, k, v))
        slopes = (g * y).sum(-1, keepdims=True)
        for tile in tiles((*q.shape[:-1], k.shape[-2])):
            s, keys = op.scores(xp, tile, q, k, *mask)
            p = xp.exp(s - total[tile][..., None])
            part = 1 if kept is None else kept[tile][..., : p.shape[-1]]
            by_v[keys] += times(xp, (p * part).swapaxes(-1, -2), g[tile])
            s = p * (times(xp, g[tile], v[keys].swapaxes(-1, -2)) * part - slopes[tile]) * q.dtype.type(op.scale)
            if mask and mask[0].dtype == np.bool_:
                s = xp.where(mask[0][tile][..., : s.shape[-1]], s, s.dtype.type(0))
            by_q[tile] = times(xp, s, k[keys])
            by_k[keys] += times(xp, s.swapaxes(-1, -2), q[tile])
        return by_q, by_k, by_v

    def vjp(self, needs, hs, ys, g, q, k, v, y, total, *rest):
        scale, (mask, state) = self.op.scale, self.op.parted(rest)
        thin = lambda x: self.op.thinned(x, *state)
        a, b, c = (zeros_like(x) if h is None else h for h, x in zip(hs, (q, k, v)))
        p = weights(q, k, mask[0] if mask else None, scale, self.op.causal, self.op.safe)
        z, slope = thin(product(g, v, False, True)), mul(add(product(a, k, False, True), product(q, b, False, True)), scale)
        s, e = pulled(p, z), pulled(p, slope)
        by_p = slope * (z - sum(p * z, -1, True)) - z * sum(p * slope, -1, True) + thin(product(g, c, False, True))
        by_s = pulled(p, by_p)
        by_q = mul(add(product(by_s, k), product(s, b)), scale)
        by_k = mul(add(product(by_s, q, True), product(s, a, True)), scale)
        by_g, by_v = add(product(thin(e), v), product(thin(p), c)), product(thin(e), g, True)
        return (by_g, by_q, by_k, by_v, None, None, *([by_s] if mask else []), None)[: len(needs)]


class Kept(Op):
    """N, what the elements of P are multiplied by in an attention that drops some, drawn from the state of a generator."""

    op: Attention
    shape: Shape
    dtype: str
    differentiable = False
    no_vjp = "random numbers"
    no_batch = no_lowering = "host step: met in second derivatives alone"

    def eager(self, xp, state):
        return self.op.kept(xp, self.shape, np.dtype(self.dtype), state)

    def vjp(self, needs, g, y, state):
        return (None,)


def pulled(p: Any, z: Any) -> Any:
    """Return P ∘ (Z - rowsum(P ∘ Z)), the cotangent of what P is the softmax of."""
    return apply(SoftmaxBackward(z.value.ndim - 1), z, p)


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


def weights(q: Any, k: Any, mask: Any, scale: float, causal: bool, safe: bool = True) -> Any:
    """Return softmax(scale Q Kᵀ + M) in terms of ops; where a row is -∞ throughout, zeros if it is `safe`, else NaN."""
    s = product(mul(q, scale), k, False, True)
    if mask is not None:
        s = masked_fill(s, logical_not(mask), -math.inf) if mask.value.dtype == np.bool_ else add(s, mask)
    if causal:
        later = triu(ones(*s.value.shape[-2:], dtype=dtypes.bool_, device=s.device), 1)
        s = masked_fill(s, later, -math.inf)
    return safe_softmax(-1, s.value.ndim)(s) if safe else softmax(s, -1)


_attention = functools.lru_cache(256)(Attention)


def attention(q: Any, k: Any, v: Any, mask: Any, scale: float, causal: bool, dropped: float = 0.0) -> Any:
    """Return softmax(scale Q Kᵀ + M) V of stacks with the same leading sizes, elements of the softmax dropped."""
    rest = () if mask is None else (mask,)
    if not dropped:
        return apply(_attention(float(scale), causal), q, k, v, *rest)[0]
    state = default_generator.draw(Copy("C"))
    return apply(Attention(float(scale), causal, True, float(dropped)), q, k, v, *rest, state)[0]


def is_large(q: Any, k: Any, v: Any, causal: bool) -> bool:
    """Return whether an attention of stacks with the same leading sizes is one op in programs too, which has a routine."""
    return native.known(causal, q.value, k.value, v.value, program=True)
