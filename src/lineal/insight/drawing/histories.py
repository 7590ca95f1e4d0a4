"""The diagram of a tensor's history, and that of a trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineal.core import AbstractTensor, Leaf
from lineal.core.backward import edge_of, nodes_before
from lineal.insight.drawing.diagram import Diagram
from lineal.insight.drawing.models import shape
from lineal.ops.premise import Premise
from lineal.tracing import Graph, Read

__all__ = ["diagram_of_graph", "diagram_of_history"]


def diagram_of_history(y: AbstractTensor, names: Mapping[str, AbstractTensor]) -> Diagram:
    """Return the diagram of the nodes that a backward pass from `y` goes through; RuntimeError if it has no history.

    Leaves have the `names` that they are given.
    """
    edge = edge_of(y)
    if edge is None:
        raise RuntimeError("draw: the tensor does not require grad and does not have a grad_fn")
    diagram, known = Diagram(), {id(x): name for name, x in names.items()}
    boxes: dict[Any, int] = {}
    for node in sorted(nodes_before([edge[0]]), key=lambda each: each.id):
        if isinstance(node, Leaf):
            leaf: Any = node.reference()
            told = () if leaf is None else (known.get(id(leaf), "leaf"), shape(leaf))
            boxes[node] = diagram.add("leaf", *told or ("leaf",))
            continue
        boxes[node] = diagram.add("node", node.name())
        for each in node.edges:
            if each is not None:
                diagram.join(boxes[each], boxes[node])
    output = diagram.add("output", "tensor", shape(y))
    diagram.join(boxes[edge[0]], output)
    return diagram


def diagram_of_graph(graph: Graph) -> Diagram:
    """Return the diagram of a trace: its inputs, equations and outputs."""
    diagram, boxes = Diagram(), {}
    for place, var in enumerate(graph.inputs):
        boxes[var] = diagram.add("input", f"input {place}", "×".join(map(str, var.spec.shape)) or "1")
    for equation in graph:
        if isinstance(equation, Read) or isinstance(equation.op, Premise):
            continue
        box = diagram.add("op", equation.op.key)
        for var in equation.inputs:
            if var in boxes:
                diagram.join(boxes[var], box, "×".join(map(str, var.spec.shape)) or "1")
        boxes.update(dict.fromkeys(equation.outputs, box))
    for place, var in enumerate(graph.outputs):
        output = diagram.add("output", f"output {place}", "×".join(map(str, var.spec.shape)) or "1")
        if var in boxes:
            diagram.join(boxes[var], output)
    return diagram
