"""The layers of a transformer: attention and two linear layers, each with dropout, a residual and normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal.base.signatures import Device, DType
from lineal.nn import functional
from lineal.nn.dropout import Dropout
from lineal.nn.linear import Linear
from lineal.nn.module import Module
from lineal.nn.multihead import MultiheadAttention
from lineal.nn.normalisation import LayerNorm
from lineal.tensors import Tensor

Activation = str | Callable[[Tensor], Tensor]


def activation_of(name: str) -> Callable[[Tensor], Tensor]:
    """Return relu or gelu by its name."""
    if name not in ("relu", "gelu"):
        raise RuntimeError(f"Transformer: activation should be relu/gelu, not {name}")
    return functional.relu if name == "relu" else functional.gelu


class TransformerLayer(Module):
    """Blocks x + f(x), each normalised after the sum, or, with `norm_first`, before f."""

    activation: Any

    def _block_(self, x: Tensor, norm: LayerNorm, change: Callable[[Tensor], Tensor]) -> Tensor:
        return x + change(norm(x)) if self.norm_first else norm(x + change(x))

    def _sa_block(self, x: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool) -> Tensor:
        """Return what the queries see of themselves."""
        return self.dropout1(self.self_attn(x, x, x, key_padding_mask, False, attn_mask, is_causal=is_causal)[0])

    def _fed_forward_(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(TransformerLayer):
    """Self-attention, then two linear layers with `dim_feedforward` features and an activation between them.

    Vaswani et al. (2017), arXiv:1706.03762; `norm_first`: Xiong et al. (2020), arXiv:2002.04745.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = functional.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Device | None = None,
        dtype: DType | None = None,
    ):
        super().__init__()
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **place)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **place)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = activation_of(activation) if isinstance(activation, str) else activation

    def forward(
        self, src: Tensor, src_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None, is_causal: bool = False
    ) -> Tensor:
        x = self._block_(src, self.norm1, lambda x: self._sa_block(x, src_mask, src_key_padding_mask, is_causal))
        return self._block_(x, self.norm2, self._ff_block)

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout2(self._fed_forward_(x))


class TransformerDecoderLayer(TransformerLayer):
    """Self-attention, attention to a `memory`, then two linear layers with an activation between them.

    Vaswani et al. (2017), arXiv:1706.03762; `norm_first`: Xiong et al. (2020), arXiv:2002.04745.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = functional.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Device | None = None,
        dtype: DType | None = None,
    ):
        super().__init__()
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        attending = {"dropout": dropout, "bias": bias, "batch_first": batch_first, **place}
        self.self_attn = MultiheadAttention(d_model, nhead, **attending)
        self.multihead_attn = MultiheadAttention(d_model, nhead, **attending)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **place)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = activation_of(activation) if isinstance(activation, str) else activation

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        seen = (memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        x = self._block_(tgt, self.norm1, lambda x: self._sa_block(x, tgt_mask, tgt_key_padding_mask, tgt_is_causal))
        x = self._block_(x, self.norm2, lambda x: self._mha_block(x, *seen))
        return self._block_(x, self.norm3, self._ff_block)

    def _mha_block(
        self, x: Tensor, mem: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool
    ) -> Tensor:
        """Return what the queries see of the memory."""
        return self.dropout2(self.multihead_attn(x, mem, mem, key_padding_mask, False, attn_mask, is_causal=is_causal)[0])

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout3(self._fed_forward_(x))
