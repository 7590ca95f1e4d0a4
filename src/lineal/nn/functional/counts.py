"""Negative log likelihoods of counts and of normal variables."""

from __future__ import annotations

import math

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.core import no_grad
from lineal.core.calling import public
from lineal.nn.functional.reduction import reduced, reduction_of


@public
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the negative log likelihood of counts t under Poisson's distribution of the rate eˣ (or x), reduced.

    `full` adds Stirling's approximation of log t! where t > 1.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    losses = ops.exp(input) - target * input if log_input else input - target * ops.log(input + eps)
    if full:
        many = target > 1
        counts = ops.where(many, target, 1.0)
        stirling = counts * ops.log(counts) - counts + 0.5 * ops.log(2 * math.pi * counts)
        losses = losses + ops.where(many, stirling, 0.0)
    return reduced(losses, reduction)


@public
def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Return (log v + (x - t)² / v) / 2 with v = max(var, eps), reduced; `full` adds log(2π) / 2.

    `var` has the shape of the input, or that without its last dimension, or broadcasts to it along one. No derivative is lost
    where eps is the larger.   Nix and Weigend (1994).
    """
    if isinstance(var, (int, float)):
        var = var * ops.ones_like(input)
    if bool((var < 0).any()):
        raise ValueError("gaussian_nll_loss: var has negative entry/entries")
    if var.shape != input.shape:
        if tuple(var.shape) == tuple(input.shape[:-1]):
            var = var.unsqueeze(-1)
        elif var.ndim != input.ndim or any(n not in (1, m) for n, m in zip(var.shape, input.shape)):
            raise ValueError(
                f"gaussian_nll_loss: var is of incorrect size {list(var.shape)} for input of shape {list(input.shape)}"
            )
    reduction = reduction_of(None, None, reduction)
    var = var.clone()
    with no_grad():
        var.clamp_(min=eps)
    losses = 0.5 * (ops.log(var) + ops.square(input - target) / var)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)
