"""Filling where a mask is true, and the numbers to fill with."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.platforms import array_module
from lineal.base.signatures import Number, Tensor
from lineal.base.spec import broadcast_shapes
from lineal.core import AbstractTensor, apply
from lineal.core.calling import public
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import cast, converted, dtype_of, number_beside
from lineal.ops.front import require_tensor
from lineal.ops.indexing.changing import Change, change

__all__ = ["masked_fill"]


class MaskedFill(Change):
    """y = value where mask, x elsewhere; x̄ = ȳ, zero where mask; v̄ = Σ ȳ where mask."""

    keeps = "1"
    strided = True

    def change(self, y, mask, value):
        array_module(y).copyto(y, value, where=mask)

    def vjp(self, needs, g, y, x, mask, value):
        nothing = number_beside(g, 0)
        g_x = apply(self, g, mask, nothing) if needs[0] else None
        return g_x, None, apply(self, g, ~mask, nothing).sum() if needs[2] else None


masked_fill_op = MaskedFill()


def number_like(number: Any, x: AbstractTensor, name: str = "fill_", strict: bool = True) -> Any:
    """Return a number in the dtype of `x`, which must hold it (see `converted`), as a tensor of no dimensions."""
    return number_beside(x, converted(name, number, dtype_of(x), strict))


def zero_dimensional(name: str, value: Any, x: AbstractTensor) -> Any:
    """Return a fill value, a number or a tensor of no dimensions, as a tensor in the dtype of `x`."""
    if not isinstance(value, AbstractTensor):
        return number_like(value, x, name)
    if value.value.ndim:
        raise RuntimeError(
            f"{name}: only supports a 0-dimensional value tensor, but got tensor with {value.value.ndim} dimension(s)"
        )
    if dtype_of(value).is_complex and not dtype_of(x).is_complex:
        raise RuntimeError(f"{name}: value cannot be converted to type {dtype_of(x)} without overflow, got {dtype_of(value)}")
    return cast(value, dtype_of(x))


def check_mask(name: str, mask: Any) -> None:
    """Refuse a mask that is not a bool tensor."""
    require_tensor(name, mask)
    if mask.value.dtype != np.bool_:
        raise RuntimeError(f"{name}: only supports boolean masks, but got mask with dtype {dtype_of(mask)}")


@public
def masked_fill(input: Tensor, mask: Tensor, value: Number | Tensor) -> Tensor:
    """Return input with `value`, a number or a tensor of no dimensions, where the mask is true; the two broadcast."""
    require_tensor("masked_fill", input)
    check_mask("masked_fill", mask)
    shape = broadcast_shapes("masked_fill", input.value.shape, mask.value.shape)
    number = zero_dimensional("masked_fill", value, input)
    return apply(masked_fill_op, expand(input, shape), expand(mask, shape), number)


def masked_fill_(self: Tensor, mask: Tensor, value: Number | Tensor) -> Tensor:
    """Write `value` where the mask, which broadcasts to this tensor, is true."""
    check_mask("masked_fill_", mask)
    return change(
        self,
        masked_fill_op,
        fitting("masked_fill_", self, mask),
        zero_dimensional("masked_fill_", value, self),
        name="masked_fill_",
    )


def fitting(name: str, target: AbstractTensor, mask: AbstractTensor) -> Any:
    """Return the mask expanded to the shape of the tensor that is to be written."""
    shape = broadcast_shapes(name, target.value.shape, mask.value.shape)
    if shape != target.value.shape:
        raise RuntimeError(
            f"{name}: output with shape {list(target.value.shape)} doesn't match the broadcast shape {list(shape)}"
        )
    return expand(mask, shape)
