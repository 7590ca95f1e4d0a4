"""Dropout, where PyTorch keeps it."""

from lineal.nn.dropout import Dropout

__all__ = ["Dropout"]
