"""One step of a recurrent net: the gates of its cells, and the cells as functions of PyTorch's top level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.core.calling import public

__all__ = ["gru_cell", "lstm_cell", "rnn_relu_cell", "rnn_tanh_cell"]

State = tuple[Any, ...]


def tanh_step(x: Any, r: Any, state: State) -> State:
    """Return h' = tanh(x + r)."""
    return (ops.tanh(x + r),)


def relu_step(x: Any, r: Any, state: State) -> State:
    """Return h' = max(x + r, 0)."""
    return (ops.relu(x + r),)


def lstm_step(x: Any, r: Any, state: State) -> State:
    """Return h' = o tanh c' and c' = f c + i g of the gates i, f, g, o in x + r.  Hochreiter and Schmidhuber (1997)."""
    i, f, g, o = (x + r).chunk(4, -1)
    c = ops.sigmoid(f) * state[1] + ops.sigmoid(i) * ops.tanh(g)
    return ops.sigmoid(o) * ops.tanh(c), c


def gru_step(x: Any, r: Any, state: State) -> State:
    """Return h' = n + z (h - n), n = tanh(xₙ + s rₙ), of the gates s, z, n.  Cho et al. (2014), arXiv:1406.1078."""
    (xs, xz, xn), (rs, rz, rn) = x.chunk(3, -1), r.chunk(3, -1)
    n = ops.tanh(xn + ops.sigmoid(xs + rs) * rn)
    return (n + ops.sigmoid(xz + rz) * (state[0] - n),)


class Mode(NamedTuple):
    """A kind of cell: its name in PyTorch's functions, the step from the products x W_ihᵀ and h W_hhᵀ, the number of gates.

    In `merged` ones the two biases enter as their sum alone.
    """

    name: str
    step: Callable[[Any, Any, State], State]
    gates: int
    merged: bool = True


MODES = {
    "RNN_TANH": Mode("rnn_tanh", tanh_step, 1),
    "RNN_RELU": Mode("rnn_relu", relu_step, 1),
    "LSTM": Mode("lstm", lstm_step, 4),
    "GRU": Mode("gru", gru_step, 3, merged=False),
}


def stepped(mode: Mode, input: Any, state: State, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> State:
    """Return the state after one step of a cell with these weights."""
    name, x, h = f"{mode.name}_cell", input.shape, state[0].shape
    if x[-1:] != w_ih.shape[1:]:
        raise RuntimeError(f"{name}: input has inconsistent input_size: got {list(x)}, expected {w_ih.shape[1]} columns")
    for place, each in enumerate(state):
        if each.shape[:-1] != x[:-1]:
            raise RuntimeError(f"{name}: Input batch {list(x)} doesn't match hidden{place} batch {list(each.shape)}")
        if each.shape[-1:] != w_hh.shape[1:]:
            raise RuntimeError(
                f"{name}: hidden{place} has inconsistent hidden_size: got {list(each.shape)}, expected {w_hh.shape[1]} columns"
            )
    if w_ih.shape[0] != mode.gates * h[-1] or w_hh.shape[0] != mode.gates * h[-1]:
        raise RuntimeError(
            f"{name}: expected weights of {mode.gates} x {h[-1]} rows, got shapes {list(w_ih.shape)} and {list(w_hh.shape)}"
        )
    return mode.step(ops.linear(input, w_ih, b_ih), ops.linear(state[0], w_hh, b_hh), state)


@public
def lstm_cell(
    input: Tensor, hx: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the states h and c, (n, hidden) or (hidden,) as those in `hx`, after one step of an LSTM."""
    if len(hx) != 2:
        raise RuntimeError(f"lstm_cell expects two hidden states, got {len(hx)}")
    h, c = stepped(MODES["LSTM"], input, tuple(hx), w_ih, w_hh, b_ih, b_hh)
    return h, c


@public
def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """Return the state, (n, hidden) or (hidden,), after one step of a GRU."""
    return stepped(MODES["GRU"], input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


@public
def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """Return the state tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh)."""
    return stepped(MODES["RNN_TANH"], input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


@public
def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """Return the state max(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh, 0)."""
    return stepped(MODES["RNN_RELU"], input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]
