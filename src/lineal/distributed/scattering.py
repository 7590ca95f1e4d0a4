"""Gathering the parts of all ranks, and averaging what each has for all: two ops of which each is the other's derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.core.apply import apply
from lineal.core.effect import Effect
from lineal.core.precision import retyped
from lineal.distributed.calls import Call
from lineal.distributed.collectives import reduce_parts, spread_into
from lineal.distributed.groups import ProcessGroup
from lineal.distributed.reducing import ReduceOp, Reduction
from lineal.tensors import Tensor

__all__ = ["gathered_over_ranks", "mean_over_ranks"]


class GatherOverRanks(Effect):
    """y = the x of all ranks, stacked, on each of them. The loss is the mean of all ranks' losses, so x̄ is the mean of their ȳ.

    Numbers travel there as `dtype`, and gradients back as `reduced`.
    """

    group: ProcessGroup
    dtype: dtypes.dtype
    reduced: dtypes.dtype
    grad_name = "GatherOverRanksBackward"
    no_batch = "what ranks exchange is the same call on each of them"
    no_lowering = "what ranks exchange is theirs"
    host_only = "bytes of arrays are sent"

    def eager(self, xp, x):
        y = self.outline(x)
        mine, call = np.ascontiguousarray(retyped(x, y.dtype)), Call("GatherOverRanks", y.dtype, x.shape)
        self.group.collectives.run(lambda: spread_into(self.group.transport, call, mine, rows(y)))
        return y

    def outline(self, x):
        return np.zeros((self.group.size(), *x.shape), self.dtype.numpy)

    def vjp(self, needs, g, y, x):
        return (apply(MeanOverRanks(self.group), g.to(self.reduced)).to(dtypes.of(x.storage)),)


class MeanOverRanks(Effect):
    """y = the mean over ranks of what they have for this one, x[rank]; x̄ = ȳ of all ranks, stacked, over their number."""

    group: ProcessGroup
    grad_name = "MeanOverRanksBackward"
    no_batch = "what ranks exchange is the same call on each of them"
    no_lowering = "what ranks exchange is theirs"
    host_only = "bytes of arrays are sent"

    def eager(self, xp, x):
        y = self.outline(x)
        parts, call = rows(x), Call("MeanOverRanks", x.dtype, x.shape)
        self.group.collectives.run(
            lambda: reduce_parts(self.group.transport, call, parts, y.reshape(-1), Reduction(ReduceOp.AVG))
        )
        return y

    def outline(self, x):
        return np.zeros(x.shape[1:], x.dtype)

    def vjp(self, needs, g, y, x):
        return (gathered_over_ranks(g, self.group) / self.group.size(),)


def rows(x: np.ndarray) -> list[np.ndarray]:
    """Return what an array has for each rank, as one dimension."""
    return list(x.reshape(len(x), x.size // len(x)))


def gathered_over_ranks(
    x: Tensor, group: ProcessGroup, dtype: dtypes.dtype | None = None, reduced: dtypes.dtype | None = None
) -> Any:
    """Return the tensors of all ranks, of one shape and dtype, stacked, as another `dtype` if that is given.

    Gradients are means over the ranks, formed of `reduced` numbers, by default of the dtype of the result.
    """
    to = dtype or x.dtype
    return apply(GatherOverRanks(group, to, reduced or to), x)


def mean_over_ranks(x: Tensor, group: ProcessGroup) -> Any:
    """Return the mean of what all ranks have for this one: a tensor has an entry for each rank along its first dimension."""
    return apply(MeanOverRanks(group), x)
