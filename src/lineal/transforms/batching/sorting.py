"""Sorting, selection and the middle along an axis."""

from __future__ import annotations

from lineal.ops.sorting.middle import Median, Mode
from lineal.ops.sorting.order import ArgSort, KthValue, Sort, TopK
from lineal.transforms.batching.moving import axes_moved
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(Sort, ArgSort, TopK, KthValue, Median, Mode)(axes_moved)
