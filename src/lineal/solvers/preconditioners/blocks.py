"""Block Jacobi: the inverses of blocks along the diagonal."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base.errors import LinAlgError
from lineal.core import modes
from lineal.ops.linalg.inverses import inv_ex
from lineal.solvers.operators.base import LinearOperator, aslinearoperator
from lineal.solvers.operators.triangles import known_matrix
from lineal.sparse.conversion import lines_of
from lineal.sparse.patterned import Patterned
from lineal.tensors import Tensor

__all__ = ["block_jacobi"]


class BlockDiagonal(LinearOperator):
    """A matrix of equal blocks (count × size × size) along its diagonal, cut off after n rows."""

    def __init__(self, blocks: Tensor, n: int):
        self.tensors, self.n = (blocks,), n
        self.shape, self.dtype = (n, n), blocks.dtype

    def product(self, x: Tensor) -> Tensor:
        (blocks,) = self.tensors
        count, size, _ = blocks.shape
        rows = x.reshape(self.n, -1)
        padded = ops.cat([rows, ops.zeros((count * size - self.n, rows.shape[1]), dtype=x.dtype)])
        return (blocks @ padded.reshape(count, size, -1)).reshape(count * size, -1)[: self.n].reshape(x.shape)

    def adjoint(self) -> LinearOperator:
        return BlockDiagonal(self.tensors[0].mH, self.n)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return BlockDiagonal(tensors[0], self.n)


def block_jacobi(A: Any, blocksize: int) -> LinearOperator:
    """Return the inverses of the blocks of some size along the diagonal of A; the last one may be smaller.

    LinAlgError names the rows of the first block that is singular.
    """
    operator = aslinearoperator(A)
    if blocksize < 1:
        raise ValueError(f"block_jacobi: expected a blocksize of at least 1, got {blocksize}")
    with modes.no_grad():
        matrix, n = known_matrix("block_jacobi", operator), operator.shape[0]
        count = -(-n // blocksize)
        rows, columns, entries = coordinates(matrix)
        inside = rows // blocksize == columns // blocksize
        rows, columns, entries = rows[inside], columns[inside], entries[inside]
        blocks = ops.zeros((count, blocksize, blocksize), dtype=operator.dtype)
        blocks = blocks.index_put((rows // blocksize, rows % blocksize, columns % blocksize), entries, accumulate=True)
        rest = ops.arange(n, count * blocksize) % blocksize
        blocks[-1, rest, rest] = 1
        inverses, failed = inv_ex(blocks)
        singular = failed.nonzero()
        if len(singular):
            begin = int(singular[0]) * blocksize
            raise LinAlgError(f"block_jacobi: the block of rows {begin} to {min(begin + blocksize, n) - 1} of A is singular")
        return BlockDiagonal(inverses, n)


def coordinates(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return rows, columns and entries of a matrix, strided or compressed by rows."""
    if isinstance(matrix, Patterned):
        pattern: Any = matrix.pattern  # type: ignore[attr-defined]
        return lines_of(pattern), pattern.indices, matrix.entries
    rows, columns = (matrix != 0).nonzero().unbind(1)
    return rows, columns, matrix[rows, columns]
