"""Unknowns colour by colour: those of one colour do not read each other, so that threads share them in Gauss-Seidel."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal import ops
from lineal.base import later
from lineal.solvers.operators.base import LinearOperator
from lineal.sparse.compressed import CompressedTensor, Pattern, compressed, numbers
from lineal.sparse.conversion import lines_of
from lineal.tensors import Tensor, from_numpy, sparse_csr

__all__ = ["Reordered", "colour_order", "reordered"]

colouring: Any = later.module("lineal.codegen.sparse.colouring")
scipy_sparse: Any = later.module("scipy.sparse")


class Reordered(LinearOperator):
    """The operator y[order] = B x[order]: B says what becomes of the unknowns in another order."""

    def __init__(self, B: LinearOperator, order: Tensor):
        self.parts, self.shape, self.dtype = (B,), B.shape, B.dtype
        self.order, self.rank = order, order.argsort()

    def product(self, x: Tensor) -> Tensor:
        y = self.parts[0].product(x.index_select(0, self.order))
        return y.index_select(0, self.rank)

    def adjoint(self) -> LinearOperator:
        return Reordered(self.parts[0].adjoint(), self.order)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return Reordered(parts[0], self.order)


def colour_order(matrix: CompressedTensor) -> Tensor:
    """Return the unknowns of a matrix, compressed by rows, colour by colour; each takes the first that its neighbours leave."""
    ones = np.ones(len(matrix.entries))
    graph = scipy_sparse.csr_array((ones, numbers(matrix.pattern.indices), numbers(matrix.pattern.pointers)), matrix.shape)
    graph = graph + graph.T
    colours = colouring.coloured(graph.indptr.astype(np.int64), graph.indices.astype(np.int64))
    return from_numpy(np.argsort(colours, kind="stable"))


def reordered(matrix: CompressedTensor, order: Tensor) -> CompressedTensor:
    """Return the matrix between the unknowns in another order, compressed by rows."""
    rank = order.argsort()
    rows, columns = rank[lines_of(matrix.pattern).long()], rank[matrix.pattern.indices.long()]
    n = matrix.shape[0]
    by_place = (rows * n + columns).argsort(stable=True)
    pointers = ops.cat([ops.zeros(1, dtype=rows.dtype), rows.bincount(minlength=n).cumsum(0)])
    pattern = Pattern(pointers, columns[by_place], {})
    return compressed(sparse_csr, pattern, matrix.entries.index_select(0, by_place), tuple(matrix.shape))
