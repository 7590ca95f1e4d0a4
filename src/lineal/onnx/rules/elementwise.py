"""Element by element: every row is written by its own scalar expression, operation by operation."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.codegen import kinds
from lineal.codegen.formulas import Number, Step, formula_of
from lineal.compiler.lowering.support import supported
from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.rules.operations import COMPARING, OPERATIONS, write
from lineal.onnx.rules.table import exports, no_export
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.broadcasting import Expand
from lineal.ops.elementwise.exponential import Frexp
from lineal.ops.elementwise.parts import Imag, Real, ViewAsComplex, ViewAsReal
from lineal.ops.elementwise.powers import Power
from lineal.ops.pattern import Elementwise
from lineal.ops.structural.reshape import View

__all__ = ["BY_LABEL", "elementwise", "missing_reason", "refusal"]

MISSING = "ONNX has no such function: "
WHOLE = frozenset("remainder fmod floor_divide".split())
"""Rows on whole numbers beside those whose scalar expression is all there is to them."""

no_export("ONNX's operators take no complex numbers", Real, Imag, ViewAsComplex, ViewAsReal)
no_export("ONNX has no operator for exponents", Frexp)


def missing_reason(row: Elementwise) -> str:
    """Return why a row cannot be written, of floating numbers or of whole ones; "" if it can."""
    reasons = [refusal(row, (np.dtype(name),) * len(row.rules)) for name in (np.float32, np.int64)]
    return "" if row.label in BY_LABEL or "" in reasons else reasons[0]


def refusal(row: Elementwise, storages: tuple[np.dtype, ...]) -> str:
    """Return why a row has no formula for inputs of these dtypes that ONNX's operators could do; "" if it has."""
    if not supported(row, storages) and not (row.label in WHOLE and storages[0].kind == "i"):
        return f"{MISSING}`{row.label}`"
    steps = formula_of(row.scalar, [kinds.kind_of(each) for each in storages]).steps
    return next((f"{MISSING}`{step.operation}`" for step in steps if step.operation not in (*OPERATIONS, "cast")), "")


