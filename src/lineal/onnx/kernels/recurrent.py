"""Recurrent layers: of one direction or two, whose gates stand in another order than PyTorch's (see `rules.directions`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal import ops
from lineal.nn import functional as F
from lineal.nn.functional.recurrent import gru, lstm, rnn_relu, rnn_tanh
from lineal.onnx.kernels.structure import padded
from lineal.onnx.kernels.table import Node, indices, integers, operator, refuse

__all__: list[str] = []

USUAL = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}
GATES = {"LSTM": [0, 2, 3, 1], "GRU": [1, 0, 2], "RNN": [0]}
"""Where PyTorch's gates stand among ONNX's."""


def layer(node: Node, x: Any, w: Any, r: Any, b: Any, lengths: Any, states: list[Any], run: Any) -> tuple[Any, ...]:
    """Return Y and the last states; `run` takes x, the first states and the weights of one direction."""
    if node.get("layout", 0):
        found = layer_in_time(node, x.transpose(0, 1), w, r, b, lengths, [swapped(each) for each in states], run)
        return found[0].permute(2, 0, 1, 3), *[swapped(each) for each in found[1:]]
    return layer_in_time(node, x, w, r, b, lengths, states, run)


def swapped(state: Any) -> Any:
    """Return a state with its axes of directions and of sequences in the other order."""
    return None if state is None else state.transpose(0, 1)


def layer_in_time(node: Node, x: Any, w: Any, r: Any, b: Any, lengths: Any, states: list[Any], run: Any) -> tuple[Any, ...]:
    """Return Y (T, directions, n, size) and the last states of inputs (T, n, features)."""
    if node.get("clip") is not None or node.get("input_forget", 0):
        raise refuse(node, "clip or input_forget")
    steps = integers(lengths) or [x.shape[0]] * x.shape[1]
    if min(steps, default=1) < 1:
        raise refuse(node, "sequences without a step")
    directions, size = w.shape[0], r.shape[-1]
    starts = [x.new_zeros(directions, x.shape[1], size) if each is None else each for each in states]
    outputs, ended = [], []
    for n in range(directions):
        params = [regated(node, each, size) for each in (w[n], r[n], *(() if b is None else b[n].chunk(2)))]
        backward = node.get("direction", "forward") == "reverse" or n == 1
        y, *last = by_length(steps, x, [each[n : n + 1] for each in starts], params, run, backward)
        outputs.append(y)
        ended.append([each[0] for each in last])
    return ops.stack(outputs, 1), *[ops.stack(each) for each in zip(*ended)]


def by_length(steps: list[int], x: Any, starts: list[Any], params: list[Any], run: Any, backward: bool) -> list[Any]:
    """Return the outputs, zeros behind the end of a sequence, and the last states at each one's end."""
    rows = [[n for n, each in enumerate(steps) if each == length] for length in sorted(set(steps))]
    parts = []
    for places in rows:
        own, length = indices(places), steps[places[0]]
        part = x[:length].index_select(1, own)
        y, *last = run(part.flip(0) if backward else part, [each.index_select(1, own) for each in starts], params)
        y = y.flip(0) if backward else y
        parts.append([padded(y, [(0, x.shape[0] - length), (0, 0), (0, 0)]), *last])
    back = indices(np.argsort([n for places in rows for n in places]))
    return [ops.cat(each, 1).index_select(1, back) if len(rows) > 1 else each[0] for each in zip(*parts)]


def regated(node: Node, weight: Any, size: int) -> Any:
    """Return a weight or bias with its gates in PyTorch's order."""
    parts = weight.split(size)
    return ops.cat([parts[place] for place in GATES[node.operator]])


def check_activations(node: Node) -> None:
    """Refuse other activations than the usual ones."""
    wanted = USUAL[node.operator]
    given = node.get("activations", wanted)
    if any(each != wanted[n % len(wanted)] for n, each in enumerate(given)):
        raise refuse(node, f"the activations {given}")


@operator("LSTM")
def long_short(
    node: Node, x: Any, w: Any, r: Any, b: Any = None, n: Any = None, h: Any = None, c: Any = None, p: Any = None
) -> Any:
    check_activations(node)
    if p is not None:
        raise refuse(node, "peepholes")
    run = lambda x, start, params: lstm(x, start, params, len(params) > 2, 1, 0.0, False, False, False)
    return layer(node, x, w, r, b, n, [h, c], run)


@operator("GRU")
def gated(node: Node, x: Any, w: Any, r: Any, b: Any = None, n: Any = None, h: Any = None) -> Any:
    check_activations(node)
    run = lambda x, start, params: gru(x, start[0], params, len(params) > 2, 1, 0.0, False, False, False)
    return layer(node, x, w, r, b, n, [h], run if node.get("linear_before_reset", 0) else reset_before)


def reset_before(x: Any, start: list[Any], params: list[Any]) -> tuple[Any, Any]:
    """Return the states of a GRU whose gate r is multiplied with the state, and not with the product of the state."""
    w, u, *biases = params
    size = u.shape[-1]
    bias, inner = biases or (None, None)
    h, outputs = start[0][0], []
    for each in F.linear(x, w, bias).unbind(0):
        gates = each[:, : 2 * size] + F.linear(h, u[: 2 * size], None if inner is None else inner[: 2 * size])
        r, z = ops.sigmoid(gates).chunk(2, -1)
        new = ops.tanh(each[:, 2 * size :] + F.linear(r * h, u[2 * size :], None if inner is None else inner[2 * size :]))
        h = (1 - z) * new + z * h
        outputs.append(h)
    return ops.stack(outputs), h[None]


@operator("RNN")
def simple(node: Node, x: Any, w: Any, r: Any, b: Any = None, n: Any = None, h: Any = None) -> Any:
    (word, *others) = sorted(set(node.get("activations", ["Tanh"])))
    if others or word not in ("Tanh", "Relu"):
        raise refuse(node, f"the activations {node.get('activations')}")
    function = rnn_tanh if word == "Tanh" else rnn_relu
    run = lambda x, start, params: function(x, start[0], params, len(params) > 2, 1, 0.0, False, False, False)
    return layer(node, x, w, r, b, n, [h], run)
