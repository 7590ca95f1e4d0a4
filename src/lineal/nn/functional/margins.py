"""Losses that ask for a margin: between scores, distances or similarities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.core import renamed
from lineal.core.calling import public
from lineal.nn.functional.reduction import reduced, reduction_of
from lineal.nn.functional.similarity import pairwise_distance
from lineal.nn.functional.smooth import logsigmoid

SMALLEST = 1e-12
"""What is added to squared lengths, so that their product is not 0."""


@public
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, margin - t (x1 - x2)), reduced; t is 1 where x1 should be the larger, else -1."""
    reduction = reduction_of(size_average, reduce, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            f"margin_ranking_loss: All input tensors should have same dimension but got sizes: {input1.shape}, "
            f"{input2.shape}, {target.shape}"
        )
    return reduced((margin - target * (input1 - input2)).clamp_min(0), reduction)


@public
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return x where the target is 1 and max(0, margin - x) where it is -1, reduced."""
    reduction = reduction_of(size_average, reduce, reduction)
    apart = ops.where(target != 1, (margin - input).clamp_min(0), 0.0)
    return reduced(apart + ops.where(target != -1, input, 0.0), reduction)


@public
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return 1 - cos where the target is 1 and max(0, cos - margin) where it is -1, of the angles of vectors, reduced.

    Vectors are (N, D) with N targets, or (D) with one.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if target.ndim > 1:
        raise RuntimeError("cosine_embedding_loss: 0D or 1D target tensor expected, multi-target not supported")
    if not input1.ndim == input2.ndim == target.ndim + 1:
        raise RuntimeError(
            f"cosine_embedding_loss: {target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs "
            f"with sizes {list(input1.shape)} and {list(input2.shape)}"
        )
    lengths = ((input1 * input1).sum(-1) + SMALLEST) * ((input2 * input2).sum(-1) + SMALLEST)
    cosine = (input1 * input2).sum(-1) / lengths.sqrt()
    alike = ops.where(target == 1, 1 - cosine, 0.0)
    return reduced(alike + ops.where(target == -1, (cosine - margin).clamp_min(0), 0.0), reduction)


@public
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, margin + ‖a - p‖ - ‖a - n‖) of the p-norm distances of vectors, reduced.

    With `swap`, the distance of the positive from the negative counts if it is the shorter.   Balntas et al. (2016).
    """
    reduction = reduction_of(size_average, reduce, reduction)
    distance = lambda a, b: pairwise_distance(a, b, p, eps)
    return reduced(triplet("triplet_margin_loss", anchor, positive, negative, distance, margin, swap), reduction)


@public
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Return `triplet_margin_loss` for any distance, by default `pairwise_distance`."""
    reduction = reduction_of(None, None, reduction)
    distance = pairwise_distance if distance_function is None else distance_function
    name = "triplet_margin_with_distance_loss"
    return reduced(triplet(name, anchor, positive, negative, distance, margin, swap), reduction)


def triplet(
    name: str, anchor: Any, positive: Any, negative: Any, distance: Callable[[Any, Any], Any], margin: float, swap: bool
) -> Any:
    """Return the losses of triplets."""
    if margin <= 0:
        raise ValueError(f"{name}: margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            f"{name}: The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    far = ops.minimum(far, distance(positive, negative)) if swap else far
    return (margin + near - far).clamp_min(0)


@public
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """Return log(1 + exp(-t x)), reduced; t is 1 or -1."""
    reduction = reduction_of(size_average, reduce, reduction)
    return renamed(reduced(-logsigmoid(target * input).to(input.dtype), reduction), "SoftMarginLossBackward0")


@public
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return -(t log σ(x) + (1 - t) log σ(-x)), weighted, averaged over the classes in the last dimension, then reduced."""
    reduction = reduction_of(size_average, reduce, reduction)
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    losses = losses if weight is None else losses * weight
    return reduced(losses.mean(-1), reduction)


