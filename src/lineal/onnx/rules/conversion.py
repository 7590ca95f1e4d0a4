"""Conversions between dtypes and devices."""

from __future__ import annotations

from typing import Any

from lineal.onnx.rules.table import exports
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.conversion import Cast, Transfer

__all__: list[str] = []


@exports(Cast, by="Cast")
def cast(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return graph.cast(x, y.storage)


@exports(Transfer, by="Identity")
def transfer(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """A file knows no devices."""
    return graph.node("Identity", x)
