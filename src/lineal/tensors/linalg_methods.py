"""The tensor's linear algebra: each method the op it calls."""

from __future__ import annotations

from typing import Any

from lineal.core import AbstractTensor
from lineal.ops.linalg import older

__all__ = ["LinalgMethods"]


class LinalgMethods(AbstractTensor):
    """Factorisations, determinants, inverses."""

    cholesky = older.cholesky
    cholesky_inverse = older.cholesky_inverse
    cholesky_solve = older.cholesky_solve
    det = older.det
    geqrf = older.geqrf
    inverse = older.inverse
    logdet = older.logdet
    lu = older.lu
    lu_solve = older.lu_solve
    matrix_exp = older.matrix_exp
    orgqr = older.orgqr
    ormqr = older.ormqr
    pinverse = older.pinverse
    qr = older.qr
    slogdet = older.slogdet
    svd = older.svd
    triangular_solve = older.triangular_solve

    def adjoint(self) -> Any:
        """Return the conjugate transposes."""
        return self.mH  # type: ignore[attr-defined]
