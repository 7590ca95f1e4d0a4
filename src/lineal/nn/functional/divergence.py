"""The distance of one distribution from another."""

from __future__ import annotations

import warnings

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.core.calling import public
from lineal.nn.functional.reduction import reduced, reduction_of
from lineal.ops.reductions.front import shared


@public
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Return t (log t - x) of log probabilities x and probabilities t (or, with `log_target`, their logarithms), reduced.

    The reduction "batchmean" divides the sum by the first size and is the mathematical divergence; "mean" is not.
    """
    batch = reduction == "batchmean" and size_average is None and reduce is None
    reduction = "sum" if batch else reduction_of(size_average, reduce, reduction)
    if reduction == "mean":
        warnings.warn(
            "kl_div: reduction='mean' divides by the number of elements; reduction='batchmean' is the divergence", stacklevel=3
        )
    losses = ops.exp(target) * (target - input) if log_target else ops.xlogy(target, target) - target * input
    loss = reduced(losses, reduction)
    return shared(loss, input.shape[0]) if batch and input.ndim else loss
