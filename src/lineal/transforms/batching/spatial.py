"""Windows and resampling: the last axes, whatever stands before them."""

from __future__ import annotations

from lineal.ops.spatial.maxima import WindowMax
from lineal.ops.spatial.resampling import Resample
from lineal.transforms.batching.moving import on_stacks
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(WindowMax, Resample)(on_stacks)
