"""Shapes that inputs are brought to, and summed back to."""

from __future__ import annotations

from typing import Any

from lineal.onnx.rules.table import exports
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.broadcasting import Expand, SumToShape

__all__: list[str] = []


@exports(Expand, by="Expand")
def expand(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = x repeated; what keeps its size is not named, so that nothing need be known of it."""
    lead = len(y.shape) - x.ndim
    kept = [n >= lead and x.shape[n - lead] == size for n, size in enumerate(y.shape)]
    return graph.node("Expand", x, graph.sizes([1 if same else size for same, size in zip(kept, y.shape)]))


@exports(SumToShape, by="ReduceSum")
def sum_to_shape(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = x summed over the axes that y has not, and over those where it has size 1."""
    lead = x.ndim - len(y.shape)
    single = [lead + n for n, size in enumerate(y.shape) if size == 1 and x.shape[lead + n] != 1]
    summed = graph.node("ReduceSum", x, graph.ints(single), keepdims=1) if single else x
    return graph.node("ReduceSum", summed, graph.ints(range(lead)), keepdims=0) if lead else graph.node("Identity", summed)
