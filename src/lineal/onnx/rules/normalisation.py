"""Normalisations of layers, groups and batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.onnx.rules.operations import Expressions
from lineal.onnx.rules.reductions import reduced
from lineal.onnx.rules.table import exports, no_export
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.reductions.normalisation import BatchNorm, GroupNorm, LayerNorm, NormalisationAdjoint

__all__: list[str] = []

no_export("never met: where somebody listens, other ops stand for it", NormalisationAdjoint)


def weighted(graph: GraphWriter, op: Any, y: str, ndim: int, storage: np.dtype, others: tuple[Value, ...]) -> str:
    """Return y w + b with a weight for each channel, of those of w and b that there are."""
    m, shape = Expressions(graph, storage), graph.ints([-1, *[1] * (ndim - 2)])
    for term, each in zip(op.terms, others):
        along = graph.node("Reshape", each, shape)
        y = m.Mul(y, along) if term == "w" else m.Add(y, along)
    return y


@exports(LayerNorm, by="LayerNormalization")
def layer_norm(graph: GraphWriter, op: Any, ys: Any, x: Value, *others: Value) -> tuple[str, None, None]:
    given = dict(zip(op.terms, others))
    size = x.shape[x.ndim - op.dims :]
    w = given.get("w") or graph.constant(np.ones([int(each) for each in size], x.storage))
    return graph.node("LayerNormalization", x, w, given.get("b"), axis=-op.dims, epsilon=float(op.eps)), None, None


@exports(GroupNorm, by="InstanceNormalization")
def group_norm(graph: GraphWriter, op: Any, ys: Any, x: Value, *others: Value) -> tuple[str, None, None]:
    """y = each group, flattened, as one channel: opset 18 has no weights of channels, and 21 has no groups' weights."""
    groups = int(op.groups)
    ones, zeros = (graph.constant(np.full(groups, number, x.storage)) for number in (1, 0))
    rows = graph.node("Reshape", x, graph.ints([0, groups, -1]))
    unit = graph.node("InstanceNormalization", rows, ones, zeros, epsilon=float(op.eps))
    y = graph.node("Reshape", unit, graph.node("Shape", x))
    return weighted(graph, op, y, x.ndim, x.storage, others), None, None


@exports(BatchNorm, by="ReduceMean, Sqrt")
def batch_norm(graph: GraphWriter, op: Any, ys: Any, x: Value, *others: Value) -> tuple[str, str, str]:
    """y = the batch by its own moments; those are results, too."""
    m, axes = Expressions(graph, x.storage), (0, *range(2, x.ndim))
    mean = reduced(graph, "ReduceMean", x, axes, True)
    rest = m.Sub(x.name, mean)
    variance = reduced(graph, "ReduceMean", m.Mul(rest, rest), axes, True)
    y = m.Div(rest, m.Sqrt(m.Add(variance, float(op.eps))))
    row = graph.ints([-1])
    moments = [graph.node("Reshape", each, row) for each in (mean, variance)]
    return weighted(graph, op, y, x.ndim, x.storage, others), moments[0], moments[1]
