"""Losses of differences."""

from __future__ import annotations

import warnings
from typing import Any

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.nn.functional.reduction import reduced, reduction_of, weighted
from lineal.ops.promotion import unsupported
from lineal.ops.reductions.front import is_one_op
from lineal.ops.reductions.terms import SQUARED_DIFFERENCE, mean_of


def difference(name: str, input: Any, target: Any) -> Any:
    """Return x - t, with a warning if their shapes differ."""
    if input.shape != target.shape:
        warnings.warn(
            f"{name}: using a target size ({target.shape}) that is different to the input size ({input.shape}): "
            "they broadcast, which is rarely meant",
            stacklevel=4,
        )
    return ops.sub(input, target)


@public
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return the squared differences (x - t)², reduced."""
    reduction = reduction_of(size_average, reduce, reduction)
    if reduction != "none" and weight is None and input.shape == target.shape and is_one_op(input, target):
        return renamed(mean_of(SQUARED_DIFFERENCE, reduction, input, target), "MseLossBackward0")
    losses = ops.square(difference("mse_loss", input, target))
    if not losses.dtype.is_floating_point:
        raise unsupported("mse_loss", losses.dtype)
    return renamed(reduced(losses, reduction) if weight is None else weighted(losses, weight, reduction), "MseLossBackward0")


@public
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return the absolute differences |x - t|, reduced."""
    reduction = reduction_of(size_average, reduce, reduction)
    losses = ops.abs(difference("l1_loss", input, target))
    return reduced(losses, reduction) if weight is None else weighted(losses, weight, reduction)
