"""Broadcasting, whose new axes go between the batch's and the others, and its adjoint."""

from __future__ import annotations

from typing import Any

from lineal.ops.broadcasting import Expand, SumToShape, sum_to_shape
from lineal.transforms.batching.moving import ranked
from lineal.transforms.batching.table import batches

__all__: list[str] = []


@batches(Expand)
def expand(op: Any, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    return ranked(x, True, len(op.shape)).expand((size, *op.shape))


@batches(SumToShape)
def summed(op: Any, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    lead = x.value.ndim - 1 - len(op.shape)
    return sum_to_shape(x, (size, *(1,) * lead, *op.shape)).reshape((size, *op.shape))
