"""Functions of `nn.functional` as PyTorch has them at top level: with their arguments in another order, or in place."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.nn import functional

__all__ = ["batch_norm", "celu_", "dropout", "dropout_", "embedding", "layer_norm", "selu_"]


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """Return `nn.functional.batch_norm`."""
    return functional.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """Return `nn.functional.layer_norm`."""
    return functional.layer_norm(input, normalized_shape, weight, bias, eps)


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """Return the rows of `weight` that `indices` names; `padding_idx` -1 means none."""
    padding = None if padding_idx == -1 else padding_idx
    return functional.embedding(indices, weight, padding, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Return `nn.functional.dropout`."""
    return functional.dropout(input, p, train)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Do `nn.functional.dropout` in place."""
    return functional.dropout(input, p, train, inplace=True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Write celu of `input` into it."""
    return functional.celu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """Write selu of `input` into it."""
    return functional.selu(input, inplace=True)
