"""Cells of recurrent nets: one step, from a state to the next."""

from __future__ import annotations

import math
from typing import Any

from lineal.base.signatures import Device, DType
from lineal.nn import init
from lineal.nn.functional import cells as functional
from lineal.nn.module import Module
from lineal.nn.parameter import Parameter
from lineal.ops import empty, zeros
from lineal.tensors import Tensor


class RNNCellBase(Module):
    """The weights of a cell of `num_chunks` gates.

    They are `weight_ih` (gates · hidden_size, input_size), `weight_hh` (gates · hidden_size, hidden_size) and, if `bias`,
    `bias_ih` and `bias_hh`, all of which start uniform in ±1/√hidden_size.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Device | None = None,
        dtype: DType | None = None,
    ):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty(rows, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(empty(rows, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new starting values."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _weights_(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _start_(self, input: Tensor) -> Tensor:
        """Return the state of zeros beside an input."""
        return zeros(*input.shape[:-1], self.hidden_size, dtype=input.dtype, device=input.device)

    def _require_ndim_(self, what: str, given: Tensor) -> None:
        if given.ndim not in (1, 2):
            raise ValueError(f"{self._get_name()}: Expected {what} to be 1D or 2D, got {given.ndim}D instead")

    def extra_repr(self) -> str:
        shown = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            shown += f", bias={self.bias}"
        return shown


class RNNCell(RNNCellBase):
    """h' = tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh), or max(…, 0) with `nonlinearity="relu"`, of x (n, input_size) and h.

    Without a batch they are vectors.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Device | None = None,
        dtype: DType | None = None,
    ):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        self._require_ndim_("input", input)
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"RNNCell: Unknown nonlinearity: {self.nonlinearity}")
        hx = self._start_(input) if hx is None else hx
        self._require_ndim_("hidden", hx)
        step = functional.rnn_tanh_cell if self.nonlinearity == "tanh" else functional.rnn_relu_cell
        return step(input, hx, *self._weights_())

    def extra_repr(self) -> str:
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(RNNCellBase):
    """c' = f c + i g and h' = o tanh c', with the gates i, f, g, o of x (n, input_size) and h in this order.

    Hochreiter and Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735.  Without a batch they are vectors.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Device | None = None, dtype: DType | None = None
    ):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        self._require_ndim_("input", input)
        if hx is None:
            hx = (self._start_(input), self._start_(input))
        for place, each in enumerate(hx):
            self._require_ndim_(f"hx[{place}]", each)
        return functional.lstm_cell(input, hx, *self._weights_())


class GRUCell(RNNCellBase):
    """h' = n + z (h - n), with the gates r, z, n of x (n, input_size) and h in this order.

    Cho et al. (2014), arXiv:1406.1078.  Without a batch they are vectors.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Device | None = None, dtype: DType | None = None
    ):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        self._require_ndim_("input", input)
        hx = self._start_(input) if hx is None else hx
        self._require_ndim_("hidden", hx)
        return functional.gru_cell(input, hx, *self._weights_())
