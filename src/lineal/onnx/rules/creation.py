"""What is made of nothing: constants, unless their sizes vary."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.rules.table import exports, no_export
from lineal.onnx.varying import Varying
from lineal.onnx.writer import GraphWriter
from lineal.ops.creation import Empty, Eye, Full, Linspace, Made, Range

__all__: list[str] = []

no_export("a file knows no devices", Made)


def filled(graph: GraphWriter, shape: tuple, number: Any, storage: np.dtype) -> str:
    """Return a number everywhere."""
    return graph.node("Expand", graph.number(number, storage), graph.sizes(shape))


@exports(Full, by="Expand")
def full(graph: GraphWriter, op: Any, y: Any) -> str:
    number = op.number if isinstance(op.number, Varying) else op.target.number(op.number)
    return filled(graph, y.shape, number, y.storage)


@exports(Empty, by="Expand")
def empty(graph: GraphWriter, op: Any, y: Any) -> str:
    """Whatever the memory holds: zeros."""
    return filled(graph, y.shape, 0, y.storage)


@exports(Range, by="Range")
def arange(graph: GraphWriter, op: Any, y: Any) -> str:
    """y = start + step n, counted in int64, of fractions in float64, as the op does."""
    given = (op.start, op.step, op.count)
    if not any(isinstance(each, Varying) for each in given):
        return graph.constant(op.eager(np))
    whole = not any(isinstance(each, float) for each in given)
    within = np.dtype(np.int64 if whole else np.float64)
    places = graph.node("Range", *[graph.number(each, np.int64) for each in (0, op.count, 1)])
    steps = graph.node("Mul", places if whole else graph.cast(places, within), graph.number(op.step, within))
    return graph.cast(graph.node("Add", steps, graph.number(op.start, within)), y.storage)


@exports(Eye, by="EyeLike")
def eye(graph: GraphWriter, op: Any, y: Any) -> str:
    """y = ones on the diagonal."""
    if not any(isinstance(each, Varying) for each in y.shape):
        return graph.constant(op.eager(np))
    made = graph.node("EyeLike", filled(graph, y.shape, 0, np.dtype(np.float32)))
    return graph.cast(made, y.storage)


@exports(Linspace, by="a constant")
def linspace(graph: GraphWriter, op: Any, y: Any) -> str:
    if any(isinstance(each, Varying) for each in (op.start, op.end, op.count)):
        raise OnnxExporterError("linspace of a count or an end that depends on sizes")
    return graph.constant(op.eager(np))
