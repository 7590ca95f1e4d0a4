"""Casts."""

from __future__ import annotations

from lineal.ops.conversion import Cast, Transfer
from lineal.transforms.batching.moving import pointwise
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(Cast)(pointwise)
batches(Transfer)(pointwise)
