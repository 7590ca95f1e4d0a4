"""What is saved for the way back: made right where it lies in one block, and read there."""

from __future__ import annotations

from typing import Any

from lineal.compiler.lowering.packing import Pack, Unpack
from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.nodes.windows import Base, Window, dense

__all__: list[str] = []


@lowers(Pack)
def pack(low: Any, op: Any, y: Any, *xs: Window) -> Window:
    """y = the xs, each at its offset; what is made in one piece is made there, other things are copied."""
    block = low.block(y.shape, y.storage)
    parts: list[Base] = []
    for x, offset in zip(xs, op.offsets):
        base = x.base
        place = Window(block.base, x.shape, dense(x.shape), offset // base.dtype.itemsize)
        if x.whole and base.source == "made" and base.inside is None and base.strides == place.strides:
            base.inside = place
        else:
            base = low.copy(x, inside=place).base
        parts.append(base)
    return low.join(block, parts)


@lowers(Unpack)
def unpack(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = the array at an offset of x."""
    part = Base(low.next(), op.shape, op.storage, "part")
    part.inside = Window(x.base, part.shape, part.strides, op.offset // op.storage.itemsize)
    low.parts.append(part)
    return Window(part, part.shape, part.strides)
