"""Parts of a matrix: its diagonal, changed, and the inverses of its triangles."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base.errors import LinAlgError
from lineal.ops.linalg.triangular import solve_triangular
from lineal.solvers.operators.base import LinearOperator, Matrix
from lineal.sparse.conversion import lines_of
from lineal.sparse.patterned import Patterned
from lineal.sparse.triangular import triangular_solve
from lineal.tensors import Tensor

__all__ = ["InverseTriangle", "known_matrix", "regular_diagonal", "with_scaled_diagonal"]


class InverseTriangle(Matrix):
    """T⁻¹ for the upper or lower triangle T of a strided matrix, or of one compressed by rows; with `unit` T has ones there."""

    def __init__(self, matrix: Tensor, upper: bool, unit: bool = False):
        super().__init__(matrix)
        self.upper, self.unit = upper, unit

    def product(self, x: Tensor) -> Tensor:
        columns = x.unsqueeze(1) if x.ndim == 1 else x
        if isinstance(self.matrix, Patterned):
            y = triangular_solve(columns, self.matrix, self.upper, False, self.unit)[0]
        else:
            y = solve_triangular(self.matrix, columns, upper=self.upper, unitriangular=self.unit)
        return y.squeeze(1) if x.ndim == 1 else y

    def adjoint(self) -> LinearOperator:
        turned: Any = super().adjoint()
        matrix = turned.to_sparse_csr() if isinstance(turned.matrix, Patterned) else turned.matrix
        return InverseTriangle(matrix, not self.upper, self.unit)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return InverseTriangle(super().remade(tensors, parts).matrix, self.upper, self.unit)

    def diagonal(self) -> Tensor:
        diagonal = super().diagonal()
        return ops.ones_like(diagonal) if self.unit else 1 / diagonal

    def to_dense(self) -> Tensor:
        return LinearOperator.to_dense(self)

    def to_sparse_csr(self) -> Any:
        return LinearOperator.to_sparse_csr(self)


def known_matrix(name: str, A: LinearOperator) -> Tensor:
    """Return the matrix of an operator, strided or compressed by rows. NotImplementedError if its entries are not known."""
    if A.shape[0] != A.shape[1]:
        raise RuntimeError(f"{name}: expected a square matrix, got {A!r}")
    if isinstance(A, Matrix) and not isinstance(A.matrix, Patterned):
        return A.matrix
    return A.to_sparse_csr()


def regular_diagonal(name: str, A: LinearOperator) -> Tensor:
    """Return the diagonal; LinAlgError names the first row where it is zero."""
    diagonal = A.diagonal()
    zeros = (diagonal == 0).nonzero()
    if len(zeros):
        raise LinAlgError(f"{name}: the diagonal of A is zero in row {int(zeros[0])}")
    return diagonal


def with_scaled_diagonal(matrix: Tensor, factor: float) -> Tensor:
    """Return a matrix, strided or compressed by rows, with its diagonal multiplied by a number."""
    if factor == 1:
        return matrix
    if not isinstance(matrix, Patterned):
        return matrix + ops.diag(matrix.diagonal() * (factor - 1))
    pattern = matrix.pattern  # type: ignore[attr-defined]
    on = lines_of(pattern) == pattern.indices
    return matrix.with_entries(ops.where(on, factor * matrix.entries, matrix.entries))
