"""Products, and the extension `linalg`, of the array API standard: factorisations, systems, eigenvalues, norms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lineal import linalg, ops
from lineal.array_api import statistics
from lineal.array_api.datatypes import together
from lineal.base.signatures import Dims, DType, Tensor

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]


class EigenResult(NamedTuple):
    """Eigenvalues and, as columns, eigenvectors."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    """Orthonormal columns and an upper triangle."""

    Q: Tensor
    R: Tensor


class SlogdetResult(NamedTuple):
    """The sign of determinants, and the logarithm of what is left."""

    sign: Tensor
    logabsdet: Tensor


class SVDResult(NamedTuple):
    """Left singular vectors, singular values, and right singular vectors as rows."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    """Return the lower (or upper) triangles whose products with their adjoints are `x`."""
    return linalg.cholesky(x, upper=upper)


def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """Return the cross products of vectors of size 3 along an axis."""
    return linalg.cross(*ops.broadcast_tensors(*together(x1, x2)), dim=axis)


def det(x: Tensor, /) -> Tensor:
    """Return determinants."""
    return linalg.det(x)


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """Return the diagonals of matrices, a view."""
    return linalg.diagonal(x, offset=offset)


def eig(x: Tensor, /) -> EigenResult:
    """Return complex eigenvalues and eigenvectors of square matrices."""
    return EigenResult(*linalg.eig(x))


def eigh(x: Tensor, /) -> EigenResult:
    """Return eigenvalues, in ascending order, and eigenvectors of Hermitian matrices."""
    return EigenResult(*linalg.eigh(x))


def eigvals(x: Tensor, /) -> Tensor:
    """Return the complex eigenvalues of square matrices."""
    return linalg.eigvals(x)


def eigvalsh(x: Tensor, /) -> Tensor:
    """Return the eigenvalues of Hermitian matrices in ascending order."""
    return linalg.eigvalsh(x)


def inv(x: Tensor, /) -> Tensor:
    """Return inverses; LinAlgError for singular matrices."""
    return linalg.inv(x)


def matmul(x1: Tensor, x2: Tensor, /) -> Tensor:
    """Return matrix products, of vectors too; the dimensions before the last two broadcast."""
    return ops.matmul(*together(x1, x2))


def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: float | str | None = "fro") -> Tensor:
    """Return norms of matrices: "fro", "nuc", or by the number `ord`, 1, 2, inf, -1, -2, -inf."""
    return linalg.matrix_norm(x, "fro" if ord is None else ord, keepdim=keepdims)


def matrix_power(x: Tensor, n: int, /) -> Tensor:
    """Return the n-th powers of square matrices, of the inverses if `n` is negative."""
    return linalg.matrix_power(x, n)


def matrix_rank(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """Return how many singular values are above `rtol` times the largest, by default eps times the larger side."""
    return linalg.matrix_rank(x, rtol=rtol)


def matrix_transpose(x: Tensor, /) -> Tensor:
    """Return the matrices transposed, a view."""
    return ops.transpose(x, -2, -1)


def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """Return the products of each element of a vector with each of another."""
    return ops.outer(*together(x1, x2))


def pinv(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """Return pseudo-inverses; singular values of at most `rtol` times the largest count as 0."""
    return linalg.pinv(x, rtol=rtol)


def qr(x: Tensor, /, *, mode: str = "reduced") -> QRResult:
    """Return orthonormal columns, all of them if `mode` is "complete", and upper triangles."""
    return QRResult(*linalg.qr(x, mode))


def slogdet(x: Tensor, /) -> SlogdetResult:
    """Return the signs of determinants and the logarithms of their absolute values."""
    return SlogdetResult(*linalg.slogdet(x))


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """Return the solutions of systems; right sides are one vector if `x2` has one dimension, and matrices otherwise."""
    A, B = together(x1, x2)
    if B.ndim == 1:
        return linalg.solve(A, B.unsqueeze(-1)).squeeze(-1)
    return linalg.solve(A, B.expand((1,) * (A.ndim - B.ndim) + tuple(B.shape)))


def svd(x: Tensor, /, *, full_matrices: bool = True) -> SVDResult:
    """Return singular values in descending order and both families of vectors, completed if `full_matrices`."""
    return SVDResult(*linalg.svd(x, full_matrices))


def svdvals(x: Tensor, /) -> Tensor:
    """Return singular values in descending order."""
    return linalg.svdvals(x)


def tensordot(x1: Tensor, x2: Tensor, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """Return the contraction of axes, the last and first `axes` or pairs of them."""
    return ops.tensordot(*together(x1, x2), dims=axes)


def trace(x: Tensor, /, *, offset: int = 0, dtype: DType | None = None) -> Tensor:
    """Return the sums of diagonals, in the dtypes of `sum`."""
    return statistics.sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """Return the products of vectors along an axis, the first ones conjugated."""
    a, b = together(x1, x2)
    if a.shape[axis] != b.shape[axis]:
        raise ValueError(f"vecdot: expected vectors of one size along axis {axis}, got {list(a.shape)} and {list(b.shape)}")
    return ops.sum(ops.mul(a.conj(), b), axis, dtype=a.dtype)


def vector_norm(x: Tensor, /, *, axis: Dims | None = None, keepdims: bool = False, ord: float = 2) -> Tensor:
    """Return norms of vectors along axes, of all numbers if None."""
    y, dims, keep = statistics.over(x, axis, keepdims)
    return linalg.vector_norm(y, ord, dims, keep)
