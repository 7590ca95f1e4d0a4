"""What is saved for the backward pass: made right where it lies in one block, and read there."""

from __future__ import annotations

from typing import Any

from lineal.compiler.lowering.packing import Pack, Unpack
from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.nodes.buffers import Buffer, BufferView, dense

__all__: list[str] = []


@lowers(Pack, narrow=True)
def pack(low: Any, op: Any, y: Any, *xs: BufferView) -> BufferView:
    """y = the xs, each at its offset; what is made in one piece is made there, other things are copied."""
    block = low.block(y.shape, y.storage)
    parts: list[Buffer] = []
    for x, offset in zip(xs, op.offsets):
        buffer = x.buffer
        place = BufferView(block.buffer, x.shape, dense(x.shape), offset // buffer.dtype.itemsize)
        if x.whole and buffer.source == "made" and buffer.inside is None and buffer.strides == place.strides:
            buffer.inside = place
        else:
            buffer = low.copy(x, inside=place).buffer
        parts.append(buffer)
    return low.join(block, parts)


@lowers(Unpack, narrow=True)
def unpack(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = the array at an offset of x."""
    part = Buffer(low.next(), op.shape, op.storage, "part")
    part.inside = BufferView(x.buffer, part.shape, part.strides, op.offset // op.storage.itemsize)
    low.parts.append(part)
    return BufferView(part, part.shape, part.strides)
