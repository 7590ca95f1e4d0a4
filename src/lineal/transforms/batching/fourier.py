"""Fourier transforms."""

from __future__ import annotations

from lineal.ops.fourier.transforms import FftC2C, FftC2R, FftR2C
from lineal.transforms.batching.moving import axes_moved
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(FftC2C, FftR2C, FftC2R)(axes_moved)
