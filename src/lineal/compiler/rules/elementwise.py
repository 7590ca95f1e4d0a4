"""Element by element: rows, casts, constants, masks."""

from __future__ import annotations

from typing import Any

from lineal.compiler.support import supported
from lineal.compiler.windows import Window

__all__ = ["elementwise", "same"]


def same(m: Any, x: Any) -> Any:
    """Return x."""
    return x


def elementwise(low: Any, op: Any, y: Any, *xs: Window) -> Window | None:
    """y = scalar(x0, x1, …)."""
    if not supported(op, tuple(each.base.dtype for each in xs)):
        return None
    return low.map(y.shape, y.storage, op.scalar, *xs, label=op.label)
