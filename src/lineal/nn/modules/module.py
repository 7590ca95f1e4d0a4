"""`Module`, where PyTorch keeps it."""

from lineal.nn.module import Module

__all__ = ["Module"]
