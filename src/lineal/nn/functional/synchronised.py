"""Batch normalisation whose batch is that of several processes."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.core import renamed
from lineal.distributed.summing import summed
from lineal.nn.functional.normalisation import check_channels, rounded, widened

__all__ = ["synchronised_batch_norm"]


def synchronised_batch_norm(
    input: Any, running_mean: Any, running_var: Any, weight: Any, bias: Any, momentum: float, eps: float, group: Any
) -> Any:
    """Return what `batch_norm` does while training, mean and variance being those of the batches of all ranks of a group.

    The batches may be of different sizes. Sums are taken in two rounds, of the numbers and then of squares of what is left
    without the mean: squares of the numbers themselves would lose digits.
    """
    check_channels("SyncBatchNorm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    x, w, b = widened(input, weight, bias)
    axes = [axis for axis in range(x.ndim) if axis != 1]
    shape = (1, -1, *[1] * (x.ndim - 2))
    count = ops.full((1,), input.numel() // max(input.shape[1], 1), dtype=x.dtype)
    sums = summed(ops.cat([x.sum(axes), count]), group)
    total = sums[-1:].detach()
    mean = sums[:-1] / total
    rest = x - mean.reshape(shape)
    var = summed((rest * rest).sum(axes), group) / total
    y = rest * ops.rsqrt(var.reshape(shape) + eps)
    y = y if w is None else y * w.reshape(shape)
    y = y if b is None else y + b.reshape(shape)
    for running, new in ((running_mean, mean), (running_var, var * (total / (total - 1)))):
        if running is not None:
            running.lerp_(new.detach().to(running.dtype), momentum)
    return renamed(rounded(y, input), "SyncBatchNormBackward")
