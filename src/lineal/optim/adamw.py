"""`AdamW`, where PyTorch keeps it."""

from lineal.optim.adam import AdamW

__all__ = ["AdamW"]
