"""The system that ends a hierarchy, solved by a matrix of its own."""

from __future__ import annotations

from lineal.base.limits import finfo
from lineal.ops.linalg.inverses import inv_ex
from lineal.ops.linalg.least_squares import pinv
from lineal.ops.linalg.lu import lu_factor, lu_solve
from lineal.solvers.operators.base import LinearOperator, Matrix
from lineal.sparse.compressed import CompressedTensor
from lineal.tensors import Tensor

__all__ = ["inverse_of"]

ROUNDED = 100
"""The rounding of the coarse matrix, in units of eps, is at least that of a system of so many unknowns."""


class DenseInverse(LinearOperator):
    """A⁻¹ by the factors P A = L U of a strided matrix, or A⁻ᴴ if `turned`."""

    def __init__(self, LU: Tensor, pivots: Tensor, turned: bool = False):
        self.tensors, self.pivots, self.turned = (LU,), pivots, turned
        self.shape, self.dtype = (LU.shape[0], LU.shape[1]), LU.dtype

    def product(self, x: Tensor) -> Tensor:
        y = lu_solve(self.tensors[0], self.pivots, x.reshape(len(x), -1), adjoint=self.turned)
        return y.reshape(x.shape)

    def adjoint(self) -> LinearOperator:
        return DenseInverse(self.tensors[0], self.pivots, not self.turned)

    def remade(self, tensors: tuple[Tensor, ...], parts: tuple[LinearOperator, ...]) -> LinearOperator:
        return DenseInverse(tensors[0], self.pivots, self.turned)


def inverse_of(A: CompressedTensor, unknowns: int) -> LinearOperator:
    """Return A⁻¹; of a matrix that is singular, but for the rounding of a system of so many unknowns, the pseudoinverse.

    Of the singular one's eigenvalues those below eps^0.6 of the largest are taken for zero: those that are made by rounding on
    the way down, divided by, would spoil all others.
    """
    dense = A.to_dense()
    eps = finfo(A.dtype).eps
    inverse, failed = inv_ex(dense)
    size = lambda X: float(X.abs().sum(0).max()) if X.numel() else 1.0
    if not int(failed) and size(dense) * size(inverse) * max(unknowns, ROUNDED) * eps < 1:
        LU, pivots = lu_factor(dense)
        return DenseInverse(LU, pivots)
    return Matrix(pinv(dense, rtol=eps**0.6))
