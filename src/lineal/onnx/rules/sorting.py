"""Sorting and selection: all by TopK, which takes the first of equals first."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.onnx.rules.table import exports, no_export
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.sorting.distinct import Unique
from lineal.ops.sorting.histograms import BinCount, Edges, HistC, Histogram
from lineal.ops.sorting.middle import Median, MedianOfAll, Mode
from lineal.ops.sorting.order import ArgSort, KthValue, Sort, TopK
from lineal.ops.sorting.search import IsIn, SearchSorted

__all__: list[str] = []

no_export("the shape of the result depends on numbers", Unique)
no_export("ONNX has no counting", BinCount, Edges, HistC, Histogram)
no_export("ONNX has no searching", IsIn, SearchSorted)
no_export("no rule so far", Median, MedianOfAll, Mode)


def best(graph: GraphWriter, x: Value, count: Any, axis: int, largest: bool) -> tuple[str, ...]:
    """Return the best numbers along an axis, and where they are."""
    if not x.shape:
        return graph.node("Identity", x), graph.number(0, np.int64)
    return graph.nodes_of("TopK", (x, graph.sizes([count])), 2, axis=axis, largest=int(largest))


@exports(TopK, by="TopK")
def topk(graph: GraphWriter, op: Any, ys: Any, x: Value) -> tuple[str, ...]:
    return best(graph, x, op.count, op.axis, op.largest)


@exports(Sort, by="TopK")
def sort(graph: GraphWriter, op: Any, ys: Any, x: Value) -> tuple[str, ...]:
    return best(graph, x, x.shape[op.axis] if x.shape else 1, op.axis, op.descending)


@exports(ArgSort, by="TopK")
def argsort(graph: GraphWriter, op: Any, y: Any, x: Value) -> str:
    return best(graph, x, x.shape[op.axis] if x.shape else 1, op.axis, op.descending)[1]


@exports(KthValue, by="TopK, Gather")
def kth_value(graph: GraphWriter, op: Any, ys: Any, x: Value) -> tuple[str, ...]:
    found = best(graph, x, op.rank + 1, op.axis, False)
    last = graph.ints([-1]) if op.keepdim else graph.number(-1, np.int64)
    return tuple([graph.node("Gather", each, last, axis=op.axis) for each in found]) if x.shape else found
