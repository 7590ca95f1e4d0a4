"""The names at top level: PyTorch's older signatures of the same functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lineal.base.signatures import Tensor
from lineal.core.calling import public
from lineal.ops.linalg import cholesky as factor
from lineal.ops.linalg import determinants, functions, inverses
from lineal.ops.linalg import lu as elimination
from lineal.ops.linalg import qr as orthogonal
from lineal.ops.linalg import svd as singular
from lineal.ops.linalg.determinants import logdet
from lineal.ops.linalg.functions import matrix_exp
from lineal.ops.linalg.least_squares import pinverse
from lineal.ops.linalg.lobpcg import lobpcg
from lineal.ops.linalg.lowrank import pca_lowrank, svd_lowrank
from lineal.ops.linalg.lu import lu_unpack
from lineal.ops.linalg.matrices import linalg_lu_factor, linalg_qr, linalg_slogdet, stored
from lineal.ops.linalg.qr import geqrf, orgqr, ormqr
from lineal.ops.linalg.triangular import triangular_solve

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "det",
    "geqrf",
    "inverse",
    "lobpcg",
    "logdet",
    "lu",
    "lu_solve",
    "lu_unpack",
    "matrix_exp",
    "orgqr",
    "ormqr",
    "pca_lowrank",
    "pinverse",
    "qr",
    "slogdet",
    "svd",
    "svd_lowrank",
    "triangular_solve",
    "vander",
]


@public
def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return the Cholesky factor; `linalg.cholesky` is newer."""
    return factor.cholesky(input, upper=upper, out=out)


@public
def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return X with A X = input, given the Cholesky factor `input2` of A."""
    return factor.cholesky_solve(input, input2, upper, out=out)


@public
def cholesky_inverse(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Return A⁻¹, given the Cholesky factor of A."""
    return factor.cholesky_inverse(input, upper, out=out)


@public
def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the inverse; `linalg.inv` is newer."""
    return inverses.inv(input, out=out)


def det(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the determinant; `linalg.det` is newer."""
    return determinants.det(input, out=out)


def slogdet(input: Tensor, *, out: Sequence[Tensor] | None = None) -> linalg_slogdet:
    """Return the determinant's sign and the logarithm of its absolute value; `linalg.slogdet` is newer."""
    return determinants.slogdet(input, out=out)


@public
def qr(input: Tensor, some: bool = True, *, out: Sequence[Tensor] | None = None) -> linalg_qr:
    """Return Q and R, complete if not `some`; `linalg.qr` is newer."""
    return orthogonal.qr(input, "reduced" if some else "complete", out=out)


svd = singular.svd_columns
svd.__name__ = "svd"


@public
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Sequence[Tensor] | None = None) -> tuple[Tensor, ...]:
    """Return both factors in one matrix and the exchanged rows (and info); `linalg.lu_factor` is newer."""
    found = elimination.lu_factor_ex(A, pivot=pivot, check_errors=not get_infos)
    if not get_infos:
        found = linalg_lu_factor(found[:2])
    return stored(found, out, "lu") if get_infos else tuple(stored(found, out, "lu"))


@public
def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return X with A X = input from A's LU factors; `linalg.lu_solve` is newer."""
    return elimination.lu_solve(LU_data, LU_pivots, input, out=out)


@public
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return the Vandermonde matrix (n, N) of a vector, columns …, x², x, 1, or `increasing` from 1; N is n unless given."""
    vector: Any = x
    if vector.value.ndim != 1:
        raise RuntimeError(f"vander: x must be a one-dimensional tensor, got shape {list(vector.value.shape)}")
    count = vector.value.size if N is None else N
    if count < 0:
        raise RuntimeError(f"vander: N must be non-negative, got {count}")
    powers = functions.vander(vector, N=max(count, 2))[:, :count]
    return powers if increasing else powers.flip(1)
