"""Losses of yes-or-no probabilities."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.nn.functional.reduction import reduced, reduction_of
from lineal.ops.front import binary, row
from lineal.ops.pattern import Elementwise
from lineal.ops.premise import rely
from lineal.ops.reductions.front import is_one_op
from lineal.ops.reductions.terms import mean_of

# log(x) is cut at -100 and the derivative's denominator at 1e-12, as in PyTorch, so that a certain but wrong prediction
# has a finite loss and a finite slope. The composition with clamp would lose the slope, hence a row of its own.
_cross_entropy = binary(
    "binary_cross_entropy",
    lambda m, x, t: -(t * m.maximum(m.log(x), -100.0) + (1.0 - t) * m.maximum(m.log1p(-x), -100.0)),
    lambda g, x, t: g * (x - t) / (x * (1.0 - x)).clamp(min=1e-12),
    lambda g, x: g * (ops.log1p(-x).clamp(min=-100.0) - ops.log(x).clamp(min=-100.0)),
    domain="real",
)

LOGITS = Elementwise(
    "binary_cross_entropy_with_logits",
    lambda m, x, t: (1 - t) * x + (m.maximum(-x, 0) + m.log1p(m.exp(-m.abs(x)))),
    (lambda g, x, t: _logits_slope(g, x, t), lambda g, x: -(g * x)),
)
"""The loss of one logit x, of target t."""
_logits_slope = row(
    "binary_cross_entropy_with_logits_backward",
    lambda m, g, x, t: g * (m.sigmoid(x) - t),
    lambda h, x, t: _logits_slope(h, x, t),
    lambda h, g, x: h * g * ops.sigmoid(x) * ops.sigmoid(-x),
    lambda h, g: -(h * g),
    numeric=lambda m, g, x, t: g * (ops.sigmoid.op.eager(m, x) - t),
)


def check_target(name: str, input: Any, target: Any) -> None:
    """Refuse a target of another shape than the input's, or of class numbers instead of probabilities."""
    if input.shape != target.shape:
        raise ValueError(
            f"{name}: expected target and input of the same size, got {list(target.shape)} and {list(input.shape)}"
        )
    if not target.dtype.is_floating_point:
        raise RuntimeError(f"{name}: expected target of a floating dtype, got {target.dtype}; use target.to(input.dtype)")


def require_chances(what: str, values: Any) -> None:
    """Refuse numbers outside of [0, 1], NaN too; a recorder hears that there are none."""
    numbers = values.value
    if numbers.size and not (numbers.min() >= 0 and numbers.max() <= 1):
        raise RuntimeError(f"binary_cross_entropy: all elements of {what} should be between 0 and 1")
    rely(lambda: (values >= 0) & (values <= 1))


@public
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return -(t log x + (1-t) log(1-x)) of probabilities x, each logarithm at least -100, reduced."""
    reduction = reduction_of(size_average, reduce, reduction)
    check_target("binary_cross_entropy", input, target)
    for what, values in (("target", target), ("weight", weight)):
        if values is not None and values.dtype is not input.dtype:
            raise RuntimeError(f"binary_cross_entropy: expected {what} of dtype {input.dtype}, got {values.dtype}")
    for what, values in (("input", input), ("target", target)):
        require_chances(what, values)
    if weight is None and reduction != "none" and is_one_op(input, target):
        return renamed(mean_of(_cross_entropy.op, reduction, input, target), "BinaryCrossEntropyBackward0")
    losses = _cross_entropy(input, target)
    return renamed(reduced(losses if weight is None else losses * weight, reduction), "BinaryCrossEntropyBackward0")


@public
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Return the binary cross entropy of sigmoid(x), computed as (1-t) x + (1 + (p-1) t) log(1 + e⁻ˣ), reduced.

    The result has the dtype of the target, whatever the others'.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    check_target("binary_cross_entropy_with_logits", input, target)
    if weight is None and pos_weight is None and reduction != "none" and is_one_op(input, target):
        return renamed(mean_of(LOGITS, reduction, input, target), "BinaryCrossEntropyWithLogitsBackward0")
    softplus = ops.logaddexp(-input, ops.zeros_like(input))
    if pos_weight is not None:
        softplus = (1.0 + (pos_weight - 1.0) * target) * softplus
    losses = (1.0 - target) * input + softplus
    losses = (losses if weight is None else losses * weight).to(target.dtype)
    return renamed(reduced(losses, reduction), "BinaryCrossEntropyWithLogitsBackward0")
