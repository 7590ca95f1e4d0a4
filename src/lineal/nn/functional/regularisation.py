"""Functions that make training noisier on purpose."""

from __future__ import annotations

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.core.calling import public


@public
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability `p` while training and scale the others by 1/(1-p)."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout: expected a probability between 0 and 1, got {p}")
    if not training or p == 0:
        return input
    if p == 1:
        return input.mul_(0) if inplace else ops.mul(input, 0.0)
    mask = ops.empty_like(input, requires_grad=False).bernoulli_(1 - p).div_(1 - p)
    return input.mul_(mask) if inplace else ops.mul(input, mask)
