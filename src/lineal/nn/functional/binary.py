"""Losses of yes-or-no probabilities."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.nn.functional.reduction import reduced, reduction_of
from lineal.ops.front import binary
from lineal.ops.premise import rely

# log(x) is cut at -100 and the derivative's denominator at 1e-12, as in PyTorch, so that a certain but wrong prediction
# has a finite loss and a finite slope. The composition with clamp would lose the slope, hence a row of its own.
_cross_entropy = binary(
    "binary_cross_entropy",
    lambda m, x, t: -(t * m.maximum(m.log(x), -100.0) + (1.0 - t) * m.maximum(m.log1p(-x), -100.0)),
    lambda g, x, t: g * (x - t) / (x * (1.0 - x)).clamp(min=1e-12),
    lambda g, x: g * (ops.log1p(-x).clamp(min=-100.0) - ops.log(x).clamp(min=-100.0)),
    domain="real",
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
    softplus = ops.logaddexp(-input, ops.zeros_like(input))
    if pos_weight is not None:
        softplus = (1.0 + (pos_weight - 1.0) * target) * softplus
    losses = (1.0 - target) * input + softplus
    losses = (losses if weight is None else losses * weight).to(target.dtype)
    return renamed(reduced(losses, reduction), "BinaryCrossEntropyWithLogitsBackward0")
