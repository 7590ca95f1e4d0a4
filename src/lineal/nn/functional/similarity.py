"""How alike two vectors are."""

from __future__ import annotations

from lineal import ops
from lineal.base.signatures import Tensor
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
