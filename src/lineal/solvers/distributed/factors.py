"""Factors of dense matrices of which each process has some rows."""

from __future__ import annotations

import numpy as np

from lineal.core import lift, no_grad
from lineal.solvers.distributed.spaces import RowSpace
from lineal.tensors import Tensor

__all__ = ["tsqr"]


@no_grad()
def tsqr(A: Tensor, space: RowSpace) -> tuple[Tensor, Tensor]:
    """Return Q and R of a matrix with many rows (n × k), of which each process has its own, `space.part(A)`; Q is spread alike.

    Each block of rows is factored by itself, and then the triangles of all blocks together, on every process: k² numbers of
    each block travel, once. Demmel, Grigori, Hoemmen and Langou, SIAM J. Sci. Comput. 34 (2012). Results are the same bits for
    any number of processes, and constants: they have no derivatives. RuntimeError unless n ≥ k and the rows are this process's.
    """
    if A.ndim != 2 or A.shape[0] != space.end - space.begin or A.shape[1] > space.dim:
        raise RuntimeError(
            f"tsqr: expected the rows {space.begin} to {space.end} of a matrix of {space.dim} rows and no more columns, got "
            f"{list(A.shape)}"
        )
    k, pairs = A.shape[1], [np.linalg.qr(each.numpy()) for each in A.split(space.block)] if len(A) else []
    mine = np.zeros((len(pairs), k, k), A.value.dtype)
    for triangle, (_, R) in zip(mine, pairs):
        triangle[: len(R)] = R
    every = np.empty((space.blocks, k, k), mine.dtype)
    space.spread(mine, np.split(every, space.firsts[1:-1]))
    turns, R = np.linalg.qr(every.reshape(-1, k))
    own = turns.reshape(space.blocks, k, k)[space.firsts[space.group.rank()] :]
    parts = [Q @ turn[: Q.shape[1]] for (Q, _), turn in zip(pairs, own)]
    return lift(np.concatenate(parts) if parts else np.zeros((0, k), A.value.dtype)), lift(R)
