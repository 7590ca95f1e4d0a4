"""What is made of nothing: constants, ranges, identities."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.nodes.buffers import BufferView, Place
from lineal.ops.creation import Empty, Eye, Full, Linspace, Range

__all__: list[str] = []


@lowers(Full)
def full(low: Any, op: Any, y: Any) -> BufferView:
    """y = one number everywhere."""
    return low.literal(np.array(op.number).astype(y.storage).item(), y.storage, y.shape)


@lowers(Empty)
def empty(low: Any, op: Any, y: Any) -> BufferView:
    """y = anything."""
    return low.literal(np.zeros((), y.storage).item(), y.storage, y.shape)


@lowers(Range)
def range_(low: Any, op: Any, y: Any) -> BufferView:
    """y = start + step · i, in whole numbers or float64."""
    start, step = op.start, op.step
    if isinstance(start, int) and isinstance(step, int):
        return low.map(y.shape, y.storage, lambda m, i: i * step + start, Place(0), label="arange")
    formula = lambda m, i: multiple(m, i, float(step)) + float(start)
    return low.map(y.shape, y.storage, formula, Place(0), label="arange")


def multiple(m: Any, i: Any, step: float) -> Any:
    """Return i · step in float64, rounded before anything is added to it: halfway from -1 to 1 is 0."""
    n = i.astype(np.float64)
    return m.rounded_product(n, step)


@lowers(Linspace, where="two numbers and more")
def linspace(low: Any, op: Any, y: Any) -> BufferView | None:
    """y = the first half counted from start, the second from end."""
    if op.count < 2:
        return None
    start, end, count = float(op.start), float(op.end), op.count
    step, whole = (op.end - op.start) / (count - 1), y.storage.kind in "iu"

    def formula(m: Any, i: Any) -> Any:
        found = m.where(i < count // 2, multiple(m, i, step) + start, end - multiple(m, count - 1 - i, step))
        return m.trunc(found) if whole else found

    return low.map(y.shape, y.storage, formula, Place(0), label="linspace")


@lowers(Eye)
def eye(low: Any, op: Any, y: Any) -> BufferView:
    """y = 1 where row and column are one."""
    return low.map(y.shape, y.storage, lambda m, i, j: i == j, Place(0), Place(1), label="eye")
