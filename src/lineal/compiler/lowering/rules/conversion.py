"""Casts."""

from __future__ import annotations

from typing import Any

from lineal.compiler.lowering.rules.elementwise import same
from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.nodes.buffers import BufferView
from lineal.ops.conversion import Cast

__all__: list[str] = []


@lowers(Cast, where="to one of these", narrow=True)
def cast(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = x in another dtype."""
    return x if x.buffer.dtype == y.storage else low.map(y.shape, y.storage, same, x, label="cast")
