"""`LayerNorm`, where PyTorch keeps it."""

from lineal.nn.normalisation import LayerNorm

__all__ = ["LayerNorm"]
