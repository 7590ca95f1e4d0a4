"""Recurrent nets: layers that go through sequences step by step."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from lineal.base.signatures import Device, DType
from lineal.nn import init
from lineal.nn.functional import recurrent as functional
from lineal.nn.functional.cells import MODES
from lineal.nn.module import Module
from lineal.nn.parameter import Parameter
from lineal.nn.utils.rnn import PackedSequence
from lineal.ops import empty, zeros
from lineal.ops.autocasting import is_on
from lineal.tensors import Tensor

FUNCTIONS = {"RNN_TANH": functional.rnn_tanh, "RNN_RELU": functional.rnn_relu, "LSTM": functional.lstm, "GRU": functional.gru}


class RNNBase(Module):
    """A stack of recurrent layers of the kind `mode`: RNN_TANH, RNN_RELU, LSTM or GRU.

    Layer k has `weight_ih_lk`, `weight_hh_lk`, if `bias` also `bias_ih_lk` and `bias_hh_lk`, with `proj_size` also
    `weight_hr_lk`, and the same with the ending `_reverse` if `bidirectional`; all start uniform in ±1/√hidden_size.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Device | None = None,
        dtype: DType | None = None,
    ):
        super().__init__()
        require_sizes(type(self).__name__, mode, input_size, hidden_size, num_layers, dropout, proj_size)
        for name, given in (("bias", bias), ("batch_first", batch_first)):
            if not isinstance(given, bool):
                raise TypeError(f"{type(self).__name__}: {name} should be of type bool, got: {type(given).__name__}")
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for ending in ("", "_reverse")[: 1 + bidirectional]:
                self._all_weights.append(self._add_weights_(layer, ending, device, dtype))
        self.reset_parameters()

    def _add_weights_(self, layer: int, ending: str, device: Device | None, dtype: DType | None) -> list[str]:
        """Make the weights of one direction of a layer; return their names."""
        out = self.proj_size or self.hidden_size
        width = out * (1 + self.bidirectional) if layer else self.input_size
        rows = MODES[self.mode].gates * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, width), "weight_hh": (rows, out)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        named = {f"{name}_l{layer}{ending}": shape for name, shape in shapes.items()}
        for name, shape in named.items():
            self.register_parameter(name, Parameter(empty(*shape, device=device, dtype=dtype)))
        return list(named)

    @property
    def all_weights(self) -> list[list[Any]]:
        """The weights, one list for each direction of each layer."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights_names(self) -> list[str]:
        """The names of the weights, in the order of `all_weights`; PyTorch's, which public programs read."""
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Any]:
        """The weights in one list."""
        return [getattr(self, name) for name in self._flat_weights_names]

    def flatten_parameters(self) -> None:
        """Do nothing: no kernel here wants all weights in one block of memory."""

    def reset_parameters(self) -> None:
        """Draw new starting values."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _through_(self, input: Any, hx: Any) -> tuple[Any, ...]:
        """Return the outputs and last states for the states `hx`, a tuple or None, of a tensor or a `PackedSequence`."""
        if isinstance(input, PackedSequence):
            data, sizes, before, after = input
            hx = hx if hx is None or before is None else tuple([each.index_select(1, before) for each in hx])
            y, *states = self._computed_(data, hx, sizes)
            states = states if after is None else [each.index_select(1, after) for each in states]
            return PackedSequence(y, sizes, before, after), *states
        if input.ndim not in (2, 3):
            raise ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {input.ndim}D instead")
        if hx is not None and any(each.ndim != input.ndim for each in hx):
            given = " and ".join(f"{each.ndim}-D" for each in hx)
            kind = "batched 3-D" if input.ndim == 3 else "unbatched 2-D"
            raise RuntimeError(f"{self._get_name()}: For {kind} input, hx should also be {input.ndim}-D but got {given}")
        if input.ndim == 3:
            return self._computed_(input, hx)
        place = 0 if self.batch_first else 1
        found = self._computed_(input.unsqueeze(place), hx if hx is None else tuple([each.unsqueeze(1) for each in hx]))
        return found[0].squeeze(place), *[each.squeeze(1) for each in found[1:]]

    def _computed_(self, input: Any, hx: Any, sizes: Any = None) -> tuple[Any, ...]:
        """Return the outputs and last states for batches of padded sequences, or packed ones with the `sizes` of batches."""
        weights = self._flat_weights
        self._check_input_(input, sizes is not None, weights[0].dtype)
        batch = int(sizes[0]) if sizes is not None else input.shape[0 if self.batch_first else 1]
        shapes = [(self.num_layers * (1 + self.bidirectional), batch, width) for width in self._state_sizes_()]
        if hx is None:
            hx = tuple([zeros(*shape, dtype=input.dtype, device=input.device) for shape in shapes])
        for place, (each, shape) in enumerate(zip(hx, shapes)):
            if tuple(each.shape) != shape:
                which = f"[{place}]" if len(shapes) > 1 else ""
                raise RuntimeError(f"{self._get_name()}: Expected hidden{which} size {shape}, got {list(each.shape)}")
        lying = (input,) if sizes is None else (input, sizes)
        ending = (self.batch_first,) if sizes is None else ()
        options = (self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        return FUNCTIONS[self.mode](*lying, hx, weights, *options, *ending)

    def _state_sizes_(self) -> tuple[int, ...]:
        return (self.proj_size or self.hidden_size, *[self.hidden_size] * (self.mode == "LSTM"))

    def _check_input_(self, input: Any, packed: bool, dtype: Any) -> None:
        name = self._get_name()
        if input.dtype != dtype and not is_on():
            raise ValueError(
                f"{name}: RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). "
                f"Convert input: input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        if input.ndim != (2 if packed else 3):
            raise RuntimeError(f"{name}: input must have {2 if packed else 3} dimensions, got {input.ndim}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{name}: input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}"
            )

    def extra_repr(self) -> str:
        shown = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        for name, default in defaults.items():
            if getattr(self, name) != default:
                shown.append(f"{name}={getattr(self, name)}")
        return ", ".join(shown)


def require_sizes(
    name: str, mode: str, input_size: int, hidden_size: int, num_layers: int, dropout: float, proj_size: int
) -> None:
    """Refuse what makes no recurrent net; warn of dropout between the layers of a single one."""
    if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise ValueError(
            f"{name}: dropout should be a number in range [0, 1] representing the probability of an element being zeroed, "
            f"got {dropout!r}"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater "
            f"than 1, but got dropout={dropout} and num_layers={num_layers}",
            stacklevel=4,
        )
    for what, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(size, int):
            raise TypeError(f"{name}: {what} should be of type int, got: {type(size).__name__}")
    for what, size in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if size <= 0:
            raise ValueError(f"{name}: {what} must be greater than zero, got {size}")
    if not 0 <= proj_size < hidden_size:
        raise ValueError(f"{name}: proj_size has to be 0 (no projection) or smaller than hidden_size, got {proj_size}")
    if mode not in MODES:
        raise ValueError(f"{name}: Unrecognized RNN mode: {mode}")
    if proj_size and mode != "LSTM":
        raise ValueError(f"{name}: proj_size argument is only supported for LSTM, not RNN or GRU")


class RNN(RNNBase):
    """h_t = tanh(x_t W_ihᵀ + b_ih + h_{t-1} W_hhᵀ + b_hh), or max(…, 0) with `nonlinearity="relu"`, layer over layer.

    The input is (T, n, input_size), (n, T, input_size) if `batch_first`, (T, input_size), or a `PackedSequence`; the outputs
    are those of the last layer, and the last states (num_layers · directions, n, hidden_size).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device | None = None,
        dtype: DType | None = None,
        *,
        proj_size: int = 0,
    ):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: Unknown nonlinearity {nonlinearity!r}. Select from 'tanh' or 'relu'.")
        mode = f"RNN_{nonlinearity.upper()}"
        options = (num_layers, bias, batch_first, dropout, bidirectional, proj_size)
        super().__init__(mode, input_size, hidden_size, *options, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        y, h = self._through_(input, None if hx is None else (hx,))
        return y, h


class LSTM(RNNBase):
    """c_t = f c_{t-1} + i g and h_t = o tanh c_t, with the gates i, f, g, o of x_t and h_{t-1} in this order.

    With `proj_size`, h_t is multiplied by a matrix to that size.  The input is as for `RNN`; the outputs come with the last
    states (h, c).  Hochreiter and Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735; Sak et al. (2014), arXiv:1402.1128.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Device | None = None,
        dtype: DType | None = None,
    ):
        options = (num_layers, bias, batch_first, dropout, bidirectional, proj_size)
        super().__init__("LSTM", input_size, hidden_size, *options, device=device, dtype=dtype)

    def forward(self, input: Any, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Any, tuple[Tensor, Tensor]]:
        y, h, c = self._through_(input, hx)
        return y, (h, c)


class GRU(RNNBase):
    """h_t = n + z (h_{t-1} - n), with the gates r, z, n of x_t and h_{t-1} in this order.

    The input is as for `RNN`; the outputs come with the last state.  Cho et al. (2014), arXiv:1406.1078.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device | None = None,
        dtype: DType | None = None,
        *,
        proj_size: int = 0,
    ):
        options = (num_layers, bias, batch_first, dropout, bidirectional, proj_size)
        super().__init__("GRU", input_size, hidden_size, *options, device=device, dtype=dtype)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        y, h = self._through_(input, None if hx is None else (hx,))
        return y, h
