"""Attention whose scores a function changes: Dong et al. (2024), arXiv:2412.05496."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.nn.attention.blocks import (
    BlockMask,
    and_masks,
    create_block_mask,
    create_mask,
    everywhere,
    noop_mask,
    or_masks,
    sliced_mask,
)

__all__ = [
    "AuxOutput",
    "AuxRequest",
    "BlockMask",
    "and_masks",
    "create_block_mask",
    "create_mask",
    "flex_attention",
    "noop_mask",
    "or_masks",
]


class AuxRequest(NamedTuple):
    """What `flex_attention` returns besides: the logarithms of the sums of exp(scores), the greatest scores."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What was asked for by an `AuxRequest`, (B, H, queries); None for the rest."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: Callable[..., Any] | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: dict[str, Any] | None = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    """Return softmax(score_mod(scale · Q Kᵀ, b, h, q_idx, kv_idx)) V, of the scores that `block_mask` leaves.

    Q (B, H, L, E), K (B, H, S, E), V (B, H, S, Eᵥ), or with `enable_gqa` fewer heads of K and V; `scale` is 1/√E unless given.
    A query that sees no key gives zeros. All scores are made. With `return_lse` or `return_aux` a pair comes; `kernel_options`
    are hints, and change nothing.
    """
    require_fit(query, key, value, block_mask, enable_gqa)
    if return_lse and return_aux is not None:
        raise ValueError(
            "Cannot specify both return_lse and return_aux. "
            "return_lse is deprecated, please use return_aux=AuxRequest(lse=True) instead."
        )
    if return_lse:
        message = "return_lse is deprecated and will be removed in v2.10. Please use return_aux=AuxRequest(lse=True) instead."
        warnings.warn(message, FutureWarning, stacklevel=2)
    groups = query.shape[1] // key.shape[1]
    k, v = (ops.repeat_interleave(each, groups, 1) if groups > 1 else each for each in (key, value))
    wide = query.dtype.computes_in
    scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query.to(wide) @ k.to(wide).mT) * scale
    sizes = tuple(scores.shape)
    if score_mod is not None:
        scores = everywhere(score_mod, sizes, query.device, scores)
    if block_mask is not None:
        scores = scores.masked_fill(~block_mask.seen(sizes), -math.inf)
    y = attended(scores, query.dtype) @ v.to(query.dtype)
    if return_aux is None:
        return (y, ops.logsumexp(scores, -1)) if return_lse else y
    lse = ops.logsumexp(scores, -1) if return_aux.lse else None
    return y, AuxOutput(lse, scores.amax(-1) if return_aux.max_scores else None)


def attended(scores: Any, dtype: Any) -> Any:
    """Return the softmax of scores, zeros where all of a row are -∞."""
    blind = scores.isneginf().all(-1, keepdim=True)
    return ops.softmax(scores.masked_fill(blind, 0.0), -1).masked_fill(blind, 0.0).to(dtype)


def require_fit(query: Any, key: Any, value: Any, block_mask: Any, enable_gqa: bool) -> None:
    """Refuse what no attention can be made of."""
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            "Expect query and key/value to have the same embedding dimension "
            f"but got E={query.shape[-1]} and E={key.shape[-1]}."
        )
    if query.ndim != 4 or key.ndim != 4 or value.ndim != 4:
        raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
    heads, shared = query.shape[1], key.shape[1]
    if not enable_gqa and heads != shared:
        raise ValueError(
            "Expect query and key/value to have the same number of heads "
            f"but got Hq={heads} and Hkv={shared}. Try setting enable_gqa=True for GQA."
        )
    if heads % shared:
        raise ValueError(
            f"Expect number of query heads to be a multiple of kv heads for GQA but got Hq={heads} and Hkv={shared}."
        )
    if query.shape[0] != key.shape[0] and (block_mask is None or key.shape[0] != 1):
        raise ValueError(
            "Expect query and key/value to have the same batch size, or non-none block_mask, "
            f"but got block_mask={block_mask}, Bq={query.shape[0]}, and Bkv={key.shape[0]}."
        )
    if block_mask is not None:
        require_lengths(query, key, block_mask)


def require_lengths(query: Any, key: Any, block_mask: BlockMask) -> None:
    """Refuse a mask for other numbers of queries and keys."""
    if block_mask.mask_mod is sliced_mask:
        raise RuntimeError("Cannot use mask_mod from a sliced BlockMask")
    if (query.shape[-2], key.shape[-2]) != tuple(block_mask.shape[-2:]):
        raise ValueError(
            f"block_mask was created for block_mask.shape={block_mask.shape} but got q_len={query.shape[-2]} and "
            f"kv_len={key.shape[-2]}. Create a new block mask with the correct length."
        )
