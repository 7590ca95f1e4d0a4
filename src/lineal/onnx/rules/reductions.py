"""Reductions and running results along axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.rules.creation import filled
from lineal.onnx.rules.operations import Expressions
from lineal.onnx.rules.table import exports, no_export
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.reductions.cumulative import CumExtreme, CumSum
from lineal.ops.reductions.exponentials import (
    LogCumSumExp,
    LogSoftmax,
    LogSoftmaxBackward,
    LogSumExp,
    SafeSoftmax,
    Softmax,
    SoftmaxBackward,
)
from lineal.ops.reductions.extremes import ArgExtreme, Extreme, ExtremeAt
from lineal.ops.reductions.likelihood import Likelihood, LikelihoodAdjoint
from lineal.ops.reductions.moments import Std, Var
from lineal.ops.reductions.norms import VectorNorm
from lineal.ops.reductions.picking import Pick, Place
from lineal.ops.reductions.products import Prod
from lineal.ops.reductions.recurrences import CumProd, Powers, Recurrence, Shift
from lineal.ops.reductions.standardising import Centred, InverseSpread
from lineal.ops.reductions.sums import Mean, Sum
from lineal.ops.reductions.terms import TermSum
from lineal.ops.reductions.truth import Truth

__all__ = ["reduced"]

no_export("ONNX has no running extremes, products or recurrences", CumExtreme, LogCumSumExp, CumProd, Powers, Recurrence)
no_export("no rule so far", Shift, LikelihoodAdjoint, SoftmaxBackward, LogSoftmaxBackward)
no_export("never met: where somebody listens, other ops stand for it", TermSum)


def reduced(graph: GraphWriter, operator: str, x: Any, axes: tuple[int, ...], keepdim: bool) -> str:
    """Return a reduction over axes; over none of them, x as it is."""
    return graph.node(operator, x, graph.ints(axes), keepdims=int(keepdim), noop_with_empty_axes=1)


def in_storage(graph: GraphWriter, x: Any, given: np.dtype, storage: np.dtype) -> Any:
    """Return x in a dtype."""
    return x if given == storage else graph.cast(x, storage)


@exports(Sum, by="ReduceSum")
def total(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return reduced(graph, "ReduceSum", in_storage(graph, x, x.storage, y.storage), op.axes, op.keepdim)


@exports(Prod, by="ReduceProd")
def prod(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return reduced(graph, "ReduceProd", in_storage(graph, x, x.storage, y.storage), op.axes, op.keepdim)


@exports(Mean, by="ReduceMean")
def mean(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return reduced(graph, "ReduceMean", in_storage(graph, x, x.storage, y.storage), op.axes, op.keepdim)


def variance(graph: GraphWriter, op: Any, x: Value) -> str:
    """Return Σ (x - mean)² / (n - correction), the divisor not below 0."""
    m, n = Expressions(graph, x.storage), math.prod(x.shape[axis] for axis in op.axes)
    rest = centred(graph, op, None, x)
    squares = reduced(graph, "ReduceSum", m.Mul(rest, rest), op.axes, op.keepdim)
    return m.Div(squares, m.Max(m.Sub(graph.number(n, x.storage), float(op.correction)), 0.0))


@exports(Var, by="ReduceMean, ReduceSum")
def var(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return variance(graph, op, x)


@exports(Std, by="ReduceMean, ReduceSum, Sqrt")
def std(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return graph.node("Sqrt", variance(graph, op, x))


@exports(Centred, by="ReduceMean, Sub")
def centred(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return graph.node("Sub", x, reduced(graph, "ReduceMean", x, op.axes, True))


@exports(InverseSpread, by="ReduceMean, Sqrt")
def inverse_spread(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = (Σ x² / n + ε)^(-1/2)."""
    m = Expressions(graph, x.storage)
    return m.Div(1.0, m.Sqrt(m.Add(reduced(graph, "ReduceMean", m.Mul(x.name, x.name), op.axes, True), float(op.eps))))


