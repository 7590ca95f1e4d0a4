"""The tensor's linear algebra: each method the op it calls, which is imported when the first of them is called."""

from __future__ import annotations

from typing import Any

from lineal.core import AbstractTensor
from lineal.ops import linalg

__all__ = ["LinalgMethods"]


class LinalgMethods(AbstractTensor):
    """Factorisations, determinants, inverses."""

    def cholesky(self, upper: bool = False) -> Any:
        """Return the Cholesky factor L with A = L Lᴴ, or Lᴴ if `upper`."""
        return linalg.older.cholesky(self, upper)

    def cholesky_inverse(self, upper: bool = False) -> Any:
        """Return A⁻¹, this tensor being the Cholesky factor of A."""
        return linalg.older.cholesky_inverse(self, upper)

    def cholesky_solve(self, L: AbstractTensor, upper: bool = False) -> Any:
        """Return X with A X = this tensor, given the Cholesky factor of A."""
        return linalg.older.cholesky_solve(self, L, upper)

    def det(self) -> Any:
        """Return the determinants."""
        return linalg.older.det(self)

    def geqrf(self) -> Any:
        """Return LAPACK's form of the QR factorisation: R above the reflectors, and their factors tau."""
        return linalg.older.geqrf(self)

    def inverse(self) -> Any:
        """Return A⁻¹."""
        return linalg.older.inverse(self)

    def logdet(self) -> Any:
        """Return log det A: NaN where the determinant is negative, -inf where it is 0."""
        return linalg.older.logdet(self)

    def lu(self, pivot: bool = True, get_infos: bool = False) -> Any:
        """Return both factors in one matrix and the exchanged rows (and info)."""
        return linalg.older.lu(self, pivot, get_infos)

    def lu_solve(self, LU_data: AbstractTensor, LU_pivots: AbstractTensor) -> Any:
        """Return X with A X = this tensor from A's LU factors."""
        return linalg.older.lu_solve(self, LU_data, LU_pivots)

    def matrix_exp(self) -> Any:
        """Return Σ Aᵏ/k!."""
        return linalg.older.matrix_exp(self)

    def orgqr(self, tau: AbstractTensor) -> Any:
        """Return the first columns of the product of the reflectors that `geqrf` gives."""
        return linalg.older.orgqr(self, tau)

    def ormqr(self, tau: AbstractTensor, other: AbstractTensor, left: bool = True, transpose: bool = False) -> Any:
        """Return Q times `other`, or `other` times Q, Q being the product of the reflectors that `geqrf` gives."""
        return linalg.older.ormqr(self, tau, other, left, transpose)

    def pinverse(self, rcond: float = 1e-15) -> Any:
        """Return the pseudoinverse."""
        return linalg.older.pinverse(self, rcond)

    def qr(self, some: bool = True) -> Any:
        """Return Q and R, complete if not `some`."""
        return linalg.older.qr(self, some)

    def slogdet(self) -> Any:
        """Return (sign, logabsdet) with det A = sign · exp(logabsdet)."""
        return linalg.older.slogdet(self)

    def svd(self, some: bool = True, compute_uv: bool = True) -> Any:
        """Return U, S, V with A = U diag(S) Vᴴ, reduced if `some`."""
        return linalg.older.svd(self, some, compute_uv)

    def triangular_solve(
        self, A: AbstractTensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
    ) -> Any:
        """Return X with A X = this tensor, A being triangular, and A."""
        return linalg.older.triangular_solve(self, A, upper, transpose, unitriangular)

    def adjoint(self) -> Any:
        """Return the conjugate transposes."""
        return self.mH  # type: ignore[attr-defined]
