"""What is made of nothing: the same for every slice."""

from __future__ import annotations

from typing import Any

from lineal.core import Op, apply
from lineal.ops.creation import Empty, Full
from lineal.transforms.batching.moving import shifted
from lineal.transforms.batching.table import batches

__all__: list[str] = []


@batches(Full, Empty)
def made(op: Op, size: int, marks: tuple[bool, ...]) -> Any:
    return apply(shifted(op, size))
