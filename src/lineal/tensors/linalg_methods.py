"""The tensor's linear algebra: each method the op it calls, which is imported when the first of them is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor
from lineal.ops import linalg

if TYPE_CHECKING:
    from lineal.ops.linalg import matrices

__all__ = ["LinalgMethods"]


class LinalgMethods(AbstractTensor):
    """Factorisations, determinants, inverses."""

    def cholesky(self, upper: bool = False) -> Tensor:
        """Return the Cholesky factor L with A = L Lᴴ, or Lᴴ if `upper`."""
        return linalg.older.cholesky(self, upper)

    def cholesky_inverse(self, upper: bool = False) -> Tensor:
        """Return A⁻¹, this tensor being the Cholesky factor of A."""
        return linalg.older.cholesky_inverse(self, upper)

    def cholesky_solve(self, L: Tensor, upper: bool = False) -> Tensor:
        """Return X with A X = this tensor, given the Cholesky factor of A."""
        return linalg.older.cholesky_solve(self, L, upper)

    def det(self) -> Tensor:
        """Return the determinants."""
        return linalg.older.det(self)

    def geqrf(self) -> matrices.geqrf:
        """Return LAPACK's form of the QR factorisation: R above the reflectors, and their factors tau."""
        return linalg.older.geqrf(self)

    def inverse(self) -> Tensor:
        """Return A⁻¹."""
        return linalg.older.inverse(self)

    def logdet(self) -> Tensor:
        """Return log det A: NaN where the determinant is negative, -inf where it is 0."""
        return linalg.older.logdet(self)

    def lu(self, pivot: bool = True, get_infos: bool = False) -> tuple[Tensor, ...]:
        """Return both factors in one matrix and the exchanged rows (and info)."""
        return linalg.older.lu(self, pivot, get_infos)

    def lu_solve(self, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
        """Return X with A X = this tensor from A's LU factors."""
        return linalg.older.lu_solve(self, LU_data, LU_pivots)

    def matrix_exp(self) -> Tensor:
        """Return Σ Aᵏ/k!."""
        return linalg.older.matrix_exp(self)

    def orgqr(self, tau: Tensor) -> Tensor:
        """Return the first columns of the product of the reflectors that `geqrf` gives."""
        return linalg.older.orgqr(self, tau)

    def ormqr(self, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False) -> Tensor:
        """Return Q times `other`, or `other` times Q, Q being the product of the reflectors that `geqrf` gives."""
        return linalg.older.ormqr(self, tau, other, left, transpose)

    def pinverse(self, rcond: float = 1e-15) -> Tensor:
        """Return the pseudoinverse."""
        return linalg.older.pinverse(self, rcond)

    def qr(self, some: bool = True) -> matrices.linalg_qr:
        """Return Q and R, complete if not `some`."""
        return linalg.older.qr(self, some)

    def slogdet(self) -> matrices.linalg_slogdet:
        """Return (sign, logabsdet) with det A = sign · exp(logabsdet)."""
        return linalg.older.slogdet(self)

    def svd(self, some: bool = True, compute_uv: bool = True) -> matrices.svd:
        """Return U, S, V with A = U diag(S) Vᴴ, reduced if `some`."""
        return linalg.older.svd(self, some, compute_uv)

    def triangular_solve(
        self, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
    ) -> matrices.triangular_solve:
        """Return X with A X = this tensor, A being triangular, and A."""
        return linalg.older.triangular_solve(self, A, upper, transpose, unitriangular)

    def adjoint(self) -> Tensor:
        """Return the conjugate transposes."""
        return self.mH  # type: ignore[attr-defined]
