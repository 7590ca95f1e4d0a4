"""What most rules are: the op with every axis moved up by one, as the types of its attributes tell, or the op as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal.core import Op, apply

__all__ = ["MOVES", "aligned", "axes_moved", "axes_of_any_rank_moved", "moved", "on_stacks", "pointwise", "ranked", "shifted"]


def shifted(op: Op, size: int) -> Op:
    """Return `op` with every axis among its attributes moved up by one and the batch put before every shape."""
    return type(op)(*[moved(kind, getattr(op, each), size) for each, kind in zip(op.fields, op.kinds)])


MOVES: dict[str, Callable[[Any, int], Any]] = {
    "Axis": lambda axis, size: axis + 1,
    "Axes": lambda axes, size: tuple([each + 1 for each in axes]),
    "Order": lambda order, size: (0, *[each + 1 for each in order]),
    "Shape": lambda shape, size: (size, *shape),
    "Ranges": lambda ranges, size: ((0, size), *ranges),
    "Widths": lambda widths, size: ((0, 0), *widths),
    "Items": lambda items, size: ((0, size, 1), *items),
    "ViewOp": lambda view, size: shifted(view, size),
}
"""What becomes of an attribute on a batch, by the type that its annotation names."""


def moved(kind: str, value: Any, size: int) -> Any:
    """Return one attribute of an op for a batch; None, where it may be that, stays."""
    move = MOVES.get(kind.removesuffix(" | None"))
    return value if move is None or value is None else move(value, size)


def spans_all(op: Op) -> bool:
    """Return whether an axis that the op might have had is None: it works on all axes at once, the batch's too."""
    return any(kind == "Axis | None" and getattr(op, each) is None for each, kind in zip(op.fields, op.kinds))


def aligned(size: int, mark: bool, x: Any) -> Any:
    """Return `x` with the batch dimension, repeated along it if it had none."""
    return x if mark else x.expand((size, *x.value.shape))


def ranked(x: Any, mark: bool, ndim: int) -> Any:
    """Return `x` with as many axes of size 1 after the batch's as make its slices have `ndim` dimensions."""
    shape = x.value.shape
    missing = ndim - len(shape) + 1
    return x.reshape((shape[0], *(1,) * missing, *shape[1:])) if mark and missing > 0 else x


def pointwise(op: Op, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    """The op does not look at the axes of its one input."""
    return apply(op, x)


def on_stacks(op: Op, size: int, marks: tuple[bool, ...], *xs: Any) -> Any:
    """The op takes stacks of what it takes one of."""
    return apply(op, *[aligned(size, mark, x) for mark, x in zip(marks, xs)])


def axes_moved(op: Op, size: int, marks: tuple[bool, ...], *xs: Any) -> Any:
    """The op is itself with every axis moved up by one; examples of no dimensions, all of them, get one to move along."""
    single = [x.value.ndim == mark for mark, x in zip(marks, xs)]
    if spans_all(op) or (any(single) and not all(single)):
        return NotImplemented
    if not any(single):
        return axes_of_any_rank_moved(op, size, marks, *xs)
    # all the axes of an example that has none are the one it gets
    own = [(getattr(op, each), kind) for each, kind in zip(op.fields, op.kinds)]
    op = type(op)(*[(0,) if kind == "Axes" and not value else value for value, kind in own])
    y = apply(shifted(op, size), *[aligned(size, mark, x).reshape((size, 1)) for mark, x in zip(marks, xs)])
    return tuple([each.reshape((size,)) for each in y]) if isinstance(y, tuple) else y.reshape((size,))


def axes_of_any_rank_moved(op: Op, size: int, marks: tuple[bool, ...], *xs: Any) -> Any:
    """The op is itself with every axis moved up by one, of examples of no dimensions too: none of its axes is its input's."""
    return apply(shifted(op, size), *[aligned(size, mark, x) for mark, x in zip(marks, xs)])
