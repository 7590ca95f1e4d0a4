"""Recurrent layers: one operator for each direction of a layer, for any number of steps.

ONNX's gates stand in another order than PyTorch's: of LSTM i, o, f, g, where PyTorch has i, f, g, o; of GRU z, r, n, where it
has r, z, n, and the bias of n is inside of the product with r (linear_before_reset).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.nn.functional.directions import RecurrentLayer
from lineal.onnx.rules.table import exports
from lineal.onnx.writer import GraphWriter, Value

__all__: list[str] = []

KINDS: dict[str, tuple[str, list[int], dict[str, Any]]] = {
    "lstm": ("LSTM", [0, 3, 1, 2], {}),
    "gru": ("GRU", [1, 0, 2], {"linear_before_reset": 1}),
    "rnn_tanh": ("RNN", [0], {"activations": ["Tanh"]}),
    "rnn_relu": ("RNN", [0], {"activations": ["Relu"]}),
}
"""The operator of a kind of cell, its gates by PyTorch's places, and what else it needs to be told."""


@exports(RecurrentLayer, by="LSTM, GRU or RNN")
def recurrent_layer(graph: GraphWriter, op: Any, ys: Any, x: Value, *given: Value) -> tuple[str, ...]:
    operator, gates, words = KINDS[op.mode.name]
    states = 2 if operator == "LSTM" else 1
    start, rest = given[:states], iter(given[states:])
    w_ih, w_hh, b_ih, b_hh, _ = [next(rest) if yes else None for yes in op.present]
    size, front = int(start[0].shape[-1]), graph.ints([0])
    order = graph.ints(np.concatenate([np.arange(size) + size * gate for gate in gates]))
    w, r = [graph.node("Unsqueeze", ordered(graph, each, order, gates), front) for each in (w_ih, w_hh)]
    halves = [ordered(graph, each, order, gates) for each in (b_ih, b_hh) if each is not None]
    b = graph.node("Unsqueeze", graph.node("Concat", *halves, axis=0), front) if halves else None
    first = [graph.node("Unsqueeze", each, front) for each in start]
    direction = "reverse" if op.reverse else "forward"
    outputs = graph.nodes_of(operator, [x, w, r, b, None, *first], 1 + states, hidden_size=size, direction=direction, **words)
    axes = [graph.ints([1]), front, front]
    return tuple([graph.node("Squeeze", each, axis) for each, axis in zip(outputs, axes)])


def ordered(graph: GraphWriter, weight: Any, order: str, gates: list[int]) -> Any:
    """Return a weight or bias with its gates in ONNX's order."""
    return weight if len(gates) == 1 else graph.node("Gather", weight, order, axis=0)
