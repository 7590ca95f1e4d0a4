"""Attention: the values of keys, averaged by how well they fit a query."""

from __future__ import annotations

import math
from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.base.spec import broadcast_shapes
from lineal.core import modes, renamed
from lineal.core.calling import public
from lineal.nn.functional.regularisation import dropout
from lineal.ops.broadcasting import expand
from lineal.ops.contraction.attention import attention, is_large, weights

NAME = "scaled_dot_product_attention"
GRAD_NAME = "ScaledDotProductFlashAttentionForCpuBackward0"


@public
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return softmax(scale · Q Kᵀ + mask) V of Q (…, L, E), K (…, S, E) and V (…, S, Eᵥ); `scale` is 1/√E unless given.

    `attn_mask`, which broadcasts to (…, L, S), is added, or, if bool, says which keys a query sees; with `is_causal` query i
    sees the keys up to i.  A query that sees none gives zeros.  Weights are dropped with probability `dropout_p`.  With
    `enable_gqa` heads, in dimension -3, of `query` share those of `key` and `value`.  Half precisions are computed in float32.
    Vaswani et al. (2017), arXiv:1706.03762.
    """
    require_fit(query, key, value, attn_mask, is_causal)
    if not 0.0 <= dropout_p <= 1.0:
        raise RuntimeError(f"{NAME}: dropout probability has to be between 0 and 1, but got {dropout_p}")
    if enable_gqa:
        q, k, v, mask = by_groups(query, key, value, attn_mask)
        return renamed(scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal, scale).flatten(-4, -3), GRAD_NAME)
    dtype, within = query.dtype, query.dtype.computes_in
    q, k, v = (each.to(within) for each in (query, key, value))
    lead = broadcast_shapes(NAME, *(tuple(each.shape[:-2]) for each in (q, k, v)))
    q, k, v = (expand(each, (*lead, *each.shape[-2:])) for each in (q, k, v))
    mask = broadcast_mask(attn_mask, (*lead, q.shape[-2], k.shape[-2]), within)
    scale = 1.0 / math.sqrt(q.shape[-1] or 1) if scale is None else scale
    listener = modes.recorder.get()
    if dropout_p == 0 and (listener is None or is_large(q, k, v, is_causal)):
        return attention(q, k, v, mask, scale, is_causal).to(dtype)
    if 0 < dropout_p < 1 and (listener is None or listener.takes_draws) and is_large(q, k, v, is_causal):
        return attention(q, k, v, mask, scale, is_causal, dropout_p).to(dtype)
    p = dropout(weights(q, k, mask, scale, is_causal), dropout_p)
    return renamed(ops.matmul(p, v).to(dtype), GRAD_NAME)


def require_fit(query: Any, key: Any, value: Any, attn_mask: Any, is_causal: bool) -> None:
    """Refuse what no attention can be made of."""
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError(
            f"{NAME}: Expected query, key, and value to have the same dtype, but got query.dtype: {query.dtype} "
            f"key.dtype: {key.dtype} and value.dtype: {value.dtype}"
        )
    if not query.dtype.is_floating_point:
        raise RuntimeError(f"{NAME}: expected tensors of a floating point dtype, got {query.dtype}")
    shapes = [list(each.shape) for each in (query, key, value)]
    if min(map(len, shapes)) < 2:
        raise RuntimeError(f"{NAME}: Expected query, key, and value to all be at least 2 dimensional, but got shapes {shapes}")
    if shapes[0][-1] != shapes[1][-1] or shapes[1][-2] != shapes[2][-2]:
        raise RuntimeError(f"{NAME}: expected query (…, L, E), key (…, S, E) and value (…, S, Eᵥ), got shapes {shapes}")
    if attn_mask is None:
        return
    if is_causal:
        raise RuntimeError(f"{NAME}: Explicit attn_mask should not be set when is_causal=True")
    if attn_mask.dtype not in (dtypes.bool_, dtypes.float32, query.dtype):
        raise RuntimeError(
            f"{NAME}: Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{attn_mask.dtype} and query.dtype: {query.dtype}"
        )


def by_groups(query: Any, key: Any, value: Any, mask: Any) -> tuple[Any, ...]:
    """Return views in which the heads of `query` that share one of `key` and `value` are an axis of their own, -3."""
    heads = query.shape[-3] if query.ndim > 2 else 0
    given = [each.shape[-3] if each.ndim > 2 else 0 for each in (key, value)]
    for each in given:
        if not each or heads % each:
            raise RuntimeError(
                f"{NAME}: Number of heads in key and value must divide the number of heads in query, got {each} and {heads}"
            )
    if given[0] != given[1]:
        key, value = (ops.repeat_interleave(x, heads // each, -3) for x, each in zip((key, value), given))
    groups = key.shape[-3]
    if mask is not None and mask.ndim > 2:
        mask = mask.unsqueeze(-3) if mask.shape[-3] == 1 else mask.unflatten(-3, (groups, heads // groups))
    return query.unflatten(-3, (groups, heads // groups)), key.unsqueeze(-3), value.unsqueeze(-3), mask


def broadcast_mask(mask: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return a mask as one of scores of this shape; one of numbers has their dtype."""
    if mask is None:
        return None
    if broadcast_shapes(NAME, tuple(mask.shape), shape) != shape:
        raise RuntimeError(f"{NAME}: expected attn_mask to broadcast to {list(shape)}, got shape {list(mask.shape)}")
    return expand(mask if mask.dtype == dtypes.bool_ else mask.to(dtype), shape)
