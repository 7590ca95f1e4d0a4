"""The ops whose result has a shape that depends on numbers: no program can hold them."""

from __future__ import annotations

from typing import Any

from lineal.compiler.nodes.buffers import BufferView
from lineal.ops.indexing.advanced import Index, IndexPut
from lineal.ops.indexing.masked import MaskedSelect, Nonzero
from lineal.ops.linalg.subspaces import NullSpace, Range
from lineal.ops.sorting.distinct import Unique
from lineal.ops.sorting.histograms import BinCount

__all__ = ["changing"]


def changing(op: Any, args: tuple[BufferView, ...]) -> bool:
    """Return whether the shape of the op's result depends on numbers."""
    if isinstance(op, (Index, IndexPut)):
        # of a write too: as many numbers are written as the mask chooses
        return any(each.buffer.dtype.kind == "b" for each in args[1:])
    if isinstance(op, BinCount):
        return not op.least
    return isinstance(op, (MaskedSelect, Nonzero, NullSpace, Range, Unique))


def may_change(op: Any) -> bool:
    """Return whether the shape of the op's result is another one for numbers that are seldom met."""
    return isinstance(op, BinCount)
