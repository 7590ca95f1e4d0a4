"""`BatchNorm1d`, where PyTorch keeps it."""

from lineal.nn.normalisation import BatchNorm1d

__all__ = ["BatchNorm1d"]
