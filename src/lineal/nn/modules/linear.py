"""Linear layers, where PyTorch keeps them."""

from lineal.nn.lazy import LazyLinear
from lineal.nn.linear import Bilinear, Identity, Linear, NonDynamicallyQuantizableLinear

__all__ = ["Bilinear", "Identity", "LazyLinear", "Linear", "NonDynamicallyQuantizableLinear"]
