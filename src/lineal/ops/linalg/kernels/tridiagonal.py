"""Eigenvectors of symmetric matrices by divide and conquer, its larger steps by native code.

Cuppen (1981), Numer. Math. 36; Gu and Eisenstat (1995), SIAM J. Matrix Anal. Appl. 16. LAPACK makes the matrix tridiagonal,
solves small parts, says what deflates (laed2), and takes the vectors back; roots and vectors of secular equations are
`codegen`'s.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lineal.codegen.contract.arrays import multiply
from lineal.codegen.dense.lapack import routine
from lineal.codegen.dense.secular import solved

LEAF = 128
"""Up to how many rows LAPACK solves a tridiagonal problem whole (measured, 2026-11-30)."""


class Part(NamedTuple):
    """Diagonal, off-diagonal, and memory for the eigenvectors as rows: those of a part of the matrix are views."""

    d: np.ndarray
    e: np.ndarray
    V: np.ndarray

    def piece(self, start: int, stop: int) -> Part:
        return Part(self.d[start:stop], self.e[start : stop - 1], self.V[start:stop, start:stop])


def tridiagonal(d: np.ndarray, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues, ascending, and eigenvectors, as rows, of the matrix with diagonal d and e on both sides of it."""
    n = len(d)
    scale = max(np.abs(d).max(), np.abs(e).max(initial=0))
    if not scale:
        return d, np.eye(n, dtype=d.dtype)
    part = Part(d / scale, e / scale, np.zeros((n, n), d.dtype))
    if routine("stedc", d.dtype).together([arguments(each) for each in torn(part)]):
        raise np.linalg.LinAlgError("Eigenvalues did not converge")
    order = joined(part)
    return part.d[order] * scale, part.V[order]


def torn(part: Part) -> list[Part]:
    """Take rank-1 matrices from between the halves of a matrix, of its halves and so on; return what small parts are left."""
    half = len(part.d) // 2
    if len(part.d) <= LEAF:
        return [part]
    part.d[half - 1 : half + 1] -= abs(part.e[half - 1])
    return torn(part.piece(0, half)) + torn(part.piece(half, len(part.d)))


def arguments(part: Part) -> tuple[Any, ...]:
    """Return what LAPACK is given to put eigenvalues and eigenvectors in the places of diagonal and memory."""
    n, step = len(part.d), part.V.strides[0] // part.V.itemsize
    work, places = np.empty(1 + 4 * n + n * n, part.d.dtype), np.empty(3 + 5 * n, np.int32)
    return "I", n, part.d, part.e, part.V, step, work, len(work), places, len(places)


def joined(part: Part) -> np.ndarray:
    """Do the same for all of a matrix, when its parts are done; return the order in which the values ascend."""
    n = len(part.d)
    if n <= LEAF:
        return np.arange(n)
    half = n // 2
    return merged(part, half, [joined(part.piece(0, half)), joined(part.piece(half, n))])


def merged(part: Part, half: int, orders: list[np.ndarray]) -> np.ndarray:
    """Join two halves, of which a rank-1 matrix was taken; return the order of the values."""
    d, e, V = part
    n, dtype, step = len(d), d.dtype, V.strides[0] // V.itemsize
    z = np.concatenate((V[:half, half - 1], V[half:, half]))
    rho, (poles, weights), columns = e[half - 1 : half].copy(), np.empty((2, n), dtype), np.empty(n * n, dtype)
    left, indices = np.zeros(1, np.int32), np.empty((5, n), np.int32)
    order, kinds = indices[0], indices[4]
    order[:] = np.concatenate(orders) + 1
    deflate = routine("laed2", dtype)
    deflate(left, n, half, d, V, step, order, rho, z, poles, weights, columns, *indices[1:])
    count = int(left[0])
    if not count:
        return np.arange(n)
    roots = solved(poles[:count], weights[:count], float(rho[0]))
    S = roots.vectors(indices[2, :count] - np.int64(1))
    d[:count] = roots.values[:count]
    upper, both, lower = (int(kind) for kind in kinds[:3])
    first, second = upper + both, both + lower
    above, below = columns[: first * half], columns[first * half : first * half + second * (n - half)]
    multiply(S[:first].T, above.reshape(first, half), V[:count, :half])
    multiply(S[upper : upper + second].T, below.reshape(second, n - half), V[:count, half:])
    return np.argsort(d, kind="stable")


def eigh(A: np.ndarray, lower: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues, ascending, and eigenvectors of a symmetric matrix by columns, which is overwritten."""
    n, dtype = len(A), A.dtype
    d, e, tau = np.empty((3, n), dtype)
    letter, work = "L" if lower else "U", np.empty(64 * n, dtype)
    routine("sytrd", dtype)(letter, n, A, n, d, e, tau, work, len(work))
    values, V = tridiagonal(d, e[: n - 1])
    routine("ormtr", dtype)("L", letter, "N", n, n, A, n, tau, V, n, work, len(work))
    return values, V.T
