"""Linear layers, where PyTorch keeps them."""

from lineal.nn.linear import Bilinear, Identity, Linear

__all__ = ["Bilinear", "Identity", "Linear"]
