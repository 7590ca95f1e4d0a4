"""Eigenvalues of Hermitian matrices and singular values by LAPACK, for stacks on all threads."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lineal.codegen.rowwise.kernel import real_of
from lineal.codegen.rowwise.lapack import Argument, Own, call_each, optimal

__all__ = ["eigh", "orthogonal", "svd"]

WORKSPACE = 64
"""How many columns LAPACK may keep in its workspace."""


def eigh(A: np.ndarray, lower: bool, vectors: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the eigenvalues, ascending, the eigenvectors (anything if they are not wanted), and LAPACK's info."""
    *batch, n, _ = A.shape
    # what lies by rows LAPACK sees as the transpose: the conjugate, its triangles exchanged
    V = np.array(A.conj() if A.dtype.kind == "c" else A, order="C")
    values, info, count = np.empty((*batch, n), real_of(A.dtype)), np.empty(batch, np.int32), V.size // (n * n)
    is_complex = A.dtype.kind == "c"
    sizes = (n * n + 2 * n, 1 + 5 * n + 2 * n * n) if is_complex else (1 + 6 * n + 2 * n * n,)
    memory: list[Argument] = []
    for dtype, size in (*zip((A.dtype, real_of(A.dtype)), sizes), (np.int32, 3 + 5 * n)):
        memory += [Own(dtype, size), size]
    given = ("V" if vectors else "N", "U" if lower else "L", n, V, n, values, *memory, info)
    call_each("heevd" if is_complex else "syevd", A.dtype, count, given, 6 * n**3)
    return values, np.ascontiguousarray(V.mT) if vectors else V, info


def svd(A: np.ndarray, job: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return U, S, Vᴴ and LAPACK's info; all of U and Vᴴ for the job "A", the reduced ones for "S", neither for "N"."""
    *batch, m, n = A.shape
    given, k = np.array(A, order="C"), min(m, n)
    left, right = {"A": (m, n), "S": (k, k), "N": (1, 1)}[job]
    U, Vh = np.empty((*batch, m, left), A.dtype), np.empty((*batch, right, n), A.dtype)
    S, info = np.empty((*batch, k), real_of(A.dtype)), np.empty(batch, np.int32)
    # what lies by rows LAPACK sees as the transpose, of which U and Vᴴ are the other factors' transposes
    arguments = [job, n, m, given, n, S, Vh, n, U, left, *memory_of(A.dtype, m, n, job), info]
    call_each("gesdd", A.dtype, given.size // (m * n), arguments, 8 * m * n * k)
    return U, S, Vh, info


@lru_cache(256)
def memory_of(dtype: np.dtype, m: int, n: int, job: str) -> tuple[Argument, ...]:
    """Return the memory that a singular value decomposition needs."""
    k, long = min(m, n), max(m, n)
    rest: list[Argument] = [Own(np.int32, 8 * k)]
    if dtype.kind == "c":
        rest.insert(0, Own(real_of(dtype), max(5 * k * k + 7 * k, 2 * long * k + 2 * k * k + k)))
    nothing = np.empty(1, dtype)
    size = optimal("gesdd", dtype, [job, n, m, nothing, n, nothing, nothing, n, nothing, m, nothing, -1, *rest, nothing], 10)
    return (Own(dtype, size), size, *rest)


def orthogonal(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Q, by columns, and R of one matrix with at least as many rows as columns."""
    m, n = A.shape
    columns, tau, info = np.array(A.T, order="C"), np.empty(n, A.dtype), np.empty(1, np.int32)
    size = n * WORKSPACE
    call_each("geqrf", A.dtype, 1, (m, n, columns, m, tau, Own(A.dtype, size), size, info), 1)
    R = np.triu(columns[:, :n].T)
    name = "ungqr" if A.dtype.kind == "c" else "orgqr"
    call_each(name, A.dtype, 1, (m, n, n, columns, m, tau, Own(A.dtype, size), size, info), 1)
    return columns.T, R
