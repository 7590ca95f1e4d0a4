"""Activation functions."""

from __future__ import annotations

import warnings
from typing import Any

from lineal import ops
from lineal.base.signatures import DType, Tensor
from lineal.ops.front import require_tensor


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(x, 0)."""
    if not inplace:
        return ops.relu(input)
    require_tensor("relu", input)
    return input.relu_()


def relu_(input: Tensor) -> Tensor:
    """Write relu of `input` into it."""
    return relu(input, inplace=True)


def sigmoid(input: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x))."""
    return ops.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent."""
    return ops.tanh(input)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """Return exp(x) / Σ exp(x) along `dim`; the sum is 1."""
    return ops.softmax(input, chosen_dim("softmax", input, dim, _stacklevel), dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """Return x - log Σ exp(x) along `dim`."""
    return ops.log_softmax(input, chosen_dim("log_softmax", input, dim, _stacklevel), dtype=dtype)


def chosen_dim(name: str, input: Any, dim: int | None, stacklevel: int) -> int:
    """Return `dim`, or, with a warning, the one PyTorch assumes where none is given."""
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel + 1,
    )
    return 0 if require_tensor(name, input).ndim in (0, 1, 3) else 1
