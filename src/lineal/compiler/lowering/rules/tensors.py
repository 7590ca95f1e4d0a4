"""What is detached from its history: the same memory."""

from __future__ import annotations

from typing import Any

from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.nodes.buffers import BufferView
from lineal.tensors.autograd_methods import Detach

__all__: list[str] = []


@lowers(Detach, narrow=True)
def detach(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = x, to be copied only where memory of its own is asked for."""
    return x
