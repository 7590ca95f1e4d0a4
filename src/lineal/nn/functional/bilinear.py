"""The form that is linear in each of two vectors."""

from __future__ import annotations

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.core.calling import public


@public
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return yₖ = x1ᵀ Wₖ x2 + bₖ.

    `input1` (…, in1), `input2` (…, in2), `weight` (out, in1, in2), `bias` (out,); the result is (…, out).
    """
    sizes = (*input1.shape[-1:], *input2.shape[-1:])
    if weight.ndim != 3 or tuple(weight.shape[1:]) != sizes or input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            "bilinear: expected inputs (…, in1) and (…, in2) and weight (out, in1, in2), "
            f"got shapes {list(input1.shape)}, {list(input2.shape)} and {list(weight.shape)}"
        )
    y = ops.einsum("...i,kij,...j->...k", input1, weight, input2)
    return y if bias is None else y + bias
