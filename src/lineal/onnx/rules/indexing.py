"""Parts, elements that indices name, and writes to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.rules.creation import filled
from lineal.onnx.rules.inplace import put
from lineal.onnx.rules.structural import sliced
from lineal.onnx.rules.table import exports, no_export
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.indexing.advanced import Index, IndexPut, IndexSum
from lineal.ops.indexing.basic import Embed as EmbedItems
from lineal.ops.indexing.basic import Slice, slice_op
from lineal.ops.indexing.filling import Fill
from lineal.ops.indexing.gathering import Gather, GatherSum, Scatter, ScatterAdd
from lineal.ops.indexing.masked import MaskedGather, MaskedScatter, MaskedSelect, Nonzero, UnravelIndex
from lineal.ops.indexing.masks import MaskedFill
from lineal.ops.indexing.scatter_reduction import ScatterExtreme, ScatterProduct

__all__: list[str] = []

no_export("the shape of the result depends on numbers", MaskedSelect, Nonzero)
no_export("no rule so far", MaskedScatter, MaskedGather, UnravelIndex)


@exports(Slice, by="Slice, Gather, Unsqueeze")
def slice_items(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    """y = x[items]: slices first, then the axes that are picked from, the last one first, then new ones."""
    axis, cuts, picks, new, out = 0, [], [], [], 0
    for item in op.items:
        if item is None:
            new.append(out)
            out += 1
        elif isinstance(item, tuple):
            cuts.append((axis, *item))
            axis, out = axis + 1, out + 1
        else:
            picks.append((axis, item))
            axis += 1
    name = sliced(graph, x, cuts)
    for axis, place in reversed(picks):
        name = picked(graph, name, axis, place, x.shape[axis])
    return graph.node("Unsqueeze", name, graph.ints(new)) if new else name


def picked(graph: GraphWriter, name: Any, axis: int, place: Any, size: Any) -> str:
    """Return what stands at one place of an axis, counted from the end where that does not depend on sizes."""
    if not isinstance(place, int) and isinstance(place - size, int):
        place = place - size
    return graph.node("Gather", name, graph.number(place, np.int64), axis=axis)


@exports(EmbedItems, by="ScatterElements")
def embed_items(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    zeros = Value(filled(graph, y.shape, 0, y.storage), y.shape, y.storage)
    return put(graph, (slice_op(op.items),), [x.shape], zeros, x)


@exports(Fill, by="Expand")
def fill(graph: GraphWriter, op: Any, y: Any, x: Value, number: Value) -> str:
    """y = the number, in x's shape and dtype."""
    name = number.name if number.storage == y.storage else graph.cast(number, y.storage)
    return graph.node("Expand", name, graph.node("Shape", x))


@exports(MaskedFill, by="Where")
def masked_fill(graph: GraphWriter, op: Any, y: Any, x: Value, mask: Value, number: Value) -> str:
    return graph.node("Where", mask, number if number.storage == y.storage else graph.cast(number, y.storage), x)


def flat(graph: GraphWriter, x: Value, places: tuple[int, ...], indices: tuple[Value, ...]) -> str:
    """Return the places in the flattened axes of x that indices name together, negative ones counted from the end."""
    found = ""
    for axis, index in zip(places, indices):
        size = graph.number(x.shape[axis], np.int64)
        below = graph.node("Less", index, graph.number(0, np.int64))
        own = graph.node("Where", below, graph.node("Add", index, size), index)
        found = graph.node("Add", graph.node("Mul", found, size), own) if found else own
    return found


def refuse_masks(indices: tuple[Value, ...]) -> None:
    """Refuse indices that are masks."""
    if any(index.storage.kind == "b" for index in indices):
        raise OnnxExporterError("an index that is a mask: the shape of the result depends on numbers; use where()")


@exports(Index, by="Gather")
def index(graph: GraphWriter, op: Any, y: Any, x: Value, *indices: Value) -> str:
    """y = x at indices: Gather along one axis, into which several are flattened; apart from each other, they come first."""
    refuse_masks(indices)
    first, count = op.places[0], len(indices)
    if count == 1:
        return graph.node("Gather", x, indices[0], axis=first)
    if op.places == tuple(range(first, first + count)):
        order = tuple(range(x.ndim))
    else:
        order, first = (*op.places, *(n for n in range(x.ndim) if n not in op.places)), 0
    name = x.name if order == tuple(range(x.ndim)) else graph.node("Transpose", x, perm=order)
    shape = [x.shape[n] for n in order]
    rows = graph.sizes([*shape[:first], -1, *shape[first + count :]])
    return graph.node("Gather", graph.node("Reshape", name, rows), flat(graph, x, op.places, indices), axis=first)


def scattered(graph: GraphWriter, base: Value, places: tuple, v: Value, indices: tuple, reduction: str) -> str:
    """Return the base with v put or added where indices of its leading axes are: ScatterND of flat rows."""
    refuse_masks(indices)
    count = len(indices)
    if places != tuple(range(count)):
        raise OnnxExporterError(f"a write by indices of the axes {places}: they must be the leading ones")
    rest = list(base.shape[count:])
    at = flat(graph, base, places, indices)
    rows = graph.node("Reshape", base, graph.sizes([-1, *rest]))
    shape = graph.node("Concat", graph.node("Shape", at), graph.sizes(rest), axis=0)
    put = graph.node(
        "ScatterND", rows, graph.node("Unsqueeze", at, graph.ints([-1])), graph.node("Expand", v, shape), reduction=reduction
    )
    return graph.node("Reshape", put, graph.sizes(base.shape))


@exports(IndexPut, by="ScatterND")
def index_put(graph: GraphWriter, op: Any, y: Any, x: Value, v: Value, *indices: Value) -> str:
    return scattered(graph, x, op.places, v, indices, "add" if op.accumulate else "none")


@exports(IndexSum, by="ScatterND")
def index_sum(graph: GraphWriter, op: Any, y: Any, x: Value, *indices: Value) -> str:
    zeros = Value(filled(graph, y.shape, 0, y.storage), y.shape, y.storage)
    return scattered(graph, zeros, op.places, x, indices, "add")


@exports(Gather, by="GatherElements")
def gather(graph: GraphWriter, op: Any, y: Any, x: Value, index: Value) -> str:
    if not x.shape:
        return graph.node("Identity", x)
    return graph.node("GatherElements", x, index, axis=op.dim)


@exports(GatherSum, by="ScatterElements")
def gather_sum(graph: GraphWriter, op: Any, y: Any, x: Value, index: Value) -> str:
    zeros = filled(graph, y.shape, 0, y.storage)
    return graph.node("ScatterElements", zeros, index, x, axis=op.dim, reduction="add")


@exports(Scatter, ScatterAdd, ScatterExtreme, ScatterProduct, by="ScatterElements")
def scatter(graph: GraphWriter, op: Any, y: Any, x: Value, index: Value, source: Value) -> str:
    """y = x with the source put, added, multiplied or compared at the places of an axis."""
    if not x.shape:
        raise OnnxExporterError("scatter of a tensor without dimensions")
    words = {Scatter: "none", ScatterAdd: "add", ScatterProduct: "mul"}
    reduction = words.get(type(op)) or ("max" if op.greatest else "min")
    return graph.node("ScatterElements", x, index, source, axis=op.dim, reduction=reduction)
