"""Losses as PyTorch has them at top level: their reduction is a number, 0 for none, 1 for the mean, 2 for the sum."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.nn import functional
from lineal.nn.functional.reduction import REDUCTIONS, reduced

__all__ = [
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "ctc_loss",
    "hinge_embedding_loss",
    "kl_div",
    "margin_ranking_loss",
    "poisson_nll_loss",
    "triplet_margin_loss",
]


def word(reduction: int) -> str:
    """Return the reduction that a number stands for; RuntimeError if none."""
    if reduction not in (0, 1, 2):
        raise RuntimeError(f"expected the reduction 0 (none), 1 (mean) or 2 (sum), got {reduction!r}")
    return REDUCTIONS[reduction]


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: int = 1
) -> Tensor:
    """Return `nn.functional.binary_cross_entropy_with_logits`."""
    options: Any = {"reduction": word(reduction), "pos_weight": pos_weight}
    return functional.binary_cross_entropy_with_logits(input, target, weight, **options)


def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1) -> Tensor:
    """Return `nn.functional.cosine_embedding_loss`."""
    return functional.cosine_embedding_loss(input1, input2, target, margin, reduction=word(reduction))


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 1,
    zero_infinity: bool = False,
) -> Tensor:
    """Return `nn.functional.ctc_loss`."""
    lengths = input_lengths, target_lengths
    return functional.ctc_loss(log_probs, targets, *lengths, blank, reduction=word(reduction), zero_infinity=zero_infinity)


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 1) -> Tensor:
    """Return `nn.functional.hinge_embedding_loss`."""
    return functional.hinge_embedding_loss(input, target, margin, reduction=word(reduction))


def kl_div(input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = False) -> Tensor:
    """Return `nn.functional.kl_div`; the mean is that over all elements."""
    return reduced(functional.kl_div(input, target, reduction="none", log_target=log_target), word(reduction))


def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1) -> Tensor:
    """Return `nn.functional.margin_ranking_loss`."""
    return functional.margin_ranking_loss(input1, input2, target, margin, reduction=word(reduction))


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int) -> Tensor:
    """Return `nn.functional.poisson_nll_loss`."""
    return functional.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=word(reduction))


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 1,
) -> Tensor:
    """Return `nn.functional.triplet_margin_loss`."""
    return functional.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=word(reduction))
