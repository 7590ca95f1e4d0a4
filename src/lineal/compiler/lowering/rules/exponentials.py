"""Formulas over rows (softmax, its logarithm, their derivatives), and log Σ exp."""

from __future__ import annotations

from typing import Any

from lineal.codegen.kinds import kind_of
from lineal.codegen.rowformulas import row_formula
from lineal.compiler.lowering.rowformulas import by_rows
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView
from lineal.ops.reductions.exponentials import LogSoftmax, LogSoftmaxBackward, LogSumExp, SafeSoftmax, Softmax, SoftmaxBackward


def rowwise(low: Any, op: Any, axes: tuple[int, ...], *xs: BufferView) -> BufferView:
    """Return y by the op's formula over rows."""
    (y,) = by_rows(low, row_formula(op.formula, tuple(kind_of(each.buffer.dtype) for each in xs)), op.key, axes, *xs)
    return y


@lowers(Softmax, SafeSoftmax, SoftmaxBackward, LogSoftmax, LogSoftmaxBackward, of=FLOATS, where="at least one dimension")
def along_axis(low: Any, op: Any, y: Any, *xs: BufferView) -> BufferView | None:
    """y = the op's formula along its axis."""
    return rowwise(low, op, (op.axis,), *xs) if y.shape else None


@lowers(LogSumExp, of=FLOATS)
def logsumexp(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = log Σ exp x."""
    found = rowwise(low, op, op.axes, x)
    if op.keepdim:
        return found
    kept = [n for n in range(len(x.shape)) if n not in op.axes]
    return BufferView(found.buffer, tuple(found.shape[n] for n in kept), tuple(found.strides[n] for n in kept))
