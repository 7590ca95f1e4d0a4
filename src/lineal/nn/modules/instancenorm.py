"""Instance normalisation, where PyTorch keeps it."""

from lineal.nn.batch_normalisation import InstanceNorm as _InstanceNorm
from lineal.nn.batch_normalisation import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from lineal.nn.lazy import LazyInstanceNorm1d, LazyInstanceNorm2d, LazyInstanceNorm3d

__all__ = [
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "_InstanceNorm",
]