@public
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean over the classes i of w max(0, margin - x[t] + xᵢ)ᵖ, without i = t, reduced.

    Scores are (N, C) with N classes as targets, or (C) with one; `weight` has one number for each class.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: only p == 1 and p == 2 supported, got {p}")
    scores = input.reshape(1) if input.ndim == 0 else input
    check_scores("multi_margin_loss", scores, target, weight)
    classes = target.to(dtypes.int64).reshape(scores.shape[:-1])
    count, index = scores.shape[-1], classes.unsqueeze(-1)
    if classes.numel() and not bool(((classes >= 0) & (classes < count)).all()):
        raise RuntimeError(f"multi_margin_loss: target out of range, expected 0 to {count - 1}")
    above = ops.relu(margin - scores.gather(-1, index) + scores)
    above = above if p == 1 else above * above
    above = above if weight is None else above * weight[classes].unsqueeze(-1)
    others = ops.where(ops.arange(count) == index, 0.0, above)
    losses = others.mean(-1).reshape(target.shape)
    return renamed(reduced(losses, reduction), "MultiMarginLossBackward0")


def check_scores(name: str, scores: Any, target: Any, weight: Any) -> None:
    """Refuse scores without classes, targets that are not one per example, weights that are not one per class."""
    if scores.ndim > 2 or not scores.shape[-1]:
        raise RuntimeError(
            f"{name}: Expected non-empty vector or matrix with optional 0-dim batch size, got {list(scores.shape)}"
        )
    if target.numel() != (scores.shape[0] if scores.ndim == 2 else 1) or target.ndim > 1:
        raise RuntimeError(
            f"{name}: inconsistent target size, expected one for each of the examples {list(scores.shape)}, "
            f"got {list(target.shape)}"
        )
    if weight is not None and weight.ndim != 1:
        raise ValueError(f"{name}: weight must be one-dimensional, got shape {list(weight.shape)}")
    if weight is not None and weight.numel() != scores.shape[-1]:
        raise RuntimeError(f"{name}: inconsistent weight size, expected {scores.shape[-1]} but got {list(weight.shape)}")
    if weight is not None and weight.dtype is not scores.dtype:
        raise RuntimeError(f"{name}: expected a weight of the dtype of input, {scores.dtype}, got {weight.dtype}")


@public
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """Return the sum of max(0, 1 - (x[j] - x[i])) over labels j and other classes i, divided by the classes, reduced.

    The labels of an example are the indices in `target`, of the scores' shape (C) or (N, C), up to the first negative one.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if input.ndim and not input.shape[-1]:
        raise RuntimeError(f"multilabel_margin_loss: Expected non-empty vector or matrix of scores, got {list(input.shape)}")
    if target.dtype is not dtypes.int64:
        raise RuntimeError(f"multilabel_margin_loss: expected target of dtype int64, got {target.dtype}")
    if input.shape != target.shape or input.ndim > 2:
        raise RuntimeError(
            f"multilabel_margin_loss: inconsistent target size, expected that of the scores (C) or (N, C), got "
            f"{list(target.shape)} for {list(input.shape)}"
        )
    scores, labels = (x.reshape(1) if x.ndim == 0 else x for x in (input, target.to(dtypes.int64)))
    count = scores.shape[-1]
    named = (labels < 0).to(dtypes.int64).cumsum(-1) == 0
    if labels.numel() and not bool((labels < count).all()):
        raise RuntimeError(f"multilabel_margin_loss: target out of range, expected less than {count}")
    places = ops.where(named, labels, 0)
    classes = (places.unsqueeze(-1) == ops.arange(count)) & named.unsqueeze(-1)
    apart = ops.relu(1 - scores.gather(-1, places).unsqueeze(-1) + scores.unsqueeze(-2))
    counts = named.unsqueeze(-1) & ~classes.any(-2).unsqueeze(-2)
    losses = ops.where(counts, apart, 0.0).sum((-2, -1)) / count
    return renamed(reduced(losses, reduction), "MultilabelMarginLossBackward0")
