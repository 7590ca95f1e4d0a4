"""`LinearCrossEntropyOptions`, where PyTorch keeps it."""

from lineal.nn.sequence_losses import LinearCrossEntropyOptions

__all__ = ["LinearCrossEntropyOptions"]
