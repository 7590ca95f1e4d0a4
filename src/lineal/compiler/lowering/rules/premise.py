"""Premises and expectations: a program goes on only where they hold."""

from __future__ import annotations

from typing import Any

from lineal.compiler.lowering.rules.table import lowers
from lineal.compiler.nodes.buffers import BufferView
from lineal.ops.premise import Expectation, Premise

__all__: list[str] = []


@lowers(Premise, Expectation, of=("bool",))
def premise(low: Any, op: Any, y: Any, x: BufferView) -> BufferView:
    """y = x, and the program goes on only if it is true."""
    low.check(x, isinstance(op, Expectation))
    return x
