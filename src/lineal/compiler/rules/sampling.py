"""Random numbers: the state of the generator moves on natively; the numbers themselves are still the host's."""

from __future__ import annotations

from typing import Any

from lineal.compiler.nodes import Place, Window
from lineal.compiler.rules.table import rule
from lineal.ops.random.generator import Advance


@rule(Advance)
def advance(low: Any, op: Any, y: Any, state: Window) -> Window:
    """y = the state after one more draw."""
    return low.map(y.shape, y.storage, lambda m, state, place: state + place, state, Place(0), label="advance")
