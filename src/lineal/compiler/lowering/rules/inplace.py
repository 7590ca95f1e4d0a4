"""Copies, writes, and writes through views."""

from __future__ import annotations

from typing import Any

from lineal.compiler.lowering.rules.structural import over
from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.nodes.buffers import BufferView
from lineal.core.inplace import Copy, Overwrite, Renumber, ViewScatter

__all__: list[str] = []


@lowers(Copy, Overwrite, Renumber, narrow=True)
def source(low: Any, op: Any, y: Any, *xs: BufferView) -> BufferView:
    """y = the last x, to be copied only where memory of its own is asked for."""
    return xs[-1]


@lowers(ViewScatter, where="a part that does not overlap with itself", narrow=True)
def view_scatter(low: Any, op: Any, y: Any, buffer: BufferView, source: BufferView) -> BufferView | None:
    """y = buffer with what a view looks at replaced."""
    block = low.block(y.shape, y.storage)
    place: BufferView | None = block
    for step in op.path:
        place = None if place is None else low.view(step, place)
    return over(low, block, buffer, place, source)
