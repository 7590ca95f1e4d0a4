"""A sum over ranks that derivatives go through."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core.apply import apply
from lineal.core.effect import Effect
from lineal.distributed.calls import Call
from lineal.distributed.groups import ProcessGroup, require_group
from lineal.distributed.reducing import ReduceOp, Reduction
from lineal.tensors import Tensor

__all__ = ["summed"]


class SumOverRanks(Effect):
    """y = Σ x over the ranks of a group, on each of them; what depends on y is summed up over them, so x̄ = Σ ȳ.

    All ranks make the same calls in the same order, on the backward pass too.
    """

    group: ProcessGroup
    grad_name = "SyncBatchNormBackward"
    no_batch = "what ranks exchange is the same call on each of them"
    no_lowering = "what ranks exchange is theirs"
    host_only = "bytes of arrays are sent"

    def eager(self, xp, x):
        y = np.array(x, order="C")
        flat, call = y.reshape(-1), Call("SumOverRanks", y.dtype, y.shape)
        self.group.collectives.run(lambda: self.group.transport.all_reduce(call, flat, Reduction(ReduceOp.SUM)))
        return y

    def vjp(self, needs, g, y, x):
        return (apply(self, g),)


def summed(x: Tensor, group: ProcessGroup | None = None) -> Any:
    """Return the sum of the tensors of all ranks, of one shape and dtype; derivatives are sums over ranks, too."""
    return apply(SumOverRanks(require_group(group)), x)
