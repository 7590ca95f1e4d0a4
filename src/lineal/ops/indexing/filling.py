"""One number everywhere, and the numbers of another tensor: fill, zero, copy."""

from __future__ import annotations

import warnings

from lineal.base.layouts import alike
from lineal.base.signatures import Number, Operand, Tensor
from lineal.base.spec import broadcast_shapes
from lineal.core import Op, apply, lift, module_of, write
from lineal.core.calling import public
from lineal.ops.broadcasting import expand, sum_to_shape
from lineal.ops.conversion import as_operand, cast, dtype_of
from lineal.ops.front import require_tensor
from lineal.ops.indexing.masks import number_like, zero_dimensional

__all__ = ["fill", "fill_", "zero_"]


class Fill(Op):
    """y = v, broadcast to the shape of x; x̄ = 0, v̄ = ȳ summed to the shape of v."""

    layout = alike
    any_dtype = True

    def eager(self, xp, x, value):
        y = xp.empty(x.shape, x.dtype)
        y[...] = value
        return y

    def vjp(self, needs, g, y, x, value):
        return lift(module_of(g).zeros(x.shape, x.storage)), sum_to_shape(g, value.shape) if needs[1] else None


_fill = Fill()


@public
def fill(input: Tensor, value: Number | Tensor) -> Tensor:
    """Return `value`, a number or a tensor of no dimensions, in the shape and dtype of input."""
    require_tensor("fill", input)
    return apply(_fill, input, zero_dimensional("fill", value, input))


@public
def fill_(self: Tensor, value: Number | Tensor) -> Tensor:
    """Write `value`, a number or a tensor of no dimensions, everywhere."""
    return write(self, expand(zero_dimensional("fill_", value, self), self.value.shape), "fill_", replaces=True)


@public
def zero_(self: Tensor) -> Tensor:
    """Write 0 everywhere."""
    return write(self, expand(number_like(0, self), self.value.shape), "zero_")


@public
def copy_(self: Tensor, other: Operand, non_blocking: bool = False) -> Tensor:
    """Write the numbers of `other`, which broadcasts to this tensor, in this tensor's dtype."""
    source = as_operand(other)
    shape = self.value.shape
    if dtype_of(source).is_complex and not dtype_of(self).is_complex:
        warnings.warn("copy_: Casting complex values to real discards the imaginary part", UserWarning)
    if source.value.shape != shape and broadcast_shapes("copy_", source.value.shape, shape) != shape:
        raise RuntimeError(
            f"copy_: output with shape {list(shape)} doesn't match the broadcast shape "
            f"{list(broadcast_shapes('copy_', source.value.shape, shape))}"
        )
    return write(self, expand(cast(source, dtype_of(self)), shape), "copy_", replaces=True)
