"""Copies that scheduling adds to what was lowered."""

from __future__ import annotations

from lineal.codegen.formulas import formula_of
from lineal.codegen.kinds import kind_of
from lineal.compiler.lowering.support import same
from lineal.compiler.nodes.node import Map
from lineal.compiler.nodes.windows import Base, Window

__all__ = ["copied", "whole"]


def copied(window: Window, number: int, inside: Window | None = None) -> Map:
    """Return the node that makes what a window shows as base `number`, dense unless it is to lie inside of another base."""
    out = Base(number, window.shape, window.base.dtype, "made", None if inside is None else inside.strides)
    out.inside = inside
    return Map(out, formula_of(same, [kind_of(out.dtype)]), (window,), "copy")


def whole(base: Base) -> Window:
    """Return the window that shows all of a base."""
    return Window(base, base.shape, base.strides)