@exports(VectorNorm, by="ReduceL1, ReduceL2, ReduceMax, ReduceMin, ReduceSum")
def vector_norm(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    m = Expressions(graph, x.storage)
    plain = {1.0: "ReduceL1", 2.0: "ReduceL2"}.get(op.p)
    if plain:
        return reduced(graph, plain, x, op.axes, op.keepdim)
    if math.isinf(op.p):
        return reduced(graph, "ReduceMax" if op.p > 0 else "ReduceMin", m.Abs(x.name), op.axes, op.keepdim)
    if op.p == 0:
        return reduced(graph, "ReduceSum", graph.cast(m.Not(m.Equal(x.name, 0.0)), x.storage), op.axes, op.keepdim)
    return m.Pow(reduced(graph, "ReduceSum", m.Pow(m.Abs(x.name), op.p), op.axes, op.keepdim), 1 / op.p)


@exports(Truth, by="ReduceSum")
def truth(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = whether none is false, or some are true, by counting."""
    m = Expressions(graph, x.storage)
    true = m.truth(x.name)
    counted = graph.cast(m.Not(true) if op.every else true, np.int64)
    none = graph.node("Equal", reduced(graph, "ReduceSum", counted, op.axes, op.keepdim), graph.number(0, np.int64))
    found = none if op.every else m.Not(none)
    return in_storage(graph, found, np.dtype(bool), y.storage)


def largest(graph: GraphWriter, op: Any, x: Value, axes: tuple[int, ...]) -> str:
    """Return the largest (or smallest) number over axes; truth values are compared as whole numbers."""
    operator, whole = "ReduceMax" if op.largest else "ReduceMin", np.dtype(np.int32)
    if x.storage.kind != "b":
        return reduced(graph, operator, x, axes, op.keepdim)
    return graph.cast(reduced(graph, operator, graph.cast(x, whole), axes, op.keepdim), x.storage)


@exports(Extreme, by="ReduceMax, ReduceMin")
def extreme(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return largest(graph, op, x, op.axes)


def position(graph: GraphWriter, largest: bool, x: Any, axis: int, keepdim: bool) -> str:
    """Return where the first largest (or smallest) number is along an axis."""
    return graph.node("ArgMax" if largest else "ArgMin", x, axis=axis, keepdims=int(keepdim))


@exports(ExtremeAt, by="ReduceMax and ArgMax, ReduceMin and ArgMin")
def extreme_at(graph: GraphWriter, op: Any, y: Any, x: Value) -> tuple[str, str]:
    if not x.shape:
        return graph.node("Identity", x), graph.number(0, np.int64)
    numbers = x if x.storage.kind != "b" else graph.cast(x, np.int32)
    return largest(graph, op, x, (op.axis,)), position(graph, op.largest, numbers, op.axis, op.keepdim)


@exports(ArgExtreme, by="ArgMax, ArgMin")
def arg_extreme(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    if not x.shape:
        return graph.number(0, np.int64)
    if op.axis is not None:
        return position(graph, op.largest, x, op.axis, op.keepdim)
    found = position(graph, op.largest, graph.node("Reshape", x, graph.ints([-1])), 0, False)
    return graph.node("Reshape", found, graph.ints([1] * x.ndim)) if op.keepdim else found


@exports(Pick, by="GatherElements")
def pick(graph: GraphWriter, op: Any, y: Any, x: Value, index: Value) -> str:
    return graph.node("GatherElements", x, index, axis=op.axis)


@exports(Place, by="ScatterElements")
def place(graph: GraphWriter, op: Any, y: Any, x: Value, index: Value) -> str:
    zeros = filled(graph, y.shape, 0, y.storage)
    return graph.node("ScatterElements", zeros, index, x, axis=op.axis, reduction="add")


@exports(CumSum, by="CumSum")
def cumsum(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    given = in_storage(graph, x, x.storage, y.storage)
    if not x.shape:
        return graph.node("Identity", given)
    return graph.node("CumSum", given, graph.number(op.axis, np.int64), reverse=int(op.back))


@exports(LogSumExp, by="ReduceLogSumExp")
def logsumexp(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return reduced(graph, "ReduceLogSumExp", x, op.axes, op.keepdim)


def along(graph: GraphWriter, operator: str, x: Value, axis: int) -> str:
    """Return an operator along an axis, which a number has not."""
    if x.shape:
        return graph.node(operator, x, axis=axis)
    row = graph.node(operator, graph.node("Unsqueeze", x, graph.ints([0])), axis=0)
    return graph.node("Squeeze", row)


@exports(Softmax, by="Softmax")
def softmax(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return along(graph, "Softmax", x, op.axis)


@exports(LogSoftmax, by="LogSoftmax")
def log_softmax(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return along(graph, "LogSoftmax", x, op.axis)


@exports(SafeSoftmax, by="Softmax, Where")
def safe_softmax(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = softmax, and zeros where all of a row is -∞."""
    m = Expressions(graph, x.storage)
    none = m.Equal(reduced(graph, "ReduceMax", x, (op.axis,), True), -math.inf)
    return m.Where(none, 0.0, along(graph, "Softmax", x, op.axis))


@exports(Likelihood, by="NegativeLogLikelihoodLoss")
def likelihood(graph: GraphWriter, op: Any, y: Any, x: Value, target: Value) -> str:
    if x.ndim < 2:
        raise OnnxExporterError("the loss of a single example without a batch: unsqueeze(0) it")
    return graph.node("NegativeLogLikelihoodLoss", x, target, reduction=op.reduction, ignore_index=op.ignored)
