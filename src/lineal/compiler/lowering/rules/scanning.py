"""Loops that are known to have equal turns, where nobody has made them lean."""

from __future__ import annotations

from typing import Any

from lineal.compiler.capturing.scanning import Scanned
from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.lowering.rules.turns import Lowered
from lineal.compiler.nodes.buffers import BufferView


@lowers(Scanned, narrow=True)
def scanned(low: Any, op: Any, specs: Any, *xs: BufferView) -> tuple[BufferView, ...]:
    """ys = what the turns make."""
    return Lowered(low, op, list(xs)).views
