"""Transformers, where PyTorch keeps them."""

from lineal.nn.transformer import Transformer, TransformerDecoder, TransformerEncoder
from lineal.nn.transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer, activation_of

__all__ = ["Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer", "TransformerDecoderLayer"]

_get_activation_fn = activation_of
