"""Singular vectors by divide and conquer, its larger steps by native code.

Gu and Eisenstat (1995), A divide-and-conquer algorithm for the bidiagonal SVD, SIAM J. Matrix Anal. Appl. 16. LAPACK makes the
matrix bidiagonal, solves small parts, says what deflates (lasd2), and takes the vectors back; roots and vectors of secular
equations are `codegen`'s.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lineal.codegen.dense.secular import solved
from lineal.ops.linalg.kernels.lapack import routine

LEAF, QR_LEAF = 64, 16
"""Up to how many rows LAPACK solves a bidiagonal problem whole (measured, 2026-11-30), and up to how many by QR steps."""


class Part(NamedTuple):
    """Diagonal, what is right of it, memory for left vectors as rows and for right ones as columns; views for some of the rows.

    Some rows of a matrix, other than the last ones, have one column more than rows, and an e for each.
    """

    d: np.ndarray
    e: np.ndarray
    U: np.ndarray
    V: np.ndarray

    @property
    def wide(self) -> int:
        """How many columns there are more than rows."""
        return len(self.V) - len(self.d)

    @property
    def steps(self) -> tuple[int, int]:
        """How far LAPACK's columns are apart in U and V."""
        return self.U.strides[0] // self.U.itemsize, self.V.strides[0] // self.V.itemsize


def bidiagonal(d: np.ndarray, e: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return left vectors as rows, singular values, descending, right vectors as columns, of a square bidiagonal matrix."""
    n, least = len(d), np.finfo(d.dtype).eps / 2
    scale = max(np.abs(d).max(), np.abs(e).max())
    U, V = np.eye(n, dtype=d.dtype), np.eye(n, dtype=d.dtype)
    d, e = d / scale, e / scale
    if np.abs(e).min() < least:
        whole(d, e, U, V)
        return U, d * scale, V
    # as LAPACK does; values that small have no digits
    small = np.abs(d) < least
    d[small] = np.copysign(least, d[small])
    order = conquer(Part(d, e, U, V))[::-1]
    return U[order], d[order] * scale, V.take(order, 1)


def whole(d: np.ndarray, e: np.ndarray, U: np.ndarray, V: np.ndarray) -> None:
    """Put values and vectors, in order, in the places of d, U and V: LAPACK, which sees where a matrix falls apart."""
    n, none = len(d), np.zeros(1, np.int32)
    work, places = np.empty(3 * n * n + 4 * n, d.dtype), np.empty(8 * n, np.int32)
    if routine("bdsdc", d.dtype)("U", "I", n, d, e, U, n, V, n, d, none, work, places):
        raise np.linalg.LinAlgError("SVD did not converge")


def conquer(part: Part) -> np.ndarray:
    """Put singular values and vectors in the places of d, U and V; return the order in which the values ascend."""
    d, e, U, V = part
    n = len(d)
    if n <= LEAF:
        work, places = np.empty(3 * (n + 1) ** 2 + 2 * (n + 1), d.dtype), np.empty(8 * n, np.int32)
        if routine("lasd0", d.dtype)(n, part.wide, d, e, U, part.steps[0], V, part.steps[1], QR_LEAF, places, work):
            raise np.linalg.LinAlgError("SVD did not converge")
        return np.argsort(d, kind="stable")
    row = n // 2
    beside = np.array([d[row], e[row]])
    above = Part(d[:row], e[:row], U[:row, :row], V[: row + 1, : row + 1])
    below = Part(d[row + 1 :], e[row + 1 :], U[row + 1 :, row + 1 :], V[row + 1 :, row + 1 :])
    return merged(part, row, beside, [conquer(above), conquer(below)])


def merged(part: Part, row: int, beside: np.ndarray, orders: list[np.ndarray]) -> np.ndarray:
    """Join what is above and below a row, which has two numbers, `beside`; return the order of the values."""
    d, _, U, V = part
    n, m, dtype = len(d), len(V), d.dtype
    d[row] = 0
    scale = max(np.abs(beside).max(), d.max())
    d /= scale
    beside = beside / scale
    left, indices = np.zeros(1, np.int32), np.empty((5, n), np.int32)
    indices[3, :row], indices[3, row + 1 :] = orders[0] + 1, orders[1] + 1
    z, poles, U2, V2 = np.empty(m, dtype), np.empty(n, dtype), np.empty((n, n), dtype), np.empty((m, m), dtype)
    deflate, (step, other) = routine("lasd2", dtype), part.steps
    deflate(row, n - row - 1, part.wide, left, d, z, beside[:1], beside[1:], U, step, V, other, poles, U2, n, V2, m, *indices)
    count, order = int(left[0]), indices[2].astype(np.int64) - 1
    order[0] = 0
    # the squares of tiny values, and what is divided by them, leave the range of single precision
    roots = solved(poles[:count].astype(np.float64), z[:count].astype(np.float64), 1.0, squared=True)
    d[:count] = roots.values[:count]
    d *= scale
    first, both = (int(kind) for kind in np.cumsum(indices[4, :2]) + 1)
    S, T = (roots.vectors(order[:count], side).astype(dtype, copy=False) for side in ("left", "right"))
    multiply_left(S, U2, U, row, first, both)
    multiply_right(T, V2, V, row, first, both)
    return np.argsort(d, kind="stable")


def multiply_left(S: np.ndarray, U2: np.ndarray, U: np.ndarray, row: int, first: int, both: int) -> None:
    """Write left vectors: rows from 1 to `first` of U2 are zero from `row` on, those from `first` to `both` before it."""
    count = len(S)
    np.matmul(S[1:first].T, U2[1:first, :row], out=U[:count, :row])
    if both < count:
        U[:count, :row] += S[both:].T @ U2[both:count, :row]
    U[:count, row] = S[0]
    np.matmul(S[first:].T, U2[first:count, row + 1 :], out=U[:count, row + 1 :])


def multiply_right(T: np.ndarray, V2: np.ndarray, V: np.ndarray, row: int, first: int, both: int) -> None:
    """Write right vectors, of columns that are zero likewise; the first column is everywhere."""
    count = len(T)
    np.matmul(V2[: row + 1, :first], T[:first], out=V[: row + 1, :count])
    if both < count:
        V[: row + 1, :count] += V2[: row + 1, both:count] @ T[both:]
    # where it stands the last of those that are zero below is no longer needed
    T[first - 1], V2[row + 1 :, first - 1] = T[0], V2[row + 1 :, 0]
    np.matmul(V2[row + 1 :, first - 1 : count], T[first - 1 :], out=V[row + 1 :, :count])


def svd(A: np.ndarray, full: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return U, S and Vᵀ of a matrix by columns, which is overwritten."""
    (m, n), dtype = A.shape, A.dtype
    if m < n:
        V, S, Uh = svd(np.array(A.T, order="F"), full)
        return np.array(Uh.T, order="F"), S, np.array(V.T, order="F")
    d, e, left, right = np.empty((4, n), dtype)
    work = np.empty(64 * (m + n), dtype)
    routine("gebrd", dtype)(m, n, A, m, d, e, left, right, work, len(work))
    inner, S, V = bidiagonal(d, e[: n - 1])
    U = inner
    if m > n:
        U = np.eye(m if full else n, m, dtype=dtype)
        U[:n, :n] = inner
    routine("ormbr", dtype)("Q", "L", "N", m, len(U), n, A, m, left, U, m, work, len(work))
    routine("ormbr", dtype)("P", "R", "T", n, n, n, A, m, right, V, n, work, len(work))
    return U.T, S, V.T
