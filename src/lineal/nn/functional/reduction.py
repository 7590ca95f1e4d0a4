"""The last step of every loss: none, the mean or the sum of the elements' losses."""

from __future__ import annotations

import warnings
from typing import Any

REDUCTIONS = ("none", "mean", "sum")


def reduction_of(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return the reduction meant by PyTorch's two retired switches, or else `reduction`, checked."""
    if size_average is not None or reduce is not None:
        wanted = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(f"size_average and reduce are deprecated: use reduction='{wanted}' instead", stacklevel=4)
        return wanted
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not a valid value for reduction: expected one of {', '.join(REDUCTIONS)}")
    return reduction


def reduced(losses: Any, reduction: str) -> Any:
    """Return the elements' losses, their mean or their sum."""
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()


def weighted(losses: Any, weight: Any, reduction: str) -> Any:
    """Reduce losses that carry the weights `weight`; the mean is that of the weights."""
    losses = losses * weight
    if reduction == "mean":
        return losses.sum() / weight.expand_as(losses).sum()
    return reduced(losses, reduction)
