"""Processes with different numbers of batches: who has none left makes the calls of the others with gradients of zero."""

from __future__ import annotations

from typing import Any, NamedTuple

from lineal.core import no_grad
from lineal.distributed import ProcessGroup, all_gather, get_rank, get_world_size
from lineal.distributed.coalescing import broadcast_all
from lineal.ops import zeros
from lineal.tensors import Tensor, tensor

__all__ = ["Round", "Uneven", "shadowed"]


class Round(NamedTuple):
    """What the ranks of a group are about to do: which have a batch, and whether gradients are averaged and buffers sent."""

    active: list[int]
    syncs: bool
    sends: bool


class Uneven:
    """The rounds of processes that join one after the other; before each they tell each other who has a batch."""

    def __init__(self, group: ProcessGroup | None, by_all: bool, throws: bool):
        self.group, self.by_all, self.throws = group, by_all, throws
        self.last = 0
        """The first rank that had a batch in the last round."""

    def round(self, active: bool, syncs: bool = False, sends: bool = False) -> Round:
        """Return what all are about to do; RuntimeError on all if one has no batch left, and that is not wanted."""
        size = get_world_size(self.group)
        every = [zeros(3) for _ in range(size)]
        with no_grad():
            all_gather(every, tensor([float(active), float(syncs), float(sends)]), self.group)
        told = [each.tolist() for each in every]
        found = [rank for rank, (there, _, _) in enumerate(told) if there]
        if self.throws and 0 < len(found) < size:
            raise RuntimeError(
                f"DistributedDataParallel.join: rank {get_rank(self.group)}: Detected at least one rank that exhausted inputs. "
                "Throwing across all ranks."
            )
        self.last = found[0] if found else self.last
        return Round(found, any(each[1] for each in told), any(each[2] for each in told))

    def scale(self, active: list[int]) -> float:
        """Return what means over all ranks are multiplied by."""
        return 1.0 if self.by_all else get_world_size(self.group) / len(active)

    def agree(self, tensors: list[Tensor]) -> None:
        """Give all ranks the tensors of one that was there to the end."""
        broadcast_all(tensors, self.group, self.last)


def shadowed(model: Any, uneven: Uneven) -> None:
    """Make the calls of the ranks that still have batches, until none has."""
    while (now := uneven.round(False)).active:
        if now.sends:
            broadcast_all(list(model.module.buffers()), model.process_group, now.active[0])
        if now.syncs:
            model.reducer.shadow()
    uneven.agree([*model.module.parameters(), *model.module.buffers()])
