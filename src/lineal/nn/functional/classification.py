"""Losses of class probabilities: negative log likelihood and cross entropy."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.core.calling import public
from lineal.nn.functional.reduction import reduced, reduction_of
from lineal.ops.conversion import cast
from lineal.ops.reductions.likelihood import likelihood

INDEX_DTYPES = (dtypes.int64, dtypes.uint8)


@public
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return -input[…, target, …], times the weight of the target's class; the mean is over the weights.

    `input` holds log probabilities, shape (C,), (N, C) or (N, C, d1, …); `target` class indices, shape without the C.
    IndexError for an index outside 0 … C-1 that is not `ignore_index`.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    check_target("nll_loss", input, target, weight)
    if weight is None:
        return likelihood(input, cast(target, dtypes.int64), ignore_index, reduction)
    return average(*pick("nll_loss", input, target, weight, ignore_index), reduction)


def check_target(name: str, input: Any, target: Any, weight: Any) -> None:
    """Refuse class indices of a wrong dtype or shape, and weights that are not one per class, or of another dtype."""
    x, t = input.value, target.value
    if weight is None and x.ndim == 2 and t.shape == x.shape[:1] and t.dtype.char == "l":
        return
    expected = without_classes(input.shape)
    if input.ndim > 1 and target.ndim > 0 and expected[0] != target.shape[0]:
        raise ValueError(f"{name}: Expected input batch_size ({expected[0]}) to match target batch_size ({target.shape[0]}).")
    if target.dtype not in INDEX_DTYPES:
        raise RuntimeError(f"{name}: expected target dtype int64 or uint8, got {target.dtype}")
    if input.ndim == 0 or tuple(target.shape) != expected:
        raise RuntimeError(
            f"{name}: expected input (N, C, d1, …) and target (N, d1, …), "
            f"got shapes {list(input.shape)} and {list(target.shape)}"
        )
    check_weight(name, input, weight)
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(f"{name}: expected a weight of the dtype of input, {input.dtype}, got {weight.dtype}")


def check_weight(name: str, input: Any, weight: Any) -> None:
    """Refuse weights that are not one per class."""
    classes = input.shape[class_dim(input)]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(f"{name}: expected a weight for each of {classes} classes, got shape {list(weight.shape)}")


def class_dim(input: Any) -> int:
    """Return the dimension that counts the classes."""
    return 0 if input.value.ndim <= 1 else 1


def without_classes(shape: Any) -> tuple[int, ...]:
    """Return the shape of the targets for scores of this shape."""
    return tuple(shape[:1]) + tuple(shape[2:]) if len(shape) > 1 else ()


def pick(name: str, input: Any, target: Any, weight: Any, ignore_index: int) -> tuple[Any, Any]:
    """Return the losses -w·input[target] and the weights w, both of the target's shape and 0 where it is ignored."""
    dim = class_dim(input)
    target = target.to(dtypes.int64)
    counts = target.ne(ignore_index)
    safe = ops.where(counts, target, 0)
    try:
        picked = ops.gather(input, dim, safe.unsqueeze(dim)).squeeze(dim)
        weights = counts.to(input.dtype) if weight is None else weight[safe] * counts.to(weight.dtype)
    except (IndexError, RuntimeError) as error:
        raise IndexError(f"{name}: Target out of bounds: expected one of {input.shape[dim]} classes: {error}") from error
    return ops.where(counts, -picked * weights, 0.0), weights


def average(losses: Any, weights: Any, reduction: str) -> Any:
    """Reduce weighted losses; the mean divides by the sum of the weights."""
    return losses.sum() / weights.sum() if reduction == "mean" else reduced(losses, reduction)


@public
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the cross entropy between the softmax of the scores `input` and the targets.

    `input` is (C,), (N, C) or (N, C, d1, …); `target` holds class indices, shape without the C, or probabilities.
    `label_smoothing` ε mixes the targets with the uniform distribution: (1-ε) t + ε/C.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"cross_entropy: label_smoothing must be between 0.0 and 1.0, got {label_smoothing}")
    if input.value.ndim == 0:
        raise RuntimeError("cross_entropy: expected input with a dimension of classes, got shape []")
    log_p = ops.log_softmax(input, class_dim(input))
    if target.value.shape == input.value.shape and (target.dtype.is_floating_point or (target.ndim > 0 and input.ndim > 1)):
        return _soft_targets(log_p, target, weight, ignore_index, reduction, label_smoothing)
    check_target("cross_entropy", input, target, weight)
    if weight is None and label_smoothing == 0.0:
        return likelihood(log_p, cast(target, dtypes.int64), ignore_index, reduction)
    losses, weights = pick("cross_entropy", log_p, target, weight, ignore_index)
    if label_smoothing > 0.0:
        dim = class_dim(input)
        spread = -(log_p if weight is None else log_p * per_class(weight, log_p)).sum(dim)
        spread = ops.where(target.ne(ignore_index), spread, 0.0)
        losses = losses * (1.0 - label_smoothing) + spread * (label_smoothing / max(input.shape[dim], 1))
    return average(losses, weights, reduction)


def per_class(weight: Any, log_p: Any) -> Any:
    """Return the weights with their dimension at the place of the classes."""
    return weight if log_p.ndim == 1 else weight.reshape(-1, *[1] * (log_p.ndim - 2))


def _soft_targets(log_p: Any, target: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float) -> Any:
    if not target.dtype.is_floating_point:
        raise RuntimeError(f"cross_entropy: expected probabilities of a floating dtype, got {target.dtype}")
    if ignore_index >= 0:
        raise RuntimeError("cross_entropy: ignore_index is not supported for floating point target")
    check_weight("cross_entropy", log_p, weight)
    dim = class_dim(log_p)
    if smoothing > 0.0:
        target = target * (1.0 - smoothing) + smoothing / max(log_p.shape[dim], 1)
    terms = log_p * target if weight is None else log_p * target * per_class(weight, log_p)
    return reduced(-terms.sum(dim), reduction)
