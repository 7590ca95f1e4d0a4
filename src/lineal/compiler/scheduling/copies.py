"""Copies that scheduling adds to what was lowered."""

from __future__ import annotations

from lineal.codegen.formulas import formula_of
from lineal.codegen.kinds import kind_of
from lineal.compiler.lowering.support import same
from lineal.compiler.nodes.buffers import Buffer, BufferView
from lineal.compiler.nodes.node import Map

__all__ = ["copied", "whole"]


def copied(view: BufferView, number: int, inside: BufferView | None = None) -> Map:
    """Return the node that makes what a view shows as buffer `number`, dense unless it is to lie inside of another buffer."""
    out = Buffer(number, view.shape, view.buffer.dtype, "made", None if inside is None else inside.strides)
    out.inside = inside
    return Map(out, formula_of(same, [kind_of(out.dtype)]), (view,), "copy")


def whole(buffer: Buffer) -> BufferView:
    """Return the view that shows all of a buffer."""
    return BufferView(buffer, buffer.shape, buffer.strides)
