"""Losses of differences that grow like the square near 0 and like the distance far away."""

from __future__ import annotations

from lineal.base.signatures import Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.nn.functional.reduction import reduced, reduction_of, weighted
from lineal.nn.functional.regression import difference, l1_loss
from lineal.ops.elementwise.masks import keep
from lineal.ops.front import binary, row
from lineal.ops.pattern import Elementwise
from lineal.ops.promotion import as_scalar
from lineal.ops.reductions.front import is_one_op
from lineal.ops.reductions.terms import mean_of

_huber = binary(
    "huber",
    lambda m, d, delta: m.where(m.abs(d) <= delta, d * d * 0.5, (m.abs(d) - delta * 0.5) * delta),
    lambda g, d, delta: g * d.clamp(-delta, delta),
    None,
    domain="only float",
    numbers="second",
)
HUBER = Elementwise(
    "huber_loss",
    lambda m, a, b, delta: m.where(m.abs(a - b) <= delta, (a - b) * (a - b) * 0.5, (m.abs(a - b) - delta * 0.5) * delta),
    (lambda g, a, b, delta: _huber_slope(g, a, b, delta), lambda g, a, b, delta: -_huber_slope(g, a, b, delta), None),
)
_huber_slope = row(
    "huber_loss_backward",
    lambda m, g, a, b, delta: g * m.minimum(delta, m.maximum(-delta, a - b)),
    lambda h, a, b, delta: _huber_slope(h, a, b, delta),
    lambda h, g, a, b, delta: keep(h * g, (a - b).abs() <= delta),
    lambda h, g, a, b, delta: -keep(h * g, (a - b).abs() <= delta),
    None,
)

"""The loss of two numbers, of large tensors in one pass with its mean."""


def is_fused(input: Tensor, target: Tensor, reduction: str) -> bool:
    """Return whether differences, losses and their mean or sum are one op."""
    return reduction != "none" and input.shape == target.shape and is_one_op(input, target)


@public
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Return d²/2 where |d| ≤ delta, else delta (|d| - delta/2), of the differences d = x - t, reduced."""
    reduction = reduction_of(None, None, reduction)
    if delta <= 0:
        raise RuntimeError(f"huber_loss: expected delta greater than 0, got {delta}")
    if weight is None and is_fused(input, target, reduction):
        return renamed(mean_of(HUBER, reduction, input, target, as_scalar(delta, input.value.dtype)), "HuberLossBackward0")
    losses = _huber(difference("huber_loss", input, target), float(delta)).to(input.dtype)
    return renamed(reduced(losses, reduction) if weight is None else weighted(losses, weight, reduction), "HuberLossBackward0")


@public
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Return d²/(2 beta) where |d| < beta, else |d| - beta/2, of the differences d = x - t, reduced."""
    reduction = reduction_of(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss: expected beta of at least 0, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    if is_fused(input, target, reduction):
        y = mean_of(HUBER, reduction, input, target, as_scalar(beta, input.value.dtype)) / beta
        return renamed(y, "SmoothL1LossBackward0")
    return renamed(
        reduced(_huber(difference("smooth_l1_loss", input, target), float(beta)) / beta, reduction), "SmoothL1LossBackward0"
    )
