"""Triangular systems of compressed matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal import ops
from lineal.base import later
from lineal.core import Op, apply
from lineal.ops.linalg.triangular import triangular_result
from lineal.sparse.answering import COMPRESSED, answers
from lineal.sparse.compressed import CompressedTensor, Pattern, numbers, require_matrix
from lineal.sparse.compressed import transpose as transposed
from lineal.sparse.compressed_products import unblocked
from lineal.sparse.conversion import lines_of, to_sparse_csr, turned_pattern
from lineal.sparse.patterned import Patterned
from lineal.sparse.rowproducts import EAGER, NATIVE, SampledProduct
from lineal.tensors import Tensor, from_numpy

__all__ = ["SparseTriangularSolve"]

triangles: Any = later.module("lineal.codegen.sparse.triangular")


class SparseTriangularSolve(Op):
    """X of T X = B, T a triangle of the matrix of entries a at a pattern; B̄ = T⁻ᴴ X̄, ā = -B̄ Xᴴ at the triangle's entries."""

    pattern: Pattern
    upper: bool
    unit: bool
    grad_name = "TriangularSolveBackward0"
    keeps = ("0 y", "0")
    wide = True
    host_only = NATIVE
    no_batch = no_lowering = EAGER

    def eager(self, xp, entries, b):
        pointers, indices = (np.ascontiguousarray(each.value) for each in self.pattern[:2])
        key = "levels", self.upper
        if key not in self.pattern.known:
            self.pattern.known[key] = triangles.levels_of(pointers, indices, self.upper)
        levels = self.pattern.known[key]
        return triangles.solved(np.ascontiguousarray(entries), pointers, indices, b, levels, self.upper, self.unit)

    def vjp(self, needs, g, y, entries, b):
        pattern, order = turned_pattern(self.pattern, self.pattern.lines)
        turned = SparseTriangularSolve(pattern, not self.upper, self.unit)
        solved = apply(turned, entries.conj().index_select(0, order), g)
        if not needs[0]:
            return None, solved
        found = apply(SampledProduct(self.pattern, self.pattern.lines), solved, y.conj())
        return -found * triangle(self.pattern, self.upper, self.unit).to(found.dtype), solved


def triangle(pattern: Pattern, upper: bool, unit: bool) -> Tensor:
    """Return which entries are in a triangle, without the diagonal if that is ones."""
    above = numbers(pattern.indices) - numbers(lines_of(pattern))
    above = above if upper else -above
    return from_numpy(above > 0 if unit else above >= 0)


@answers("triangular_solve", of=(COMPRESSED,))
def triangular_solve(
    input: Tensor, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *, out: Any = None
) -> Any:
    """Return the solution of T X = input (n × k) and an empty tensor, T the upper or lower triangle of a sparse matrix (n × n).

    A zero on the diagonal, or none there, gives infinities and NaN.
    """
    if not isinstance(A, CompressedTensor) or isinstance(input, Patterned) or out is not None:
        raise RuntimeError("triangular_solve: expected a strided right-hand side, a compressed matrix and no out")
    require_matrix("triangular_solve", A)
    if input.ndim != 2 or not A.shape[0] == A.shape[1] == input.shape[0] or A.dtype != input.dtype:
        raise RuntimeError(
            f"triangular_solve: expected a matrix (n × n) and a right-hand side (n × k) of one floating dtype, got "
            f"{list(A.shape)} of {A.dtype} and {list(input.shape)} of {input.dtype}"
        )
    if not (input.dtype.is_floating_point or input.dtype.is_complex):
        raise RuntimeError(f"triangular_solve: expected a floating or complex dtype, got {input.dtype}")
    T = to_sparse_csr(unblocked(transposed(A) if transpose else A))
    X = apply(SparseTriangularSolve(T.pattern, upper != transpose, unitriangular), T.entries, input)
    return triangular_result((X, ops.empty(0, dtype=input.dtype)))
