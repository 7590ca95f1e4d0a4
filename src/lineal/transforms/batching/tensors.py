"""What is detached from its history, and aliases."""

from __future__ import annotations

from lineal.tensors.autograd_methods import Detach
from lineal.tensors.tensor import Alias
from lineal.transforms.batching.moving import pointwise
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(Detach, Alias)(pointwise)
