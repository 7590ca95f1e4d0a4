"""Singular vectors by divide and conquer, its larger steps by native code.

Gu and Eisenstat (1995), A divide-and-conquer algorithm for the bidiagonal SVD, SIAM J. Matrix Anal. Appl. 16. LAPACK makes the
matrix bidiagonal, solves small parts, says what deflates (lasd2), and takes the vectors back; roots and vectors of secular
equations are `codegen`'s.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lineal.codegen.contract.arrays import multiply
from lineal.codegen.dense.lapack import routine
from lineal.codegen.dense.secular import solved

LEAF, QR_LEAF = 128, 16
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
    def above(self) -> Part:
        """What is above the middle row."""
        row = len(self.d) // 2
        return Part(self.d[:row], self.e[:row], self.U[:row, :row], self.V[: row + 1, : row + 1])

    @property
    def below(self) -> Part:
        """What is below the middle row."""
        next_ = len(self.d) // 2 + 1
        return Part(self.d[next_:], self.e[next_:], self.U[next_:, next_:], self.V[next_:, next_:])

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
    part = Part(d, e, U, V)
    if routine("lasd0", d.dtype).together([arguments(each) for each in leaves(part)]):
        raise np.linalg.LinAlgError("SVD did not converge")
    order = joined(part)[::-1]
    return U[order], d[order] * scale, V.take(order, 1)


def whole(d: np.ndarray, e: np.ndarray, U: np.ndarray, V: np.ndarray) -> None:
    """Put values and vectors, in order, in the places of d, U and V: LAPACK, which sees where a matrix falls apart."""
    n, none = len(d), np.zeros(1, np.int32)
    work, places = np.empty(3 * n * n + 4 * n, d.dtype), np.empty(8 * n, np.int32)
    if routine("bdsdc", d.dtype)("U", "I", n, d, e, U, n, V, n, d, none, work, places):
        raise np.linalg.LinAlgError("SVD did not converge")


def leaves(part: Part) -> list[Part]:
    """Return the parts that are small, which the others join."""
    return [part] if len(part.d) <= LEAF else leaves(part.above) + leaves(part.below)


def arguments(part: Part) -> tuple[Any, ...]:
    """Return what LAPACK is given to put singular values and vectors in the places of d, U and V."""
    n = len(part.d)
    work, places = np.empty(3 * (n + 1) ** 2 + 2 * (n + 1), part.d.dtype), np.empty(8 * n, np.int32)
    return n, part.wide, part.d, part.e, part.U, part.steps[0], part.V, part.steps[1], QR_LEAF, places, work


def joined(part: Part) -> np.ndarray:
    """Do the same for all of a matrix, when its parts are done; return the order in which the values ascend."""
    if len(part.d) <= LEAF:
        return np.argsort(part.d, kind="stable")
    return merged(part, [joined(part.above), joined(part.below)])


def merged(part: Part, orders: list[np.ndarray]) -> np.ndarray:
    """Join what is above and below the middle row, which has two numbers itself; return the order of the values."""
    d, e, U, V = part
    n, m, dtype, row = len(d), len(V), d.dtype, len(d) // 2
    beside, d[row] = np.array([d[row], e[row]]), 0
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
    multiply(S[1:first].T, U2[1:first, :row], U[:count, :row])
    if both < count:
        U[:count, :row] += S[both:].T @ U2[both:count, :row]
    U[:count, row] = S[0]
    multiply(S[first:].T, U2[first:count, row + 1 :], U[:count, row + 1 :])


def multiply_right(T: np.ndarray, V2: np.ndarray, V: np.ndarray, row: int, first: int, both: int) -> None:
    """Write right vectors, of columns that are zero likewise; the first column is everywhere."""
    count = len(T)
    multiply(V2[: row + 1, :first], T[:first], V[: row + 1, :count])
    if both < count:
        V[: row + 1, :count] += V2[: row + 1, both:count] @ T[both:]
    # where it stands the last of those that are zero below is no longer needed
    T[first - 1], V2[row + 1 :, first - 1] = T[0], V2[row + 1 :, 0]
    multiply(V2[row + 1 :, first - 1 : count], T[first - 1 :], V[row + 1 :, :count])


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
