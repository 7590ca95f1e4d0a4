"""Functions of the dense layers."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.core import AbstractTensor


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """Return x Wᵀ + b.

    `input` (…, in), `weight` (out, in) or (in,), `bias` (out,) or (); the result is (…, out).
    """
    if not isinstance(input, AbstractTensor):
        raise TypeError(f"linear: expected input to be a tensor, got {type(input).__name__}")
    if input.dtype is not weight.dtype:
        raise RuntimeError(f"linear: expected input and weight of one dtype, got {input.dtype} and {weight.dtype}")
    if input.ndim == 0 or weight.ndim not in (1, 2) or input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            "linear: expected input (…, in) and weight (out, in), "
            f"got shapes {list(input.shape)} and {list(weight.shape)}: they cannot be multiplied"
        )
    product = ops.matmul(input, weight.t())
    return product if bias is None else ops.add(product, bias)
