"""Names of `torch.distributed.tensor` with which plans of parallel models are written: how tensors lie in several processes."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Partial", "Placement", "Replicate", "Shard"]


class Placement:
    """How a tensor lies in several processes."""

    def is_shard(self, dim: int | None = None) -> bool:
        """Return whether each has a part, if given along this axis."""
        return isinstance(self, Shard) and dim in (None, self.dim)

    def is_replicate(self) -> bool:
        """Return whether each has all of it."""
        return isinstance(self, Replicate)

    def is_partial(self, reduce_op: str | None = None) -> bool:
        """Return whether each has numbers that are still to be summed up, or so."""
        return isinstance(self, Partial) and reduce_op in (None, self.reduce_op)


class Along(NamedTuple):
    """The axis of a part."""

    dim: int


class Reduced(NamedTuple):
    """What is to become of the numbers of all."""

    reduce_op: str = "sum"


class Everywhere(NamedTuple):
    """Nothing more to be said."""


class Shard(Along, Placement):
    """Each process has a part along an axis."""


class Replicate(Everywhere, Placement):
    """Each process has all of it."""


class Partial(Reduced, Placement):
    """Each process has numbers that are still to be reduced."""
