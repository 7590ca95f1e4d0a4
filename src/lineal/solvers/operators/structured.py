"""Matrices with structure: products cost what the structure costs, and nothing is stored beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from lineal import ops
from lineal.base import dtypes
from lineal.ops.fourier.onedimensional import fft, ifft
from lineal.solvers.operators.base import LinearOperator, total
from lineal.tensors import Tensor

__all__ = ["Block", "Circulant", "Diagonal", "Identity", "Kronecker", "Toeplitz"]


class Diagonal(LinearOperator):
    """The matrix with a vector on its diagonal and zeros elsewhere."""

    def __init__(self, diagonal: Tensor):
        if diagonal.ndim != 1:
            raise RuntimeError(f"Diagonal: expected a vector, got shape {list(diagonal.shape)}")
        self.tensors, self.shape, self.dtype = (diagonal,), (len(diagonal), len(diagonal)), diagonal.dtype

    def product(self, x: Tensor) -> Tensor:
        return (self.tensors[0] if x.ndim == 1 else self.tensors[0].unsqueeze(1)) * x

    def adjoint(self) -> LinearOperator:
        return Diagonal(self.tensors[0].conj())

    def diagonal(self) -> Tensor:
        return self.tensors[0]


class Identity(LinearOperator):
    """The identity of n rows."""

    def __init__(self, n: int, dtype: dtypes.dtype):
        self.shape, self.dtype = (n, n), dtype

    def product(self, x: Tensor) -> Tensor:
        return x

    def adjoint(self) -> LinearOperator:
        return self

    def diagonal(self) -> Tensor:
        return ops.ones(self.shape[0], dtype=self.dtype)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return self


class Circulant(LinearOperator):
    """The matrix C[i, j] = c[(i − j) mod n], by its first column: convolutions over a ring, by the Fourier transform."""

    def __init__(self, column: Tensor):
        if column.ndim != 1:
            raise RuntimeError(f"Circulant: expected a vector, got shape {list(column.shape)}")
        self.tensors, self.shape, self.dtype = (column,), (len(column), len(column)), column.dtype

    def product(self, x: Tensor) -> Tensor:
        return convolved(self.tensors[0], x)

    def adjoint(self) -> LinearOperator:
        column = self.tensors[0].conj()
        return Circulant(ops.cat([column[:1], column[1:].flip(0)]))

    def diagonal(self) -> Tensor:
        return self.tensors[0][:1].expand(self.shape[0])


class Toeplitz(LinearOperator):
    """The matrix with constant diagonals, by its first column and first row (which begin alike); part of a circulant one."""

    def __init__(self, column: Tensor, row: Tensor):
        if column.ndim != 1 or row.ndim != 1 or column.dtype != row.dtype:
            raise RuntimeError(
                f"Toeplitz: expected vectors of one dtype, got {list(column.shape)} of {column.dtype} "
                f"and {list(row.shape)} of {row.dtype}"
            )
        self.tensors, self.shape, self.dtype = (column, row), (len(column), len(row)), column.dtype

    def product(self, x: Tensor) -> Tensor:
        (column, row), n = self.tensors, self.shape[0]
        # the circulant matrix of n + k − 1 rows whose upper left block it is
        ring = ops.cat([column, row[1:].flip(0)])
        zeros = ops.zeros((n - 1, *x.shape[1:]), dtype=x.dtype)
        return convolved(ring, ops.cat([x, zeros]))[:n]

    def adjoint(self) -> LinearOperator:
        column, row = self.tensors
        # the corner is the column's
        corner = column[:1].conj()
        return Toeplitz(ops.cat([corner, row[1:].conj()]), ops.cat([corner, column[1:].conj()]))

    def diagonal(self) -> Tensor:
        return self.tensors[0][:1].expand(min(self.shape))


def convolved(c: Tensor, x: Tensor) -> Tensor:
    """Return the cyclic convolution of a vector with a vector, or with the columns of a matrix."""
    transformed = fft(c) if x.ndim == 1 else fft(c).unsqueeze(1)
    y = ifft(transformed * fft(x, dim=0), dim=0)
    return y if c.dtype.is_complex or x.dtype.is_complex else y.real


class Kronecker(LinearOperator):
    """The Kronecker product of two operators: (A ⊗ B) vec(X) = vec(A X Bᵀ), for X by rows."""

    def __init__(self, left: LinearOperator, right: LinearOperator):
        if left.dtype != right.dtype:
            raise RuntimeError(f"Kronecker: expected operators of one dtype, got {left!r} and {right!r}")
        self.parts, self.dtype = (left, right), left.dtype
        self.shape = (left.shape[0] * right.shape[0], left.shape[1] * right.shape[1])

    def product(self, x: Tensor) -> Tensor:
        left, right = self.parts
        columns = x.shape[1:]
        grid = x.reshape(left.shape[1], right.shape[1], -1)
        y = left.product(grid.reshape(left.shape[1], -1)).reshape(left.shape[0], right.shape[1], -1)
        y = right.product(y.transpose(0, 1).reshape(right.shape[1], -1))
        return y.reshape(right.shape[0], left.shape[0], -1).transpose(0, 1).reshape(self.shape[0], *columns)

    def adjoint(self) -> LinearOperator:
        left, right = self.parts
        return Kronecker(left.adjoint(), right.adjoint())

    def diagonal(self) -> Tensor:
        left, right = self.parts
        return ops.outer(left.diagonal(), right.diagonal()).reshape(-1)


class Block(LinearOperator):
    """A matrix of blocks, given row by row; the heights of a row's blocks, and the widths of a column's, are alike."""

    def __init__(self, rows: Sequence[Sequence[LinearOperator]]):
        self.rows = tuple(map(tuple, rows))
        if not self.rows or not all(self.rows):
            raise RuntimeError("Block: expected at least one block")
        self.parts = tuple(chain.from_iterable(self.rows))
        heights, widths = [first.shape[0] for first, *_ in self.rows], [each.shape[1] for each in self.rows[0]]
        wanted = [[(height, width) for width in widths] for height in heights]
        if [[each.shape for each in row] for row in self.rows] != wanted or len({each.dtype for each in self.parts}) != 1:
            raise RuntimeError(f"Block: the blocks do not fit together: {self.rows}")
        self.widths, self.shape, self.dtype = widths, (sum(heights), sum(widths)), self.parts[0].dtype

    def product(self, x: Tensor) -> Tensor:
        pieces = x.split(self.widths)
        return ops.cat([total([block.product(each) for block, each in zip(row, pieces)]) for row in self.rows])

    def adjoint(self) -> LinearOperator:
        return Block([[each.adjoint() for each in column] for column in zip(*self.rows)])

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        width = len(self.widths)
        return Block([parts[begin : begin + width] for begin in range(0, len(parts), width)])
