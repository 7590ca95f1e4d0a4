"""Writes, which are pure in a trace: the whole of a tensor replaced, or a part of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base.spec import Spec
from lineal.core import Op
from lineal.core.inplace import Copy, Overwrite, Renumber, ViewScatter
from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.rules.table import exports, rule_of
from lineal.onnx.varying import Varying, varying
from lineal.onnx.writer import GraphWriter, Value

__all__ = ["put"]


@exports(Copy, by="Identity")
def copy(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return x.name


@exports(Overwrite, Renumber, by="Identity")
def overwrite(graph: GraphWriter, op: Any, y: Any, old: Value, new: Value) -> str:
    """y = new."""
    return new.name


def seen_shapes(path: Sequence[Op], shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the shapes of what view ops look at, one after the other, in an array of a shape."""
    array, found = np.broadcast_to(np.zeros((), bool), shape), []
    for op in path:
        array = op.eager(np, array)
        found.append(array.shape)
    return found


def at_trial(shape: tuple, trial: int) -> tuple[int, ...]:
    """Return what a shape was at a trial."""
    return tuple([size.numbers[trial] if isinstance(size, Varying) else size for size in shape])


def put(graph: GraphWriter, path: tuple[Op, ...], shapes: Sequence[tuple], base: Value, source: Value) -> str:
    """Return the base with the source where view ops look, which give `shapes`: at their places among the base's elements."""
    count: Any = math.prod(base.shape)
    places = graph.node("Range", *[graph.number(each, np.int64) for each in (0, count, 1)])
    whole = graph.sizes(base.shape)
    seen = Value(graph.node("Reshape", places, whole, allowzero=1), base.shape, np.dtype(np.int64))
    for op, shape in zip(path, shapes):
        rule = rule_of(op)
        if rule is None:
            raise OnnxExporterError(f"a write to a part that `{op.key}` looks at")
        seen = Value(rule(graph, op, Spec(shape, seen.storage), seen), shape, seen.storage)
    row = graph.ints([-1])
    flat = [graph.node("Reshape", each, row) for each in (base, seen, source)]
    return graph.node("Reshape", graph.node("ScatterElements", *flat, axis=0), whole, allowzero=1)


@exports(ViewScatter, by="ScatterElements")
def view_scatter(graph: GraphWriter, op: Any, y: Any, base: Value, source: Value) -> str:
    found = [seen_shapes(each.path, at_trial(base.shape, trial)) for trial, each in enumerate(graph.trials)]
    shapes = [tuple([varying(sizes) for sizes in zip(*shapes)]) for shapes in zip(*found)]
    return put(graph, op.path, shapes, base, source)
