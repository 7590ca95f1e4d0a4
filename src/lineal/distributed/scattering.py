"""What moves numbers between ranks and has derivatives: gathering and averaging are each other's, exchanges go back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.core.apply import apply
from lineal.core.precision import retyped
from lineal.distributed.calls import Call
from lineal.distributed.collectives import reduce_parts, spread_into
from lineal.distributed.effects import RankEffect
from lineal.distributed.groups import ProcessGroup
from lineal.distributed.reducing import ReduceOp, Reduction
from lineal.distributed.transport import bytes_of
from lineal.tensors import Tensor

__all__ = ["Exchange", "exchanged_over_ranks", "gathered_over_ranks", "mean_over_ranks"]


class GatherOverRanks(RankEffect):
    """y = the x of all ranks, stacked, on each of them. The loss is the mean of all ranks' losses, so x̄ is the mean of their ȳ.

    Numbers travel there as `dtype`, and gradients back as `reduced`.
    """

    group: ProcessGroup
    dtype: dtypes.dtype
    reduced: dtypes.dtype
    grad_name = "GatherOverRanksBackward"

    def eager(self, xp, x):
        y = self.outline(x)
        mine, call = np.ascontiguousarray(retyped(x, y.dtype)), Call("GatherOverRanks", y.dtype, x.shape)
        self.group.collectives.run(lambda: spread_into(self.group.transport, call, mine, rows(y)))
        return y

    def outline(self, x):
        return np.zeros((self.group.size(), *x.shape), self.dtype.numpy)

    def vjp(self, needs, g, y, x):
        return (apply(MeanOverRanks(self.group), g.to(self.reduced)).to(dtypes.of(x.storage)),)


class MeanOverRanks(RankEffect):
    """y = the mean over ranks of what they have for this one, x[rank]; x̄ = ȳ of all ranks, stacked, over their number."""

    group: ProcessGroup
    grad_name = "MeanOverRanksBackward"

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


class ExchangeOverRanks(RankEffect):
    """y = what all ranks have for this one, joined along the first dimension; `table[i][j]` rows go from rank i to rank j.

    x has the rows for rank 0 first. x̄ goes the other way. A job that was begun before with the same x may be handed over.
    """

    group: ProcessGroup
    table: tuple[tuple[int, ...], ...]
    begun: Any = None
    grad_name = "ExchangeOverRanksBackward"
    any_dtype = True

    def eager(self, xp, x):
        return (self.begun or Exchange(self.group, self.table, x)).done()

    def outline(self, x):
        taken = sum(row[self.group.rank()] for row in self.table)
        return np.zeros((taken, *x.shape[1:]), x.dtype)

    def vjp(self, needs, g, y, x):
        return (exchanged_over_ranks(g, self.group, tuple(zip(*self.table))),)


class Exchange:
    """An exchange of rows, which may be begun before its end is waited for."""

    def __init__(self, group: ProcessGroup, table: Sequence[Sequence[int]], x: np.ndarray):
        self.group, rank = group, group.rank()
        self.sizes = np.array(table, np.int64)
        given, taken = self.sizes[rank], self.sizes[:, rank]
        self.call = Call("ExchangeOverRanks", x.dtype, tuple(x.shape[1:]))
        self.y = np.empty((int(taken.sum()), *x.shape[1:]), x.dtype)
        x = np.ascontiguousarray(x)
        self.pieces = [bytes_of(each) for each in np.split(x, np.cumsum(given)[:-1])]
        self.outs = [bytes_of(each) for each in np.split(self.y, np.cumsum(taken)[:-1])]
        self.sizes *= x.itemsize * math.prod(x.shape[1:])
        self.end: Callable[[], None] = lambda: group.transport.exchange(self.call, self.pieces, self.sizes, self.outs)

    def begin(self) -> Exchange:
        """Send what can be sent without waiting, unless other calls of the group come first; nothing else until `done`."""
        if not self.group.collectives.left:
            self.end = self.group.transport.exchanging(self.call, self.pieces, self.sizes, self.outs)
        return self

    def done(self) -> np.ndarray:
        """Return what has come, once all has."""
        self.group.collectives.run(self.end)
        # whoever remembers the call need not hold what was sent
        self.pieces, self.end = [], ended
        return self.y


def ended() -> None:
    """Do nothing: an exchange is done once."""


def exchanged_over_ranks(
    x: Tensor, group: ProcessGroup, table: tuple[tuple[int, ...], ...], begun: Exchange | None = None
) -> Any:
    """Return what all ranks have for this one; see `ExchangeOverRanks`."""
    return apply(ExchangeOverRanks(group, table, begun), x)
