"""Attention, and the rotations that stand for positions.

Source: the descriptions of Attention and RotaryEmbedding, https://onnx.ai/onnx/operators.
"""

from __future__ import annotations

import math
from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.nn import functional as F
from lineal.onnx.kernels.arithmetic import dtype_of
from lineal.onnx.kernels.table import Node, operator, refuse

__all__: list[str] = []


def heads(x: Any, count: int | None) -> Any:
    """Return (n, heads, T, size) of (n, T, heads · size); what has four dimensions as it is."""
    return x if x.ndim == 4 else x.reshape(x.shape[0], x.shape[1], count, -1).transpose(1, 2)


@operator("Attention")
def attention(
    node: Node, q: Any, k: Any, v: Any, mask: Any = None, keys: Any = None, values: Any = None, lengths: Any = None
) -> Any:
    """Y = softmax(scale Q Kᵀ + mask) V; the keys and values with those before; and the scores, as far as mode says."""
    if lengths is not None:
        raise refuse(node, "numbers of keys that are no padding")
    flat = q.ndim == 3
    q, k, v = (heads(x, node.get(f"{word}_num_heads")) for x, word in ((q, "q"), (k, "kv"), (v, "kv")))
    past = 0 if keys is None else keys.shape[2]
    if keys is not None:
        k, v = ops.cat([keys, k], 2), ops.cat([values, v], 2)
    repeats = q.shape[1] // k.shape[1]
    wide_k, wide_v = (x.repeat_interleave(repeats, 1) if repeats > 1 else x for x in (k, v))
    root = math.sqrt(node.get("scale") or 1 / math.sqrt(q.shape[-1]))
    stages = [ops.matmul(q * root, (wide_k * root).transpose(-1, -2))]
    cap = node.get("softcap", 0.0)
    stages.append(ops.tanh(stages[0] / cap) * cap if cap else stages[0])
    bias, cut = biased(node, stages[1], mask, past)
    stages.append(stages[1] + bias)
    weights = normalised(node, ops.where(cut, -math.inf, stages[2]), cut)
    stages.append(weights)
    y = ops.matmul(weights, wide_v)
    y = y.transpose(1, 2).reshape(y.shape[0], y.shape[2], -1) if flat else y
    return (y, k, v, stages[node.get("qk_matmul_output_mode", 0)])[: len(node.outputs)] if len(node.outputs) > 1 else y


def biased(node: Node, scores: Any, mask: Any, past: int) -> tuple[Any, Any]:
    """Return what is added to scores, and which of them no query may see."""
    rows, columns = scores.shape[-2:]
    cut = ops.zeros(rows, columns, dtype=dtypes.bool_)
    if node.get("is_causal", 0):
        cut = ops.arange(columns) > ops.arange(rows)[:, None] + past
    if mask is None:
        return ops.where(cut, -math.inf, 0.0).to(scores.dtype), cut
    if mask.shape[-1] < columns:
        mask = F.pad(mask, (0, columns - mask.shape[-1]), value=0.0 if mask.dtype is dtypes.bool_ else -math.inf)
    hidden = ~mask if mask.dtype is dtypes.bool_ else mask == -math.inf
    added = ops.zeros_like(scores) if mask.dtype is dtypes.bool_ else mask
    cut = cut | hidden
    return ops.where(cut, -math.inf, added).to(scores.dtype), cut


def normalised(node: Node, scores: Any, cut: Any) -> Any:
    """Return the softmax of scores, in another dtype on request; zeros where a query sees no key."""
    precision = node.get("softmax_precision")
    found = F.softmax(scores if precision is None else scores.to(dtype_of(precision)), -1).to(scores.dtype)
    return ops.where(ops.all(cut, -1, keepdim=True), ops.zeros_like(found), found)


@operator("RotaryEmbedding")
def rotary(node: Node, x: Any, cosines: Any, sines: Any, positions: Any = None) -> Any:
    """y = pairs of features, turned by the angles of their positions; what is beyond `rotary_embedding_dim` stays."""
    flat, shape = x.ndim == 3, x.shape
    rows = x.reshape(shape[0], shape[1], node.get("num_heads"), -1) if flat else x.transpose(1, 2)
    size = node.get("rotary_embedding_dim", 0) or rows.shape[-1]
    turned, rest = rows[..., :size], rows[..., size:]
    c, s = (each if positions is None else each[positions] for each in (cosines, sines))
    c, s = c.unsqueeze(2), s.unsqueeze(2)
    alternate = node.get("interleaved", 0)
    a, b = (turned[..., 0::2], turned[..., 1::2]) if alternate else turned.chunk(2, -1)
    pair = c * a - s * b, s * a + c * b
    joined = ops.stack(pair, -1).reshape(turned.shape) if alternate else ops.cat(pair, -1)
    y = ops.cat([joined, rest], -1)
    return y.reshape(shape) if flat else y.transpose(1, 2)
