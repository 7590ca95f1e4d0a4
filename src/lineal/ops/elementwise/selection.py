"""One of two values, element by element, as a condition says."""

from __future__ import annotations

from typing import Any, overload

from lineal.base.signatures import Operand, Tensor
from lineal.core import AbstractTensor, apply
from lineal.core.calling import public
from lineal.ops.elementwise.masks import chosen, drop, keep
from lineal.ops.front import require_tensor, store
from lineal.ops.pattern import Elementwise
from lineal.ops.promotion import align, broadcast, check_numbers

__all__ = ["where"]

_where = Elementwise(
    "where", lambda m, c, a, b: m.where(c, a, b), (None, lambda g, c: keep(g, c), lambda g, c: drop(g, c)), numeric=chosen
)


@overload
def where(condition: Tensor) -> tuple[Tensor, ...]: ...
@overload
def where(condition: Tensor, input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor: ...
@public
def where(condition: Any, input: Any = None, other: Any = None, *, out: Tensor | None = None) -> Any:
    """Return input where the bool condition holds, other elsewhere; of a condition alone, the indices where it is not zero.

    `input` and `other` are tensors or numbers, promoted to one dtype; all three are broadcast.
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    kind = require_tensor("where", condition).dtype
    if kind.kind != "b":
        if kind.name != "uint8":
            raise RuntimeError(f"where: where expected condition to be a boolean tensor, but got a tensor with dtype {kind}")
        condition = condition != 0
    if not (
        isinstance(input, AbstractTensor)
        and isinstance(other, AbstractTensor)
        and input.value.dtype is other.value.dtype
        and input.value.shape == other.value.shape
    ):
        check_numbers("where", input, other, strict=False)
        input, other = align("where", "any", input, other)
    if condition.value.shape == input.value.shape == other.value.shape:
        y = apply(_where, condition, input, other)
    else:
        y = apply(_where, *broadcast("where", condition, input, other))
    return y if out is None else store(y, out, "where")
