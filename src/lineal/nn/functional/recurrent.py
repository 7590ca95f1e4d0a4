"""Recurrent nets over whole sequences, padded or packed: one product for the inputs of all steps, then step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lineal import ops
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor
from lineal.core.calling import public
from lineal.nn.functional.cells import MODES, Mode, State
from lineal.nn.functional.directions import Weights, through_layer
from lineal.nn.functional.regularisation import dropout

__all__ = ["gru", "lstm", "rnn_relu", "rnn_tanh"]


class Net(NamedTuple):
    """A stack of recurrent layers as PyTorch's functions describe it."""

    mode: Mode
    has_biases: bool
    num_layers: int
    dropout: float
    train: bool
    bidirectional: bool

    def weights(self, params: Sequence[Any], projected: bool) -> list[Weights]:
        """Return the weights by layer and direction."""
        size, count = 2 + 2 * self.has_biases + projected, self.num_layers * (1 + self.bidirectional)
        if len(params) != size * count:
            raise RuntimeError(f"{self.mode.name}: expected {size * count} weights for {count} layers, got {len(params)}")
        parts = [params[start : start + size] for start in range(0, size * count, size)]
        if not projected:
            return [Weights(*each) for each in parts]
        return [Weights(*each[:-1], w_hr=each[-1]) for each in parts]

    def __call__(self, x: Any, sizes: Sequence[int] | None, state: State, params: Sequence[Any]) -> tuple[Any, State]:
        """Return the last layer's outputs, and the last states of all layers and directions.

        `x` is (T, n, features), or packed: (Σ sizes, features) with the number of sequences in each step.
        """
        directions = 1 + self.bidirectional
        weights = self.weights(params, len(state) == 2 and state[0].shape[-1] != state[1].shape[-1])
        ended = []
        for layer in range(self.num_layers):
            if layer and self.dropout and self.train:
                x = dropout(x, self.dropout, True)
            outputs = []
            for place in range(layer * directions, (layer + 1) * directions):
                start = tuple([each[place] for each in state])
                y, last = through_layer(self.mode, x, sizes, start, weights[place], reverse=place % directions == 1)
                outputs.append(y)
                ended.append(last)
            x = outputs[0] if directions == 1 else ops.cat(outputs, -1)
        return x, tuple([ops.stack(each) for each in zip(*ended)])


def padded(
    mode: Mode,
    input: Any,
    hx: State,
    params: Sequence[Any],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Any, ...]:
    """Return the outputs for padded sequences (T, n, features), or (n, T, features) if `batch_first`, and the last states."""
    if input.ndim != 3:
        raise RuntimeError(f"{mode.name}: expected input of 3 dimensions, got shape {list(input.shape)}")
    x = input.transpose(0, 1) if batch_first else input
    if not x.shape[0]:
        raise RuntimeError(f"{mode.name}: Expected sequence length to be larger than 0 in RNN, got {list(input.shape)}")
    y, state = Net(mode, has_biases, num_layers, dropout, train, bidirectional)(x, None, hx, params)
    return (y.transpose(0, 1) if batch_first else y, *state)


def packed(
    mode: Mode,
    data: Any,
    batch_sizes: Any,
    hx: State,
    params: Sequence[Any],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
) -> tuple[Any, ...]:
    """Return the outputs for packed sequences (Σ batch_sizes, features), and the last states."""
    y, state = Net(mode, has_biases, num_layers, dropout, train, bidirectional)(data, batch_sizes.tolist(), hx, params)
    return (y, *state)


def called(mode: Mode, args: tuple, kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Return what `packed` gives if the second argument is the sizes of batches, else what `padded` gives."""
    whole = len(args) > 1 and isinstance(args[1], AbstractTensor) and args[1].value.ndim == 1
    function = packed if whole or "batch_sizes" in kwargs else padded
    places = ("data", "batch_sizes", "hx") if function is packed else ("input", "hx")
    given: dict[str, Any] = {**dict(zip(places, args)), **kwargs}
    state = given.pop("hx", ())
    given["hx"] = (state,) if isinstance(state, AbstractTensor) else tuple(state)
    wanted = 2 if mode.name == "lstm" else 1
    if len(given["hx"]) != wanted:
        raise RuntimeError(f"{mode.name} expects {'two hidden states' if wanted == 2 else 'one hidden state'} in hx")
    first = [given.pop(each) for each in places]
    return function(mode, *first, *args[len(places) :], **given)


@public
def lstm(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return the outputs of an LSTM and its last states h and c.

    `lstm(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)` takes padded sequences,
    `lstm(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)` packed ones; `hx` is (h, c).
    """
    y, h, c = called(MODES["LSTM"], args, kwargs)
    return y, h, c


@public
def gru(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """Return the outputs of a GRU and its last state; the arguments are those of `lstm`, with one state as `hx`."""
    y, h = called(MODES["GRU"], args, kwargs)
    return y, h


@public
def rnn_tanh(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """Return the outputs of a net of tanh cells and its last state; the arguments are those of `gru`."""
    y, h = called(MODES["RNN_TANH"], args, kwargs)
    return y, h


@public
def rnn_relu(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """Return the outputs of a net of relu cells and its last state; the arguments are those of `gru`."""
    y, h = called(MODES["RNN_RELU"], args, kwargs)
    return y, h
