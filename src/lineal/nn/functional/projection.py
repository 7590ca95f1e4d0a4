"""Cross entropy of the scores that a linear map gives."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.core.calling import public
from lineal.nn.functional.classification import cross_entropy
from lineal.nn.functional.dense import linear


@public
def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """Return `cross_entropy` of the scores `linear(input, linear_weight, linear_bias)`.

    A weight (C, d1, …, in) gives scores (N, C, d1, …). `options`, how PyTorch cuts the scores, are accepted as hints.
    """
    if linear_weight.ndim < 2:
        raise RuntimeError(
            f"linear_cross_entropy: expected linear_weight with dimensionality at least 2, got {linear_weight.ndim}"
        )
    if input.ndim not in (1, 2):
        raise RuntimeError(f"linear_cross_entropy: expected input with dimensionality 1 or 2, got {input.ndim}")
    classes, *inner, features = linear_weight.shape
    if input.shape[-1] != features:
        raise RuntimeError(
            f"linear_cross_entropy: expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.shape[-1]} and {features}, respectively"
        )
    if linear_bias is not None and tuple(linear_bias.shape) != (classes, *inner):
        raise RuntimeError(
            f"linear_cross_entropy: expected linear_bias shape {(classes, *inner)}, got {tuple(linear_bias.shape)}"
        )
    if inner and input.ndim == 1:
        raise RuntimeError(
            f"linear_cross_entropy: linear_weight of shape {tuple(linear_weight.shape)} requires batched input, got shape "
            f"{tuple(input.shape)}"
        )
    flat = linear(input, linear_weight.flatten(0, -2), None if linear_bias is None else linear_bias.flatten())
    scores = flat.reshape(*input.shape[:-1], classes, *inner)
    if target.shape == scores.shape and ignore_index is not None:
        raise RuntimeError("linear_cross_entropy: ignore_index cannot be specified when target contains probabilities")
    return cross_entropy(
        scores,
        target,
        weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )
