"""Gaussian elimination with row exchanges: the LU factors and systems solved by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.base.platforms import array_module
from lineal.base.signatures import Tensor
from lineal.core import Op, apply, lift, module_of, no_grad
from lineal.core.calling import public
from lineal.ops.linalg import kernels
from lineal.ops.linalg.conditioning import lapack
from lineal.ops.linalg.matrices import (
    adjoint,
    broadcast_batches,
    linalg_lu,
    linalg_lu_factor,
    linalg_lu_factor_ex,
    refuse_singular,
    require_matrix,
    require_one_dtype,
    require_square,
    stored,
)
from lineal.ops.linalg.triangular import solve_triangular
from lineal.ops.premise import rely
from lineal.ops.structural.joining import cat

__all__ = ["lu", "lu_factor", "lu_factor_ex", "lu_solve", "lu_unpack"]

FEW = 40
"""Up to how many matrices' rows Python's lists exchange faster than NumPy's steps over the whole batch (measured)."""


def getrf(A: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return LU, the exchanged rows counted from 1, and info, of each matrix."""
    found = kernels.lu_factor(A)
    LU, pivots, info = by_lapack(A) if found is None else found
    if info.any() or np.isnan(np.diagonal(LU, axis1=-2, axis2=-1)).any():
        info = spoil(LU, info)
    return LU, pivots, info


def spoil(LU: np.ndarray, info: np.ndarray) -> np.ndarray:
    """Let what follows a column with NaN be NaN, and return info, no longer of pivots from there on.

    Some LAPACKs pass over NaN when they look for a pivot, do not divide by it, and go on as if it were 1.
    """
    m, n = LU.shape[-2:]
    unknown = np.isnan(np.tril(LU)).any(-2)
    first = np.where(unknown.any(-1), unknown.argmax(-1), n)
    rows, columns, start = np.arange(m)[:, None], np.arange(n), first[..., None, None]
    LU[((rows > start) & (columns >= start)) | ((rows == start) & (columns == start))] = np.nan
    return np.where(info > first, 0, info).astype(np.int32)


def by_lapack(A: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return LU, the exchanged rows counted from 1, and info, of each matrix, by LAPACK."""
    m, n = A.shape[-2:]
    batch = A.shape[:-2]
    factor, codes = lapack("getrf", A.dtype), []
    if A.ndim == 2 and A.size:
        LU, rows, code = factor(A)
        return LU, (rows + 1).astype(np.int32, copy=False), np.array(code, np.int32)
    pivots, info = np.empty((*batch, min(m, n)), np.int32), np.zeros(batch, np.int32)
    # column-major, as LAPACK leaves it and wants it back
    columns = np.array(A.mT, order="C")
    if A.size == 0:
        pivots[...] = np.arange(1, min(m, n) + 1)
        return columns.mT, pivots, info
    for each, rows in zip(columns.reshape(-1, n, m).mT, pivots.reshape(-1, min(m, n))):
        _, rows[...], code = factor(each, 1)
        codes.append(code)
    info[...] = np.reshape(codes, batch)
    pivots += 1
    return columns.mT, pivots, info


def getrs(LU: np.ndarray, pivots: np.ndarray, B: np.ndarray, adjoint: bool = False) -> np.ndarray:
    """Return X with A X = B, or Aᴴ X = B if `adjoint`, from A's factors."""
    if not B.size:
        return np.empty(B.shape, B.dtype)
    found = kernels.lu_solve(LU, pivots, B, adjoint)
    if found is not None:
        return found
    if kernels.across(LU):
        return getrs_across(LU, pivots, B, adjoint)
    routine, way, n = lapack("getrs", B.dtype), 2 if adjoint else 0, B.shape[-2]
    if B.ndim == 2:
        return np.ascontiguousarray(routine(LU, pivots - 1, B, way)[0])
    X = np.array(B.mT, order="C")
    for a, rows, x in zip(LU.reshape(-1, n, n), (pivots - 1).reshape(-1, n), X.reshape(-1, *X.shape[-2:]).mT):
        routine(a, rows, x, way, 1)
    return np.ascontiguousarray(X.mT)


def getrs_across(LU: np.ndarray, pivots: np.ndarray, B: np.ndarray, turned: bool) -> np.ndarray:
    """Return what `getrs` does, by triangular systems for the whole batch."""
    order = permutations(pivots, B.shape[-2])[..., None]
    if turned:
        T = adjoint(LU)
        X = kernels.solve_triangular(T, kernels.solve_triangular(T, B, False, False), True, True)
        return np.take_along_axis(X, order.argsort(-2), -2)
    half = kernels.solve_triangular(LU, np.take_along_axis(B, order, -2), False, True)
    return kernels.solve_triangular(LU, half, True, False)


def getri(LU: np.ndarray, pivots: np.ndarray) -> np.ndarray:
    """Return A⁻¹ from A's factors."""
    found = kernels.lu_inverse(LU, pivots)
    if found is not None:
        return found
    Y = np.empty(LU.shape, LU.dtype)
    invert, work = lapack("getri", LU.dtype), lapack("getri_lwork", LU.dtype)
    size = int(work(LU.shape[-1])[0].real) if LU.size else 1
    for place in np.ndindex(LU.shape[:-2] if LU.size else (0,)):
        Y[place] = invert(LU[place], pivots[place] - 1, lwork=size)[0]
    return Y


def factors(A: Any) -> tuple[Any, Any, np.ndarray]:
    """Return LU and pivots as constants, and info: numbers to solve with, for ops that have derivatives of their own."""
    with no_grad():
        LU, pivots, info = apply(LUFactor(), A)
    rely(lambda: info == 0)
    return LU, pivots, info.value


def permutations(pivots: np.ndarray, m: int) -> np.ndarray:
    """Return, per matrix, the row of A that each row of L U is, from the exchanges of rows."""
    xp = array_module(pivots)
    order = xp.broadcast_to(xp.arange(m), (*pivots.shape[:-1], m)).copy()
    if not pivots.size:
        return order
    flat, exchanges = order.reshape(-1, m), pivots.reshape(-1, pivots.shape[-1]) - 1
    if len(flat) <= FEW:
        flat[...] = xp.asarray([exchanged(list(range(m)), each) for each in exchanges.tolist()])
        return order
    every = xp.arange(len(flat))
    for i in range(exchanges.shape[-1]):
        j = exchanges[:, i]
        flat[every, i], flat[every, j] = flat[every, j], flat[every, i].copy()
    return order


def exchanged(rows: list[int], exchanges: list[int]) -> list[int]:
    """Exchange each row in turn with the one named."""
    for i, j in enumerate(exchanges):
        rows[i], rows[j] = rows[j], rows[i]
    return rows


class RowOrder(Op):
    """y = per matrix, the row of A that each row of L U is, as int64, from the exchanged rows."""

    rows: int
    grad_name = "LuRowOrderBackward0"
    differentiable = False
    no_vjp = "places: whole numbers"

    def eager(self, xp, pivots):
        if pivots.size and not (1 <= pivots.min() and pivots.max() <= self.rows):
            least, most = pivots.min(), pivots.max()
            raise RuntimeError(
                f"lu_unpack: expected pivots between 1 and {self.rows}, as from `lu_factor`, got {least} to {most}"
            )
        return permutations(pivots, self.rows).astype(np.int64)

    def vjp(self, needs, g, y, pivots):
        return (None,)


class LUFactor(Op):
    """P A's factors L\\U in one matrix (A = P L U), the exchanged rows and info.

    Ā = P L⁻ᴴ [tril(Lᴴ L̄, -1) + triu(Ū Uᴴ)] U⁻ᴴ for square A.   Giles (2008), Murray (2016); wide and tall A by blocks.
    """

    grad_name = "LinalgLuFactorExBackward0"
    keeps = "y"
    width = 3
    host_only = "LAPACK, or kernels across the batch"

    def eager(self, xp, A):
        return getrf(A)

    def vjp(self, needs, g, y, A):
        LU, pivots, _ = y
        m, n = A.shape[-2:]
        k = min(m, n)
        packed = g[0]
        L, U = unpack(LU, k)
        gL, gU = packed[..., :, :k].tril(-1), packed[..., :k, :].triu()
        L1, U1 = L[..., :k, :], U[..., :, :k]
        # of the trailing block (A2 of a wide A is P L1 U2, of a tall one P L2 U1), back to the square one
        gU2, gL2 = gU[..., :, k:], gL[..., k:, :]
        inner = (L1.mH @ gL[..., :k, :] - gU2 @ U[..., :, k:].mH).tril(-1) if n > k else (L1.mH @ gL[..., :k, :]).tril(-1)
        corner = gU[..., :, :k] @ U1.mH
        inner = inner + ((corner - L[..., k:, :].mH @ gL2) if m > k else corner).triu()
        square = solve_triangular(L1.mH, inner, upper=True, unitriangular=True)
        square = solve_triangular(U1.mH, square, upper=False, left=False)
        if n > k:
            right = solve_triangular(L1.mH, gU2, upper=True, unitriangular=True)
            square = cat((square, right), -1)
        if m > k:
            below = solve_triangular(U1.mH, gL2, upper=False, left=False)
            square = cat((square, below), -2)
        return (taken(square, apply(RowOrder(m), pivots).argsort(-1)),)


def taken(x: Any, order: Any) -> Any:
    """Return the rows of each matrix in the orders that a tensor holds."""
    return x.gather(-2, order[..., None].expand(x.value.shape))


def unpack(LU: Any, k: int) -> tuple[Any, Any]:
    """Return L with its unit diagonal, and U."""
    m, n = LU.value.shape[-2:]
    L, U = (LU if n == k else LU[..., :, :k]).tril(-1), (LU if m == k else LU[..., :k, :]).triu()
    return L + lift(module_of(LU).eye(L.value.shape[-2], k, dtype=LU.value.dtype)), U


def rows_of(x: Any, order: np.ndarray) -> Any:
    """Return the rows of each matrix in the given orders."""
    index = np.broadcast_to(order[..., None], x.value.shape)
    return x.gather(-2, lift(module_of(x).asarray(np.ascontiguousarray(index.astype(np.int64)))))


def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Sequence[Tensor] | None = None
) -> linalg_lu_factor_ex:
    """Return LU, pivots and info as `lu_factor`, without raising."""
    name = "linalg.lu_factor_ex"
    require_matrix(name, A)
    refuse_unpivoted(name, pivot)
    found = linalg_lu_factor_ex(apply(LUFactor(), A))
    if check_errors:
        rely(lambda: found[2] == 0)
        refuse_singular(name, found[2].value, "factorization")
    return stored(found, out, name)


def refuse_unpivoted(name: str, pivot: bool) -> None:
    """Refuse a factorisation without row exchanges."""
    if not pivot:
        raise RuntimeError(f"{name}: LU without pivoting is not implemented on the CPU: it is unstable")


def lu_factor(A: Tensor, *, pivot: bool = True, out: Sequence[Tensor] | None = None) -> linalg_lu_factor:
    """Return the factors of P A = L U in one matrix (L's unit diagonal is left out) and the exchanged rows, from 1."""
    require_matrix("linalg.lu_factor", A)
    refuse_unpivoted("linalg.lu_factor", pivot)
    LU, pivots, info = apply(LUFactor(), A)
    rely(lambda: info == 0)
    refuse_singular("linalg.lu_factor", info.value, "factorization")
    return stored(linalg_lu_factor((LU, pivots)), out, "linalg.lu_factor")


@public
def lu_unpack(
    LU_data: Tensor,
    LU_pivots: Tensor,
    unpack_data: bool = True,
    unpack_pivots: bool = True,
    *,
    out: Sequence[Tensor] | None = None,
) -> linalg_lu:
    """Return P, L and U of `lu_factor`'s result."""
    require_matrix("lu_unpack", LU_data, "LU_data")
    m, n = LU_data.value.shape[-2:]
    empty = lift(module_of(LU_data).empty(0, LU_data.value.dtype))
    P, L, U = empty, empty, empty
    if unpack_data:
        L, U = unpack(LU_data, min(m, n))
    if unpack_pivots:
        if dtypes.of(LU_pivots.value.dtype) is not dtypes.int32:
            raise RuntimeError("lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype")
        require_pivots("lu_unpack", LU_data, LU_pivots)
        order = apply(RowOrder(m), LU_pivots)
        P = (order[..., None, :] == lift(module_of(order).arange(m)[:, None])).to(dtypes.of(LU_data.value.dtype))
    return stored(linalg_lu((P, L, U)), out, "lu_unpack")


def require_pivots(name: str, LU: Any, pivots: Any) -> None:
    """Raise RuntimeError unless there is one pivot for each row or column, whichever are fewer, of each matrix."""
    *batch, m, n = LU.value.shape
    if pivots.value.shape != (*batch, min(m, n)):
        raise RuntimeError(
            f"{name}: expected pivots of shape {[*batch, min(m, n)]} for LU of shape {[*batch, m, n]}, "
            f"got {list(pivots.value.shape)}"
        )


def lu(A: Tensor, *, pivot: bool = True, out: Sequence[Tensor] | None = None) -> linalg_lu:
    """Return P, L, U with A = P L U: a permutation, unit lower and upper triangular."""
    require_matrix("linalg.lu", A)
    refuse_unpivoted("linalg.lu", pivot)
    LU, pivots, _ = apply(LUFactor(), A)
    return stored(lu_unpack(LU, pivots), out, "linalg.lu")


@public
def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Tensor | None = None
) -> Tensor:
    """Return X with A X = B, or X A = B if not `left`, or with Aᴴ if `adjoint`, from A's `lu_factor`."""
    name = "linalg.lu_solve"
    require_square(name, LU, "LU")
    require_matrix(name, B, "B")
    require_one_dtype(name, LU, B)
    require_pivots(name, LU, pivots)
    if not left:
        X = lu_solve(LU, pivots, B.mH, adjoint=not adjoint).mH
        return stored(X, out, name)
    LU, B = broadcast_batches(name, LU, B)
    n = LU.value.shape[-1]
    order = apply(RowOrder(n), pivots)
    if adjoint:
        half = solve_triangular(LU.mH, B, upper=False)
        X = solve_triangular(LU.mH, half, upper=True, unitriangular=True)
        X = taken(X, order.argsort(-1))
    else:
        half = solve_triangular(LU, taken(B, order), upper=False, unitriangular=True)
        X = solve_triangular(LU, half, upper=True)
    return stored(X, out, name)
