"""How alike two vectors are."""

from __future__ import annotations

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.core import renamed
from lineal.core.calling import public


@public
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return x1·x2 / (max(‖x1‖, eps) max(‖x2‖, eps)) along `dim`."""
    x1, x2 = ops.broadcast_tensors(x1, x2)
    lengths = x1.norm(2, dim, keepdim=True).clamp_min(eps), x2.norm(2, dim, keepdim=True).clamp_min(eps)
    return (x1 / lengths[0] * (x2 / lengths[1])).sum(dim)


@public
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Return ‖x1 - x2 + eps‖ₚ along the last dimension; eps keeps the derivative finite for equal vectors."""
    return (x1 - x2 + eps).norm(p, -1, keepdim=keepdim)


@public
def pdist(input: Tensor, p: float = 2) -> Tensor:
    """Return the p-norms of the differences of all pairs of rows, (n (n - 1) / 2,) of (n, m): first those with row 0."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist: expected a matrix, pdist only supports 2D tensors, got shape {list(input.shape)}")
    if not input.is_floating_point():
        raise RuntimeError(f"pdist: pdist only supports floating-point dtypes, got {input.dtype}")
    if p < 0:
        raise RuntimeError(f"pdist: pdist only supports non-negative p values, got {p}")
    count = input.shape[0]
    first, second = ops.triu_indices(count, count, 1, device=input.device)
    return renamed(ops.cdist(input, input, p, "donot_use_mm_for_euclid_dist")[first, second], "PdistBackward0")
