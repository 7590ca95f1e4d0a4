"""Transformers, where PyTorch keeps them."""

from lineal.nn.transformer import Transformer, TransformerDecoder, TransformerEncoder
from lineal.nn.transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer

__all__ = ["Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer", "TransformerDecoderLayer"]
