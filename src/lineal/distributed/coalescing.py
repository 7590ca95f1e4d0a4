"""Several tensors that travel as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lineal.core import no_grad
from lineal.distributed.collectives import broadcast
from lineal.ops import cat
from lineal.tensors import Tensor

__all__ = ["broadcast_all", "flat", "parts"]


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """Return all elements of tensors of one dtype."""
    return cat([x.detach().reshape(-1) for x in tensors])


def parts(whole: Tensor, like: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield the parts of a tensor that `flat` has made, in the shapes of those that it was made of."""
    begin = 0
    for x in like:
        yield whole[begin : begin + x.numel()].reshape(x.shape)
        begin += x.numel()


def broadcast_all(tensors: Sequence[Tensor], group: Any, root: int = 0) -> None:
    """Give all ranks of a group the tensors of one, in place, those of one dtype together."""
    for dtype in dict.fromkeys(x.dtype for x in tensors):
        alike = [x for x in tensors if x.dtype is dtype]
        with no_grad():
            whole = flat(alike)
            broadcast(whole, group=group, group_src=root)
            for x, part in zip(alike, parts(whole, alike)):
                x.copy_(part)
