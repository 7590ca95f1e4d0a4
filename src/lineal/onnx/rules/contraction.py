"""Products, and the distances that come from them."""

from __future__ import annotations

import math
from typing import Any

from lineal.onnx.rules.table import exports, no_export
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.contraction.attention import Attention, AttentionAdjoint, Kept
from lineal.ops.contraction.distances import PairDistance, SquaredDistances
from lineal.ops.contraction.grouped import GroupedProduct
from lineal.ops.contraction.products import Affine, AffineAdjoint, AffineWithBias, BatchMatMul, Dot, MatMul, StackedMatMul
from lineal.ops.contraction.vectors import Cross

__all__: list[str] = []

no_export("never met: where somebody listens, other ops stand for it", AffineAdjoint, Attention, AttentionAdjoint, Kept)
no_export("no rule so far", Cross, GroupedProduct)


def turned(graph: GraphWriter, x: Value) -> str:
    """Return a stack of matrices, each transposed."""
    return graph.node("Transpose", x, perm=[*range(x.ndim - 2), x.ndim - 1, x.ndim - 2])


@exports(Dot, by="MatMul")
def dot(graph: GraphWriter, op: Any, y: Any, a: Value, b: Value) -> str:
    return graph.node("MatMul", a, b)


@exports(MatMul, BatchMatMul, StackedMatMul, by="MatMul, Gemm")
def matmul(graph: GraphWriter, op: Any, y: Any, a: Value, b: Value) -> str:
    """Y = A B; one matrix that enters transposed is a Gemm's."""
    if a.ndim == 2 and (op.left or op.right) and a.storage.kind != "i":
        return graph.node("Gemm", a, b, transA=int(op.left), transB=int(op.right))
    return graph.node("MatMul", turned(graph, a) if op.left else a, turned(graph, b) if op.right else b)


@exports(Affine, AffineWithBias, by="Gemm, or MatMul and Add")
def affine(graph: GraphWriter, op: Any, y: Any, x: Value, w: Value, *bias: Value) -> str:
    """y = x W + b: one Gemm for a matrix of rows."""
    if x.ndim == 2 and x.storage.kind != "i" and (op.transposed or bias):
        return graph.node("Gemm", x, w, *bias, transB=int(op.transposed))
    product = graph.node("MatMul", x, turned(graph, w) if op.transposed else w)
    return graph.node("Add", product, *bias) if bias else product


def differences(graph: GraphWriter, a: Value, b: Value) -> str:
    """Return a_i - b_j for all pairs of rows."""
    return graph.node("Sub", graph.node("Unsqueeze", a, graph.ints([-2])), graph.node("Unsqueeze", b, graph.ints([-3])))


@exports(SquaredDistances, by="ReduceSumSquare")
def squared_distances(graph: GraphWriter, op: Any, y: Any, a: Value, b: Value) -> str:
    return graph.node("ReduceSumSquare", differences(graph, a, b), graph.ints([-1]), keepdims=0)


@exports(PairDistance, by="ReduceL1, ReduceL2, ReduceMax, or powers")
def pair_distance(graph: GraphWriter, op: Any, y: Any, a: Value, b: Value) -> str:
    """D_ij = ‖a_i - b_j‖_p, from the differences of all pairs."""
    rest, last = differences(graph, a, b), graph.ints([-1])
    if op.p in (1, 2):
        return graph.node(f"ReduceL{int(op.p)}", rest, last, keepdims=0)
    high = graph.node("Abs", rest)
    if op.p == math.inf:
        return graph.node("ReduceMax", high, last, keepdims=0)
    powers = graph.node("Sign", high) if op.p == 0 else graph.node("Pow", high, graph.number(op.p, y.storage))
    total = graph.node("ReduceSum", powers, last, keepdims=0)
    return total if op.p == 0 else graph.node("Pow", total, graph.number(1 / op.p, y.storage))
