"""Formulas over rows (softmax, its logarithm, their derivatives), and log Σ exp."""

from __future__ import annotations

from typing import Any

from lineal.codegen.formulas import Step
from lineal.codegen.kinds import kind_of
from lineal.codegen.rowformulas import RowFormula, row_formula
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.windows import Window
from lineal.ops.reductions.exponentials import LogSoftmax, LogSoftmaxBackward, LogSumExp, SafeSoftmax, Softmax, SoftmaxBackward

REDUCTIONS = {"row_max": "maximum", "row_sum": "add"}


def by_rows(low: Any, formula: RowFormula, label: str, axes: tuple[int, ...], *xs: Window) -> list[Window]:
    """Return the results of a formula over rows: a reduction for each of its own, maps for what they reduce and for numbers."""
    shape = xs[0].shape
    one = tuple(1 if axis in axes else size for axis, size in enumerate(shape))

    def made(place: int, known: dict[int, Window]) -> Window:
        reads, found = formula.part(place, known)
        space = one if place in formula.single else shape
        word = label if place in formula.results else formula.step(place).operation
        return low.map(space, formula.kind(place).dtype, found, *[known[n] for n in reads], label=word)

    def reduced(step: Step, known: dict[int, Window]) -> Window:
        source = known[step.source] if step.source in known else made(step.source, known)
        return low.reduce(source, axes, REDUCTIONS[step.operation], keepdim=True)

    return formula.read(xs, made, reduced)


def rowwise(low: Any, op: Any, axes: tuple[int, ...], *xs: Window) -> Window:
    """Return y by the op's formula over rows."""
    (y,) = by_rows(low, row_formula(op.formula, tuple(kind_of(each.base.dtype) for each in xs)), op.key, axes, *xs)
    return y


@lowers(Softmax, SafeSoftmax, SoftmaxBackward, LogSoftmax, LogSoftmaxBackward, of=FLOATS, where="at least one dimension")
def along_axis(low: Any, op: Any, y: Any, *xs: Window) -> Window | None:
    """y = the op's formula along its axis."""
    return rowwise(low, op, (op.axis,), *xs) if y.shape else None


@lowers(LogSumExp, of=FLOATS)
def logsumexp(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = log Σ exp x."""
    found = rowwise(low, op, op.axes, x)
    if op.keepdim:
        return found
    kept = [n for n in range(len(x.shape)) if n not in op.axes]
    return Window(found.base, tuple(found.shape[n] for n in kept), tuple(found.strides[n] for n in kept))
