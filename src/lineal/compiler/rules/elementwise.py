"""Element by element: rows, casts, constants, masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.compiler.rules.table import rule
from lineal.compiler.support import supported
from lineal.compiler.windows import Place, Window
from lineal.core.inplace import Copy, Overwrite, Renumber
from lineal.ops.conversion import Cast
from lineal.ops.creation import Empty, Eye, Full, Linspace, Range
from lineal.ops.indexing.filling import Fill
from lineal.ops.indexing.masks import MaskedFill
from lineal.ops.structural.triangles import Tril, Triu
from lineal.tensors.autograd_methods import Detach

__all__ = ["elementwise", "same"]


def same(m: Any, x: Any) -> Any:
    """Return x."""
    return x


def elementwise(low: Any, op: Any, y: Any, *xs: Window) -> Window | None:
    """y = scalar(x0, x1, …)."""
    if not supported(op, tuple(each.base.dtype for each in xs)):
        return None
    return low.map(y.shape, y.storage, op.scalar, *xs, label=op.label)


@rule(Copy, Detach, Overwrite, Renumber)
def alike(low: Any, op: Any, y: Any, *xs: Window) -> Window:
    """y = the last x, to be copied only where memory of its own is asked for."""
    return xs[-1]


@rule(Cast)
def cast(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = x in another dtype."""
    return x if x.base.dtype == y.storage else low.map(y.shape, y.storage, same, x, label="cast")


@rule(Full)
def full(low: Any, op: Any, y: Any) -> Window:
    """y = one number everywhere."""
    return low.literal(np.array(op.number).astype(y.storage).item(), y.storage, y.shape)


@rule(Empty)
def empty(low: Any, op: Any, y: Any) -> Window:
    """y = anything."""
    return low.literal(np.zeros((), y.storage).item(), y.storage, y.shape)


@rule(Range)
def range_(low: Any, op: Any, y: Any) -> Window:
    """y = start + step · i, in whole numbers or float64."""
    start, step = op.start, op.step
    if isinstance(start, int) and isinstance(step, int):
        return low.map(y.shape, y.storage, lambda m, i: i * step + start, Place(0), label="arange")
    formula = lambda m, i: i.astype(np.float64) * float(step) + float(start)
    return low.map(y.shape, y.storage, formula, Place(0), label="arange")


@rule(Linspace)
def linspace(low: Any, op: Any, y: Any) -> Window | None:
    """y = the first half counted from start, the second from end."""
    if op.count < 2:
        return None
    start, end, count = float(op.start), float(op.end), op.count
    step, whole = (op.end - op.start) / (count - 1), y.storage.kind in "iu"

    def formula(m: Any, i: Any) -> Any:
        n = i.astype(np.float64)
        found = m.where(i < count // 2, n * step + start, end - (count - 1 - n) * step)
        return m.trunc(found) if whole else found

    return low.map(y.shape, y.storage, formula, Place(0), label="linspace")


@rule(Eye)
def eye(low: Any, op: Any, y: Any) -> Window:
    """y = 1 where row and column are one."""
    return low.map(y.shape, y.storage, lambda m, i, j: i == j, Place(0), Place(1), label="eye")


@rule(Tril, Triu)
def triangle(low: Any, op: Any, y: Any, x: Window) -> Window:
    """y = x on one side of a diagonal, else 0."""
    rows, columns = Place(len(x.shape) - 2), Place(len(x.shape) - 1)
    diagonal = op.diagonal
    if isinstance(op, Tril):
        formula = lambda m, x, i, j: m.where(j - i <= diagonal, x, 0)
    else:
        formula = lambda m, x, i, j: m.where(j - i >= diagonal, x, 0)
    return low.map(y.shape, y.storage, formula, x, rows, columns, label=type(op).__name__.lower())


@rule(MaskedFill)
def masked_fill(low: Any, op: Any, y: Any, x: Window, mask: Window, value: Window) -> Window:
    """y = value where mask, else x."""
    return low.map(y.shape, y.storage, chosen, x, mask, value, label="masked_fill")


def chosen(m: Any, x: Any, mask: Any, value: Any) -> Any:
    """Return value where mask, else x."""
    return m.where(mask, value, x)


@rule(Fill)
def fill(low: Any, op: Any, y: Any, x: Window, value: Window) -> Window:
    """y = value everywhere."""
    return value.stretched(tuple(y.shape))
