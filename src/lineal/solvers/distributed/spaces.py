"""Vectors of which each process has some rows, and inner products that are the same bits for any number of processes.

Rows come in blocks whose size depends on their number alone, up to 64 blocks, and a process has whole blocks. Within a block
products are summed up in a fixed order; the sums of all blocks go to all processes, which add them up in the order of the
blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal import ops
from lineal.base import dtypes
from lineal.base.limits import finfo
from lineal.core import lift
from lineal.distributed import ProcessGroup, all_gather_object
from lineal.distributed.calls import Call
from lineal.distributed.transport import bytes_of, shares
from lineal.solvers.operators.spaces import Space
from lineal.tensors import Tensor

__all__ = ["RowSpace"]

BLOCKS = 64
"""How many blocks there are at most, and so how many processes have rows."""
SEGMENT = 1024
"""Numbers that NumPy sums up in one way, however many others lie beside them; larger blocks are whole segments."""


class RowSpace(Space):
    """Vectors of `dim` numbers, of which this process has those from `begin` to `end`; `begins` are where each rank's begin."""

    def __init__(self, dim: int, group: ProcessGroup):
        super().__init__(dim)
        self.group = group
        size = max(-(-dim // BLOCKS), 1)
        self.block = size if size <= SEGMENT else -(-size // SEGMENT) * SEGMENT
        self.blocks = -(-dim // self.block)
        self.firsts = shares(self.blocks, group.size())
        self.begins = [min(first * self.block, dim) for first in self.firsts]
        self.begin, self.end = self.begins[group.rank()], self.begins[group.rank() + 1]

    def part(self, x: Tensor) -> Tensor:
        """Return this process's part of a vector, or of the rows of a matrix, that is all here."""
        return x[self.begin : self.end]

    def whole(self, x: Tensor) -> Tensor:
        """Return the vector of which this process has `x`, a constant; all processes call this."""
        every = np.empty((self.dim, *x.shape[1:]), x.value.dtype)
        self.spread(x.value, np.split(every, self.begins[1:-1]))
        return lift(every)

    def spread(self, mine: np.ndarray, outs: Sequence[np.ndarray]) -> None:
        """Copy what all processes have into arrays."""
        group, call = self.group, Call("RowSpace", mine.dtype, mine.shape[1:])
        pieces = [bytes_of(out) for out in outs]
        piece = bytes_of(np.ascontiguousarray(mine))
        pieces[group.rank()][...] = piece
        sizes = [each.size for each in pieces]
        wanted = [None if rank == group.rank() else each for rank, each in enumerate(pieces)]
        group.collectives.run(lambda: group.transport.spread(call, piece, sizes, wanted))

    def told(self, words: str) -> str:
        """Return the first words that a process has to say, "" if none has any; all processes call this."""
        every: list[Any] = [None] * self.group.size()
        all_gather_object(every, words, self.group)
        return next((each for each in every if each), "")

    def dot(self, x: Tensor, y: Tensor) -> Tensor:
        return self.dots([(x, y)])[0]

    def dots(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
        return list(self.products(pairs).unbind(0))

    def products(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Return xᴴ y of several pairs, in one vector, by one message."""
        mine = np.stack([self.sums(x.value, y.value) for x, y in pairs], 1)
        every = np.empty((self.blocks, len(pairs)), mine.dtype)
        self.spread(mine, np.split(every, self.firsts[1:-1]))
        return lift(np.add.reduce(np.ascontiguousarray(every.T), axis=1))

    def sums(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the sum of conj(x) y over each block of this process."""
        count = -(-len(x) // self.block)
        missing = count * self.block - len(x)
        if missing:
            x, y = (np.concatenate([each, np.zeros(missing, each.dtype)]) for each in (x, y))
        within = self.block if self.block <= SEGMENT else SEGMENT
        x, y = (each.reshape(count, self.block // within, within) for each in (x, y))
        return np.add.reduce(np.einsum("ijk,ijk->ij", x.conj(), y), axis=1)

    def block_sums(self, x: Tensor) -> np.ndarray:
        """Return the sums over all blocks of the numbers of a vector; all processes call this."""
        mine = self.sums(np.ones_like(x.value), x.value)
        every = np.empty(self.blocks, mine.dtype)
        self.spread(mine, np.split(every, self.firsts[1:-1]))
        return every

    def norm(self, x: Tensor) -> float:
        square, limits = float(self.dot(x, x).real), finfo(x.dtype)
        if limits.tiny / limits.eps < square < limits.max * limits.eps:
            return square**0.5
        # squares may have left the range
        scale = self.scale(x)
        if not 0 < scale < np.inf:
            return scale
        y = x / scale
        return float(self.dot(y, y).real) ** 0.5 * scale

    def scale(self, x: Tensor) -> float:
        """Return a power of two next to the largest number of a vector; 0 if all are, and what is not finite as it is."""
        largest = np.zeros(1, np.float64) if not len(x) else np.abs(x.value).max(keepdims=True).astype(np.float64)
        every = np.empty((self.group.size(), 1))
        self.spread(largest[None], list(every[:, None]))
        found = float(every.max())
        return found if not 0 < found < np.inf else 2.0 ** np.floor(np.log2(found))

    def projections(self, rows: Tensor, w: Tensor) -> Tensor:
        return self.products([(row, w) for row in rows.unbind(0)])

    def combination(self, h: Tensor, rows: Tensor) -> Tensor:
        y = ops.zeros(rows.shape[1], dtype=rows.dtype)
        for coefficient, row in zip(h.unbind(0), rows.unbind(0)):
            y = y + coefficient * row
        return y

    def probe(self, dtype: dtypes.dtype, seed: int = 0) -> Tensor:
        return self.part(super().probe(dtype, seed))
