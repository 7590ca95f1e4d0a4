"""Sums over ranks that derivatives go through: of what each computes by itself, or all compute together."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core.apply import apply
from lineal.core.effect import Effect
from lineal.distributed.calls import Call
from lineal.distributed.effects import RankEffect
from lineal.distributed.groups import ProcessGroup, require_group
from lineal.distributed.reducing import ReduceOp, Reduction
from lineal.tensors import Tensor

__all__ = ["copied_to_ranks", "summed", "totalled"]


def sum_of(x: np.ndarray, group: ProcessGroup, name: str) -> np.ndarray:
    """Return the sum of the arrays of all ranks, for a call of a name."""
    y = np.array(x, order="C")
    flat, call = y.reshape(-1), Call(name, y.dtype, y.shape)
    group.collectives.run(lambda: group.transport.all_reduce(call, flat, Reduction(ReduceOp.SUM)))
    return y


class SumOverRanks(RankEffect):
    """y = Σ x over the ranks of a group, on each of them; what depends on y is summed up over them, so x̄ = Σ ȳ."""

    group: ProcessGroup
    grad_name = "SyncBatchNormBackward"

    def eager(self, xp, x):
        return sum_of(x, self.group, "SumOverRanks")

    def vjp(self, needs, g, y, x):
        return (apply(self, g),)


def summed(x: Tensor, group: ProcessGroup | None = None) -> Any:
    """Return the sum of the tensors of all ranks, of one shape and dtype; derivatives are sums over ranks, too."""
    return apply(SumOverRanks(require_group(group)), x)


class TotalOverRanks(RankEffect):
    """y = Σ x over the ranks; every rank then computes the same of it, so x̄ = ȳ."""

    group: ProcessGroup
    grad_name = "TotalOverRanksBackward"

    def eager(self, xp, x):
        return sum_of(x, self.group, "TotalOverRanks")

    def vjp(self, needs, g, y, x):
        return (apply(CopyToRanks(self.group), g),)


class CopyToRanks(Effect):
    """y = x, the same on all ranks, each of which computes something else of it: x̄ = Σ ȳ."""

    group: ProcessGroup
    grad_name = "CopyToRanksBackward"
    no_batch = "its derivative is a call that all ranks make"
    no_lowering = "its derivative is a call that all ranks make"

    def eager(self, xp, x):
        return xp.array(x)

    def vjp(self, needs, g, y, x):
        return (apply(TotalOverRanks(self.group), g),)


def totalled(x: Tensor, group: ProcessGroup) -> Any:
    """Return the sum over ranks, of which every rank computes the same."""
    return apply(TotalOverRanks(group), x)


def copied_to_ranks(x: Tensor, group: ProcessGroup) -> Any:
    """Return a tensor that all ranks have, of which each computes something else."""
    return apply(CopyToRanks(group), x)
