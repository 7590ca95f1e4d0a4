"""Constraints of matrices: triangular, symmetric, positive definite."""

from __future__ import annotations

from lineal import linalg, ops
from lineal.base.limits import finfo
from lineal.distributions.constraining import Constraint
from lineal.tensors import Tensor

__all__ = [
    "corr_cholesky",
    "lower_cholesky",
    "lower_triangular",
    "positive_definite",
    "positive_semidefinite",
    "square",
    "symmetric",
]


class _LowerTriangular(Constraint):
    """Zeros above the diagonal."""

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        return (value.tril() == value).all(-1).all(-1)


class _LowerCholesky(_LowerTriangular):
    """Zeros above the diagonal, and positive numbers on it."""

    def check(self, value: Tensor) -> Tensor:
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    """A Cholesky factor of a correlation matrix: its rows have length 1, to within ten roundings of each element."""

    def check(self, value: Tensor) -> Tensor:
        lengths = linalg.vector_norm(value.detach(), dim=-1)
        unit = (lengths - 1).abs() <= 10 * value.shape[-1] * finfo(value.dtype).eps
        return super().check(value) & unit.all(-1)


def is_square(value: Tensor) -> bool:
    """Return whether matrices have as many rows as columns."""
    return value.shape[-2] == value.shape[-1]


class _Square(Constraint):
    """As many rows as columns."""

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        return ops.full(value.shape[:-2], is_square(value), dtype=bool, device=value.device)


class _Symmetric(_Square):
    """A = Aᵀ, to within 10⁻⁶ and 10⁻⁵ of each element."""

    def check(self, value: Tensor) -> Tensor:
        if not is_square(value):
            return super().check(value)
        return ops.isclose(value, value.mT, atol=1e-6).all(-2).all(-1)


class _PositiveSemidefinite(_Symmetric):
    """Symmetric, without negative eigenvalues."""

    def check(self, value: Tensor) -> Tensor:
        symmetric = super().check(value)
        return symmetric & (linalg.eigvalsh(value) >= 0).all(-1) if is_square(value) else symmetric


class _PositiveDefinite(_Symmetric):
    """Symmetric, with a Cholesky factor."""

    def check(self, value: Tensor) -> Tensor:
        symmetric = super().check(value)
        return symmetric & (linalg.cholesky_ex(value).info == 0) if is_square(value) else symmetric


lower_triangular = _LowerTriangular()
lower_cholesky = _LowerCholesky()
corr_cholesky = _CorrCholesky()
square = _Square()
symmetric = _Symmetric()
positive_semidefinite = _PositiveSemidefinite()
positive_definite = _PositiveDefinite()
