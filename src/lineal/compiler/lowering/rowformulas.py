"""Formulas over rows as nodes: maps and reductions."""

from __future__ import annotations

from typing import Any

from lineal.codegen.formulas import Step
from lineal.codegen.rowformulas import RowFormula
from lineal.compiler.nodes.buffers import BufferView

__all__ = ["by_rows"]

REDUCTIONS = {"row_max": "maximum", "row_sum": "add"}


def by_rows(low: Any, formula: RowFormula, label: str, axes: tuple[int, ...], *xs: BufferView) -> list[BufferView]:
    """Return the results of a formula over rows: a reduction for each of its own, maps for what they reduce and for numbers."""
    shape = xs[0].shape
    one = tuple(1 if axis in axes else size for axis, size in enumerate(shape))

    def made(place: int, known: dict[int, BufferView]) -> BufferView:
        reads, found = formula.part(place, known)
        space = one if place in formula.single else shape
        word = label if place in formula.results else formula.step(place).operation
        return low.map(space, formula.kind(place).dtype, found, *[known[n] for n in reads], label=word)

    def reduced(step: Step, known: dict[int, BufferView]) -> BufferView:
        source = known[step.source] if step.source in known else made(step.source, known)
        return low.reduce(source, axes, REDUCTIONS[step.operation], keepdim=True)

    return formula.read(xs, made, reduced)
