"""Names of `torch._utils`: several tensors in one vector, and back."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.base.signatures import Tensor
from lineal.ops import cat

__all__: list[str] = []


def _flatten_dense_tensors(tensors: Sequence[Tensor]) -> Tensor:
    """Return the numbers of tensors of one dtype one after the other."""
    return cat([each.reshape(-1) for each in tensors])


def _unflatten_dense_tensors(flat: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return views of a vector that have the shapes of the tensors, one after the other."""
    parts = flat.split([each.numel() for each in tensors])
    return tuple(part.view(each.shape) for part, each in zip(parts, tensors))
