"""Instance normalisation, where PyTorch keeps it."""

from lineal.nn.batch_normalisation import InstanceNorm as _InstanceNorm
from lineal.nn.batch_normalisation import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "_InstanceNorm"]