def unexpanded(graph: GraphWriter, y: Any, xs: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return what was expanded before this op as it was, if the inputs broadcast to the output's shape without that."""
    made = [graph.made.get(x.name) for x in xs]
    before = tuple([each[1][0] if each and isinstance(each[0], Expand) else x for each, x in zip(made, xs)])
    whole = all(
        any(len(x.shape) > back and x.shape[-1 - back] == size for x in before) for back, size in enumerate(reversed(y.shape))
    )
    return before if whole else xs


@exports(Elementwise, by="the operations of its scalar expression")
def elementwise(graph: GraphWriter, op: Any, y: Any, *xs: Value) -> str:
    """y = scalar(x0, x1, …), steps of the formula in order; half precisions are computed in float32 and rounded once."""
    found = BY_LABEL[op.label](graph, op, y, *xs) if op.label in BY_LABEL else None
    return formula(graph, op, y, *unexpanded(graph, y, xs)) if found is None else found


def formula(graph: GraphWriter, op: Any, y: Any, *xs: Value) -> str:
    """Return the scalar expression of a row, step by step."""
    storages = tuple([x.storage for x in xs])
    wide = tuple([np.dtype(np.float32) if each in dtypes.NARROW else each for each in storages])
    missing = refusal(op, wide)
    if missing:
        raise OnnxExporterError(f"{missing} of {', '.join(each.name for each in storages)}")
    steps = formula_of(op.scalar, [kinds.kind_of(each) for each in wide])
    values = [x.name if a == b else graph.cast(x, b) for x, a, b in zip(xs, storages, wide)]
    found = [*zip(values, steps.inputs)]
    for step in steps.steps:
        found.append((stepped(graph, step, found), step.kind))
    if not isinstance(steps.result, int):
        return graph.node("Expand", graph.number(steps.result.value, y.storage), graph.sizes(y.shape))
    name, kind = found[steps.result]
    if kind.dtype != y.storage:
        return graph.cast(name, y.storage)
    return graph.node("Identity", name) if steps.is_copy else name


def stepped(graph: GraphWriter, step: Step, found: list) -> str:
    """Append what does a step, whose operands are converted to the kind in which they meet."""
    operands = [each.value if isinstance(each, Number) else found[each] for each in step.operands]
    if step.operation == "cast":
        return graph.cast(operands[0][0], step.kind.dtype)
    met = [operand[1] if isinstance(operand, tuple) else operand for operand in operands]
    condition = 1 if step.operation == "where" else 0
    kind = kinds.meeting(*met) if step.operation in COMPARING else step.kind
    given = [in_kind(graph, each, kinds.bool_ if n < condition else kind) for n, each in enumerate(operands)]
    return write(graph, step.operation, kind.dtype, given)


def in_kind(graph: GraphWriter, operand: Any, kind: kinds.Kind) -> str:
    """Return the name of an operand, a number or a value with its kind, in another kind."""
    if not isinstance(operand, tuple):
        return graph.number(operand, kind.dtype)
    name, own = operand
    return name if own is kind else graph.cast(name, kind.dtype)


def gelu(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = x Φ(x): Gelu from opset 20 on, before that by Erf."""
    if graph.opset >= 20:
        return graph.node("Gelu", x)
    half, root = graph.number(0.5, x.storage), graph.number(0.5**0.5, x.storage)
    share = graph.node("Add", graph.node("Erf", graph.node("Mul", x, root)), graph.number(1, x.storage))
    return graph.node("Mul", graph.node("Mul", x, half), share)


@exports(Power, by="Pow")
def power(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = x to the power of a number."""
    return graph.node("Mul", x, x) if op.exponent == 2 else graph.node("Pow", x, graph.number(op.exponent, x.storage))


def relu(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = the larger of x and 0."""
    return graph.node("Relu", x)


def sigmoid(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = 1 / (1 + exp(-x))."""
    return graph.node("Sigmoid", x)


def silu(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = x times its sigmoid."""
    return graph.node("Mul", x, graph.node("Sigmoid", x))


def channels(graph: GraphWriter, x: Value) -> Value:
    """Return the vector of which x is a view that was expanded, one number for each channel; x if it is none."""
    while x.name in graph.made and isinstance(graph.made[x.name][0], (Expand, View)):
        x = graph.made[x.name][1][0]
    return x


def batch_norm(graph: GraphWriter, op: Any, y: Any, x: Value, *given: Value) -> str | None:
    """y = BatchNormalization, if the reciprocal spread is 1 / √(variance + ε) of vectors of channels; else the formula."""
    mean, spread, w, b = [channels(graph, each) for each in given]
    root, inside = graph.made.get(spread.name), None
    if root and root[0].key == "rsqrt":
        inside = graph.made.get(root[1][0].name)
    if inside is None or inside[0].key != "add":
        return None
    variance, eps = inside[1]
    number = graph.scalars.get(eps.name)
    vectors = (w, b, mean, variance)
    if number is None or x.ndim < 2 or x.storage.kind != "f" or any(each.shape != x.shape[1:2] for each in vectors):
        return None
    return graph.node("BatchNormalization", x, *vectors, epsilon=number)


def conj(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = x, which is real."""
    return graph.node("Identity", x)


def constants(graph: GraphWriter, x: Value, numbers: tuple[Value, ...]) -> list[float]:
    """Return numbers that stand in the file, [] if they do not, or if x has another dtype than runtimes have kernels for."""
    found = [graph.scalars.get(each.name) for each in numbers]
    return [each for each in found if each is not None] if x.storage == np.float32 and None not in found else []


def elu(graph: GraphWriter, op: Any, y: Any, x: Value, *numbers: Value) -> str | None:
    """y = Elu, Celu or Selu, if the numbers of the formula are one's."""
    found = constants(graph, x, numbers)
    if not found:
        return None
    alpha, scale, rate = found
    if rate == 1:
        return graph.node("Elu", x, alpha=alpha) if scale == 1 else graph.node("Selu", x, alpha=alpha, gamma=scale)
    return graph.node("Celu", x, alpha=alpha) if scale == 1 and abs(rate * alpha - 1) < 1e-6 else None


def softplus(graph: GraphWriter, op: Any, y: Any, x: Value, *numbers: Value) -> str | None:
    """y = Softplus, if it is that of x itself."""
    found = constants(graph, x, numbers)
    return graph.node("Softplus", x) if found and found[0] == 1 and found[1] >= 20 else None


def log_sigmoid(graph: GraphWriter, op: Any, y: Any, x: Value) -> str | None:
    """y = -softplus(-x)."""
    return graph.node("Neg", graph.node("Softplus", graph.node("Neg", x))) if x.storage == np.float32 else None


def hardswish(graph: GraphWriter, op: Any, y: Any, x: Value) -> str | None:
    """y = x min(max(x / 6 + 1 / 2, 0), 1)."""
    return graph.node("HardSwish", x) if x.storage == np.float32 else None


BY_LABEL = {
    "gelu": gelu,
    "relu": relu,
    "conj": conj,
    "sigmoid": sigmoid,
    "silu": silu,
    "native_batch_norm": batch_norm,
    "elu": elu,
    "softplus": softplus,
    "log_sigmoid": log_sigmoid,
    "hardswish": hardswish,
}
"""Rows that are one operator of ONNX though their expression is not."""
