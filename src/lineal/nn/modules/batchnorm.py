"""Batch normalisation, where PyTorch keeps it."""

from lineal.nn.batch_normalisation import BatchNorm as _BatchNorm
from lineal.nn.batch_normalisation import BatchNorm1d, BatchNorm2d, BatchNorm3d, SyncBatchNorm
from lineal.nn.batch_normalisation import ChannelNorm as _NormBase
from lineal.nn.lazy import LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "SyncBatchNorm",
    "_BatchNorm",
    "_NormBase",
]
