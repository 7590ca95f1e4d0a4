"""How a tensor is cut into the parts of several processes: along one dimension, as `chunk` cuts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lineal import ops
from lineal.base import dtypes
from lineal.core import no_grad
from lineal.core.opening import PASSING
from lineal.distributed import ProcessGroup
from lineal.distributed.scattering import gathered_over_ranks
from lineal.nn.parameter import Parameter
from lineal.tensors import Tensor

__all__ = ["ShardedParameter", "ShardedTensor", "Sharding", "norm_over_ranks", "whole_of"]


class Sharding(NamedTuple):
    """The shape of a tensor, the group whose ranks have parts of it, and the dimension along which these lie, called rows.

    The last ranks may have less, or nothing.
    """

    group: ProcessGroup
    shape: tuple[int, ...]
    dim: int = 0

    @property
    def step(self) -> int:
        """How many rows a rank has, but for the last ones."""
        return -(-self.shape[self.dim] // self.group.size())

    def rows(self, rank: int) -> tuple[int, int]:
        """Return where the rows of a rank begin and end."""
        count = self.shape[self.dim]
        return min(rank * self.step, count), min((rank + 1) * self.step, count)

    def part(self, whole: Tensor) -> Tensor:
        """Return what this rank has of a tensor."""
        begin, end = self.rows(self.group.rank())
        return whole.narrow(self.dim, begin, end - begin)

    def padded(self, part: Tensor) -> Tensor:
        """Return a part as one dimension, of as many elements as each rank brings."""
        begin, end = self.rows(self.group.rank())
        rows = part.movedim(self.dim, 0).reshape(end - begin, self.row)
        return ops.cat([rows, rows.new_zeros(self.step - (end - begin), self.row)]).reshape(-1)

    @property
    def row(self) -> int:
        """How many elements a row has."""
        return math.prod(self.moved[1:])

    @property
    def moved(self) -> tuple[int, ...]:
        """The shape with the rows first."""
        return (self.shape[self.dim], *self.shape[: self.dim], *self.shape[self.dim + 1 :])

    def joined(self, parts: Tensor) -> Tensor:
        """Return the tensor of the padded parts of all ranks (size × elements)."""
        count, *rest = self.moved
        return parts.reshape(-1, *rest)[:count].movedim(0, self.dim) if self.row else parts.new_zeros(self.shape)


class ShardedTensor:
    """This rank's part of a tensor, `local`, and how it is cut: what state dicts hold that are saved by all ranks together."""

    def __init__(self, local: Tensor, sharding: Sharding):
        self.local, self.sharding = local, sharding

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the whole tensor."""
        return self.sharding.shape

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self.local.dtype

    def to_local(self) -> Tensor:
        """Return the part of this rank."""
        return self.local

    def full_tensor(self) -> Tensor:
        """Return the whole tensor, on each rank; all ranks call this."""
        with no_grad():
            return whole_of([self.local], [self.sharding])[0].clone()

    def __repr__(self) -> str:
        return f"ShardedTensor({list(self.shape)}, {self.dtype}, local={list(self.local.shape)})"


class ShardedParameter(Parameter):
    """A parameter of which this process has some rows; `sharding` says which. Its grad has the same rows."""

    __slots__ = ("sharding",)
    sharding: Sharding

    @staticmethod
    def of(whole: Tensor, sharding: Sharding) -> ShardedParameter:
        """Return this rank's part of a parameter, in memory of its own."""
        made: Any = ShardedParameter(sharding.part(whole.detach()).clone(), whole.requires_grad)
        made.sharding = sharding
        return made

    def to_local(self) -> Tensor:
        """Return the part of this rank, over the same memory."""
        return self.detach()

    def full_tensor(self) -> Tensor:
        """Return the whole parameter, on each rank; all ranks call this."""
        return ShardedTensor(self.detach(), self.sharding).full_tensor()

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        copied: Any = super().__deepcopy__(memo)
        copied.sharding = self.sharding
        return copied


PASSING.add(ShardedParameter)


def whole_of(
    parts: Sequence[Tensor],
    shardings: Sequence[Sharding],
    dtype: dtypes.dtype | None = None,
    reduced: dtypes.dtype | None = None,
    done: Callable[[Tensor], None] | None = None,
) -> list[Tensor]:
    """Return tensors from this rank's parts of them, all of one dtype and group, by one message; gradients go back as means.

    They travel as `dtype`, gradients as `reduced`; `done` is called when the gradients of all are there.
    """
    padded = [sharding.padded(part) for part, sharding in zip(parts, shardings)]
    every = gathered_over_ranks(ops.cat(padded), shardings[0].group, dtype, reduced)
    if done is not None and every.requires_grad:
        every.register_hook(done)
    found, begin = [], 0
    for part, sharding in zip(padded, shardings):
        found.append(sharding.joined(every[:, begin : begin + len(part)]))
        begin += len(part)
    return found


def norm_over_ranks(norm: Tensor, group: ProcessGroup, order: float) -> Tensor:
    """Return the norm of some order of what all ranks have together, from that of each."""
    return ops.norm(gathered_over_ranks(norm.detach(), group), order)
