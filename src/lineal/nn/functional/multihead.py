"""Attention of several heads between its projections."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

from lineal import ops
from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.core.calling import public
from lineal.nn.functional.attention import scaled_dot_product_attention
from lineal.nn.functional.regularisation import dropout
from lineal.ops.autocasting import lowered

NAME = "multi_head_attention_forward"


class Projections(NamedTuple):
    """The weights that make queries, keys and values of the inputs: one matrix, or one for each; one bias."""

    whole: Any
    bias: Any
    apart: tuple[Any, Any, Any] | None

    def __call__(self, query: Any, key: Any, value: Any) -> tuple[Any, ...]:
        """Return the projected inputs; products with the same input are one."""
        if self.apart is not None:
            biases = (None,) * 3 if self.bias is None else self.bias.chunk(3)
            return tuple([ops.linear(*each) for each in zip((query, key, value), self.apart, biases)])
        if query is key is value:
            return ops.linear(query, self.whole, self.bias).chunk(3, -1)
        width = query.shape[-1]
        first, rest = self.whole.split([width, 2 * width])
        b, others = (None, None) if self.bias is None else self.bias.split([width, 2 * width])
        q = ops.linear(query, first, b)
        if key is value:
            return (q, *ops.linear(key, rest, others).chunk(2, -1))
        biases = (None, None) if others is None else others.chunk(2)
        return (q, *[ops.linear(*each) for each in zip((key, value), rest.chunk(2), biases)])


@public
def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Return the attention of all heads, projected, and the weights if `need_weights`: `nn.MultiheadAttention` as a function.

    `query` is (L, N, E), `key` and `value` are (S, N, E), all without N if there is no batch; a mask (L, S) or
    (N · num_heads, L, S) and a `key_padding_mask` (N, S) are true where a key is not seen, or added.
    """
    batched = require_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = alone(query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    if query.shape[-1] != embed_dim_to_check:
        raise AssertionError(f"{NAME}: was expecting embedding dimension of {embed_dim_to_check}, but got {query.shape[-1]}")
    if query.shape[-1] % num_heads:
        raise AssertionError(f"{NAME}: embed_dim {query.shape[-1]} not divisible by num_heads {num_heads}")
    mask, causal = merged_masks(query, key, num_heads, key_padding_mask, attn_mask, is_causal, need_weights)
    apart: Any = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    require_projections(key, value, in_proj_weight, apart)
    q, k, v = Projections(in_proj_weight, in_proj_bias, apart)(query, key, value)
    if (bias_k is None) != (bias_v is None):
        raise AssertionError(f"{NAME}: bias_k and bias_v must both be given, or both be None")
    if bias_k is not None and not (static_k is static_v is None):
        raise AssertionError(f"{NAME}: bias cannot be added to static key or value.")
    sources = ((k, bias_k, static_k), (v, bias_v, static_v))
    keys, values = (extended(x, num_heads, bias, static, add_zero_attn) for x, bias, static in sources)
    added = (bias_k is not None) + add_zero_attn
    mask = ops.constant_pad_nd(mask, (0, added)) if mask is not None and added else mask
    y, p = attended(by_heads(q, num_heads), keys, values, mask, dropout_p if training else 0.0, causal, need_weights)
    y = ops.linear(y.permute(2, 0, 1, 3).reshape(*query.shape), out_proj_weight, out_proj_bias)
    p = p.mean(1) if p is not None and average_attn_weights else p
    return (y, p) if batched else (y.squeeze(1), None if p is None else p.squeeze(0))


def alone(query: Any, key: Any, value: Any) -> tuple[Any, Any, Any]:
    """Return the inputs as batches of one; what was the same tensor stays so."""
    q = query.unsqueeze(1)
    k = q if key is query else key.unsqueeze(1)
    return q, k, k if value is key else q if value is query else value.unsqueeze(1)


def require_shapes(query: Any, key: Any, value: Any, padding: Any, mask: Any, num_heads: int) -> bool:
    """Return whether the inputs are batches; an error where their numbers of dimensions do not fit."""
    if query.ndim not in (2, 3):
        raise AssertionError(f"{NAME}: query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D one")
    kind = "batched (3-D)" if query.ndim == 3 else "unbatched (2-D)"
    if key.ndim != query.ndim or value.ndim != query.ndim:
        raise AssertionError(
            f"{NAME}: For {kind} `query`, expected `key` and `value` to be {query.ndim}-D but found {key.ndim}-D and "
            f"{value.ndim}-D tensors respectively"
        )
    if padding is not None and padding.ndim != query.ndim - 1:
        raise AssertionError(
            f"{NAME}: For {kind} `query`, expected `key_padding_mask` to be `None` or {query.ndim - 1}-D but found "
            f"{padding.ndim}-D tensor instead"
        )
    if mask is not None and mask.ndim not in (2, 3):
        raise AssertionError(
            f"{NAME}: For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {mask.ndim}-D tensor instead"
        )
    return query.ndim == 3


def require_projections(key: Any, value: Any, whole: Any, apart: Any) -> None:
    """Refuse keys and values that do not belong together, and weights that are missing."""
    if apart is None and tuple(key.shape) != tuple(value.shape):
        raise AssertionError(f"{NAME}: key shape {list(key.shape)} does not match value shape {list(value.shape)}")
    if tuple(key.shape[:2]) != tuple(value.shape[:2]):
        raise AssertionError(
            f"{NAME}: key's sequence and batch dims {list(key.shape[:2])} do not match value's {list(value.shape[:2])}"
        )
    if whole is None if apart is None else any(each is None for each in apart):
        raise AssertionError(f"{NAME}: use_separate_proj_weight is {apart is not None} but such a weight is None")


def as_additive(mask: Any, dtype: Any, name: str, beside: Any = None) -> Any:
    """Return a mask as numbers that are added: -∞ where a bool one is true; a warning if one `beside` it is of another kind."""
    if mask is None:
        return None
    if mask.dtype != dtypes.bool_ and not mask.dtype.is_floating_point:
        raise AssertionError(f"{NAME}: only bool and floating types of {name} are supported, got {mask.dtype}")
    if beside is not None and beside.dtype != mask.dtype:
        warnings.warn(
            f"Support for mismatched {name} and attn_mask is deprecated. Use same type for both instead.", stacklevel=5
        )
    if mask.dtype != dtypes.bool_:
        return mask
    return ops.zeros_like(mask, dtype=dtype).masked_fill(mask, -math.inf)


def merged_masks(
    query: Any, key: Any, num_heads: int, padding: Any, mask: Any, is_causal: bool, need_weights: bool
) -> tuple[Any, bool]:
    """Return what is added to the scores (N or 1, heads or 1, L or 1, S), or None, and whether they are causal besides."""
    (length, batch, _), size = query.shape, key.shape[0]
    padding = as_additive(padding, query.dtype, "key_padding_mask", mask)
    if is_causal and mask is None:
        raise RuntimeError(
            f"{NAME}: Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and padding is None and not need_weights:
        return None, True
    mask = as_additive(mask, query.dtype, "attn_mask")
    if mask is not None:
        wanted = (length, size) if mask.ndim == 2 else (batch * num_heads, length, size)
        if tuple(mask.shape) != wanted:
            raise RuntimeError(
                f"{NAME}: The shape of the {mask.ndim}D attn_mask is {list(mask.shape)}, but should be {list(wanted)}."
            )
        mask = mask.reshape(1, 1, length, size) if mask.ndim == 2 else mask.reshape(batch, num_heads, length, size)
    if padding is not None:
        if tuple(padding.shape) != (batch, size):
            raise AssertionError(f"{NAME}: Expected key_padding_mask of shape {[batch, size]}, but got {list(padding.shape)}")
        padding = padding.reshape(batch, 1, 1, size)
        mask = padding if mask is None else mask + padding
    return mask, False


def by_heads(x: Any, num_heads: int) -> Any:
    """Return (T, N, E) as (N, heads, T, E / heads)."""
    length, batch, width = x.shape
    return x.reshape(length, batch, num_heads, width // num_heads).permute(1, 2, 0, 3)


def extended(x: Any, num_heads: int, bias: Any, static: Any, zero: bool) -> Any:
    """Return keys or values by heads, or the `static` ones, followed by a `bias` and a row of zeros."""
    batch = x.shape[1]
    x = x if bias is None else ops.cat([x, bias.repeat(1, batch, 1)])
    width = x.shape[2] // num_heads
    if static is None:
        y = by_heads(x, num_heads)
    elif static.ndim != 3 or static.shape[0] != batch * num_heads or static.shape[2] != width:
        raise AssertionError(
            f"{NAME}: expecting static keys and values of shape {[batch * num_heads, 'S', width]}, got {list(static.shape)}"
        )
    else:
        y = static.reshape(batch, num_heads, static.shape[1], width)
    return ops.constant_pad_nd(y, (0, 0, 0, 1)) if zero else y


def attended(q: Any, k: Any, v: Any, mask: Any, dropout_p: float, causal: bool, need_weights: bool) -> tuple[Any, Any]:
    """Return the attention by heads and, if wanted, its weights: these are NaN where a query sees no key."""
    if not need_weights:
        return scaled_dot_product_attention(q, k, v, mask, dropout_p, causal), None
    scores = ops.matmul(q * math.sqrt(1.0 / q.shape[-1]), k.transpose(-2, -1))
    # PyTorch adds the mask in the product, which autocast computes in its dtype
    p = ops.softmax(scores if mask is None else scores + lowered(mask)[0], -1)
    p = dropout(p, dropout_p) if dropout_p else p
    return ops.matmul(p, v), p
