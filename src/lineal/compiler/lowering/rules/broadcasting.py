"""The adjoint of broadcasting."""

from __future__ import annotations

from typing import Any

from lineal.compiler.lowering.halves import rounded
from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.nodes.buffers import BufferView, dense
from lineal.ops.broadcasting import SumToShape

__all__: list[str] = []


@lowers(SumToShape, narrow=True)
def sum_to_shape(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = x summed over what was broadcast."""
    lead = len(x.shape) - len(op.shape)
    axes = (*range(lead), *(lead + n for n, size in enumerate(op.shape) if size == 1 != x.shape[lead + n]))
    found = rounded(low, low.reduce(x, axes, "add"), y.storage)
    return BufferView(found.buffer, tuple(op.shape), dense(tuple(op.shape)))
