"""Functions of `nn.functional` as PyTorch has them at top level: with their arguments in another order, or in place."""

from __future__ import annotations

from typing import Any

from lineal.core import AbstractTensor
from lineal.nn import functional

__all__ = ["batch_norm", "celu_", "dropout", "dropout_", "embedding", "layer_norm", "selu_"]


def batch_norm(
    input: AbstractTensor,
    weight: AbstractTensor | None,
    bias: AbstractTensor | None,
    running_mean: AbstractTensor | None,
    running_var: AbstractTensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Any:
    """Return `nn.functional.batch_norm`."""
    return functional.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def layer_norm(
    input: AbstractTensor,
    normalized_shape: Any,
    weight: AbstractTensor | None = None,
    bias: AbstractTensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Any:
    """Return `nn.functional.layer_norm`."""
    return functional.layer_norm(input, normalized_shape, weight, bias, eps)


def embedding(
    weight: AbstractTensor,
    indices: AbstractTensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """Return the rows of `weight` that `indices` names; `padding_idx` -1 means none."""
    padding = None if padding_idx == -1 else padding_idx
    return functional.embedding(indices, weight, padding, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


def dropout(input: AbstractTensor, p: float, train: bool) -> Any:
    """Return `nn.functional.dropout`."""
    return functional.dropout(input, p, train)


def dropout_(input: AbstractTensor, p: float, train: bool) -> Any:
    """Do `nn.functional.dropout` in place."""
    return functional.dropout(input, p, train, inplace=True)


def celu_(input: AbstractTensor, alpha: float = 1.0) -> Any:
    """Write celu of `input` into it."""
    return functional.celu(input, alpha, inplace=True)


def selu_(input: AbstractTensor) -> Any:
    """Write selu of `input` into it."""
    return functional.selu(input, inplace=True)
