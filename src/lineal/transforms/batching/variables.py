"""The variables of transforms."""

from __future__ import annotations

from lineal.transforms.batching.moving import pointwise
from lineal.transforms.batching.table import batches
from lineal.transforms.variables import Alias

__all__: list[str] = []

batches(Alias)(pointwise)
