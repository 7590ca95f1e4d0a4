"""A preconditioner of two levels: every block of rows is solved by itself, and the blocks' means together."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal import ops
from lineal.base import later
from lineal.base.errors import LinAlgError
from lineal.core import lift, modes
from lineal.ops.linalg.inverses import inv
from lineal.solvers.distributed.rows import DistributedCSR
from lineal.solvers.distributed.spaces import RowSpace
from lineal.solvers.operators.base import LinearOperator
from lineal.solvers.preconditioners.drops import Factored
from lineal.sparse.exchange import to_scipy
from lineal.tensors import Tensor

__all__ = ["schwarz"]

scipy_solvers: Any = later.module("scipy.sparse.linalg")


class Schwarz(LinearOperator):
    """Σ Rₖᵀ Aₖ⁻¹ Rₖ + Z C⁻¹ Zᵀ, for the blocks k of this process and C = Zᵀ A Z of all; a constant."""

    def __init__(self, space: RowSpace, blocks: list[LinearOperator], coarse: Tensor | None, dtype: Any):
        count = space.end - space.begin
        self.vectors, self.blocks, self.coarse, self.shape, self.dtype = space, blocks, coarse, (count, count), dtype

    @property
    def space(self) -> RowSpace:
        return self.vectors

    def product(self, x: Tensor) -> Tensor:
        space = self.vectors
        pieces = [block.product(each) for block, each in zip(self.blocks, x.split(space.block))] or [x]
        y = ops.cat(pieces)
        if self.coarse is None:
            return y
        means = self.coarse @ lift(space.block_sums(x))
        own = means[space.firsts[space.group.rank()] :][: len(self.blocks)]
        return y + own.repeat_interleave(space.block)[: len(y)]

    def adjoint(self) -> LinearOperator:
        coarse = None if self.coarse is None else self.coarse.mH
        return Schwarz(self.vectors, [each.adjoint() for each in self.blocks], coarse, self.dtype)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return self


def schwarz(A: DistributedCSR, coarse: bool = True) -> LinearOperator:
    """Return an additive Schwarz preconditioner of a matrix that is spread over processes, by SuperLU for each block of rows.

    Blocks are those of `RowSpace`: at most 64, the same for any number of processes, and so is each bit of the result. With
    `coarse`, the system of the blocks' sums is solved too (Nicolaides, SIAM J. Numer. Anal. 24, 1987), which keeps the number
    of steps from growing with that of blocks. All processes call this. LinAlgError if a block, or that system, is singular.
    """
    with modes.no_grad():
        space, matrix = A.space, to_scipy(A.diagonal_block()).tocsr()
        blocks: list[LinearOperator] = []
        failed = ""
        for first in range(0, matrix.shape[0], space.block):
            block = matrix[first : first + space.block, first : first + space.block].tocsc()
            try:
                blocks.append(Factored(scipy_solvers.splu(block), A.dtype))
            except RuntimeError as error:
                failed = f"schwarz: the block of rows from {space.begin + first} on: {error}"
        # nobody goes on alone
        told = space.told(failed)
        if told:
            raise LinAlgError(told)
        return Schwarz(space, blocks, inv(coarse_matrix(A)) if coarse else None, A.dtype)


def coarse_matrix(A: DistributedCSR) -> Tensor:
    """Return the sums of the entries that stand in the rows of a block and the columns of another."""
    space, rows = A.space, A.rows
    count = space.firsts[space.group.rank() + 1] - space.firsts[space.group.rank()]
    lines = np.repeat(np.arange(len(rows.pointers) - 1), np.diff(rows.pointers)) // space.block
    mine = np.zeros((count, space.blocks), A.tensors[0].value.dtype)
    np.add.at(mine, (lines, rows.columns // space.block), A.tensors[0].value)
    every = np.empty((space.blocks, space.blocks), mine.dtype)
    space.spread(mine, np.split(every, space.firsts[1:-1]))
    return lift(every)
