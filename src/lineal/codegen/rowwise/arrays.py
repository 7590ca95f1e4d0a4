"""The kernels as functions of NumPy arrays; `choice` says who is to use them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lineal.base import later
from lineal.codegen.choice import LARGEST_WITHIN

__all__ = ["Solved", "cholesky", "eigh", "eliminate", "halved", "orthogonal", "qr", "solve", "svd", "triangle"]

# one placeholder for all the code generators: each costs a search at import
cholesky_of: Any = later.module("lineal.codegen.rowwise.cholesky")
elimination: Any = later.module("lineal.codegen.rowwise.elimination")
reflections: Any = later.module("lineal.codegen.rowwise.reflections")
spectra: Any = later.module("lineal.codegen.rowwise.spectra")

BLOCK = 8
"""How many times as many rows as columns a block has that is reduced at once (measured)."""


class Solved(NamedTuple):
    """What elimination gives: X, 0 or the place of the first zero pivot, and per matrix what the kernel has found."""

    X: np.ndarray
    info: np.ndarray
    findings: np.ndarray

    @property
    def det(self) -> np.ndarray:
        """The determinants."""
        parts = 1 + (self.X.dtype.kind == "c")
        return np.ascontiguousarray(self.findings[..., :parts]).view(self.X.dtype)[..., 0]

    @property
    def norms(self) -> np.ndarray:
        """The matrices' Frobenius norms."""
        return np.sqrt(self.findings[..., 2])

    @property
    def sizes(self) -> np.ndarray:
        """The Frobenius norms of what the probes have for solutions."""
        return np.sqrt(self.findings[..., 3])

    @property
    def least(self) -> np.ndarray:
        """The least of the largest numbers of the solutions, column by column."""
        return self.findings[..., 4]

    @property
    def greatest(self) -> np.ndarray:
        """The greatest of these."""
        return self.findings[..., 5]

    @property
    def error(self) -> np.ndarray:
        """The largest numbers that the solutions for the probes leave of these, if that was asked for."""
        return self.findings[..., 6]


def stack(a: np.ndarray) -> np.ndarray:
    """Return the matrices of a stack, row by row, in one dense array with one leading dimension; a single one as it is."""
    if a.ndim == 2:
        return a if a.flags.carray else np.require(a, requirements=["C", "A"])
    return np.require(a, requirements=["C", "A"]).reshape(-1, *a.shape[-2:])


def eliminate(A: np.ndarray, V: np.ndarray | None = None) -> Solved:
    """Return the determinants, and what probes V tell."""
    return solve(A, np.empty((A.shape[-1], 0), A.dtype) if V is None else V, 0)


def solve(A: np.ndarray, B: np.ndarray, kept: int, checked: bool = False) -> Solved:
    """Return the first columns of A⁻¹ B and what the others, probes, tell; B may be one matrix for all.

    `checked`: it is asked what the solutions for the probes leave of these.
    """
    *batch, n, _ = A.shape
    columns, given, right = B.shape[-1], stack(A), stack(B)
    X, info = np.empty((*batch, n, kept), A.dtype), np.empty(batch, np.int32)
    findings = np.empty((*batch, elimination.FINDINGS), A.dtype.char.lower())
    arrays = given, right, X, info, findings
    if not batch:
        alone(A.dtype, n, columns, kept, checked)(*arrays)
        return Solved(X, info, findings)
    left, chunks, memory = elimination.memory_of(A.dtype, n, columns)
    sizes = n, columns, kept, 0 if B.ndim == 2 else n * columns, left, chunks, checked
    elimination.solver(A.dtype)(arrays, sizes, memory, len(given), n * n * (n // 3 + columns))
    return Solved(X, info, findings)


@lru_cache(256)
def alone(dtype: np.dtype, n: int, columns: int, kept: int, checked: bool) -> Callable[..., bool]:
    """Return the kernel for single matrices of one size."""
    left, chunks, memory = elimination.memory_of(dtype, n, columns)
    return elimination.solver(dtype).alone((n, columns, kept, 0, left, chunks, checked), memory)


@lru_cache(256)
def cholesky_alone(dtype: np.dtype, n: int) -> Callable[..., bool]:
    """Return the kernel for single matrices of one size."""
    chunks, memory = cholesky_of.memory_of(dtype, n)
    return cholesky_of.factored(dtype).alone((n, chunks), memory)


def eigh(A: np.ndarray, uplo: str, vectors: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues, ascending, and the eigenvectors, if they are wanted; LinAlgError if a matrix has none."""
    values, V, info = spectra.eigh(A, uplo == "L", vectors)
    if info.any():
        raise np.linalg.LinAlgError("Eigenvalues did not converge")
    return values, V


def svd(A: np.ndarray, job: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return U, S and Vᴴ, of which the job "A" wants all, "S" the reduced ones, "N" neither U nor Vᴴ."""
    U, S, Vh, info = spectra.svd(A, job)
    if info.any():
        raise np.linalg.LinAlgError("SVD did not converge")
    return U, S, Vh


def qr(A: np.ndarray, complete: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return Q and R, all of Q if `complete`, else its first min(m, n) columns."""
    *batch, m, n = A.shape
    given, k = stack(A), m if complete else min(m, n)
    Q, R = np.empty((*batch, m, k), A.dtype), np.empty((*batch, k, n), A.dtype)
    if not batch:
        qr_alone(A.dtype, m, n, k)(given, Q, R)
        return Q, R
    wide, narrow, memory = reflections.memory_of(A.dtype, m, n, k)
    reflections.factored(A.dtype)((given, Q, R), (m, n, k, k, wide, narrow), memory, len(given), 2 * m * n * k)
    return Q, R


def halved(shape: tuple[int, ...]) -> bool:
    """Return whether a matrix has enough rows that blocks of them are reduced one by one."""
    m, n = shape
    return 0 < n <= LARGEST_WITHIN and m >= 2 * BLOCK * n


def triangle(A: np.ndarray) -> np.ndarray:
    """Return R of A = Q R for a matrix of many rows: blocks of rows are reduced at once, then what is left of them.

    Demmel, Grigori, Hoemmen and Langou (2012), SIAM J. Sci. Comput. 34.
    """
    n = A.shape[1]
    while halved(A.shape):
        rows = BLOCK * n
        count = -(-len(A) // rows)
        blocks = np.zeros((count * rows, n), A.dtype)
        blocks[: len(A)] = A
        A = reduced(blocks.reshape(count, rows, n)).reshape(-1, n)
    return reduced(A[None])[0]


def reduced(A: np.ndarray) -> np.ndarray:
    """Return R alone of each A = Q R."""
    count, m, n = A.shape
    R = np.empty((count, min(m, n), n), A.dtype)
    wide, narrow, memory = reflections.memory_of(A.dtype, m, n, 0)
    sizes = m, n, 0, R.shape[1], wide, narrow
    reflections.factored(A.dtype)((stack(A), R, R), sizes, memory, count, m * n * n)
    return R


def cholesky(A: np.ndarray) -> np.ndarray:
    """Return the lower factors of matrices whose lower triangle is read; NaN for one that is not positive definite."""
    *batch, n, _ = A.shape
    given, L, info = stack(A), np.empty(A.shape, A.dtype), np.empty(batch, np.int32)
    if not batch:
        cholesky_alone(A.dtype, n)(given, L, info)
        if info[()]:
            L.fill(np.nan)
        return L
    chunks, memory = cholesky_of.memory_of(A.dtype, n)
    cholesky_of.factored(A.dtype)((given, L, info), (n, chunks), memory, len(given), n**3 // 4)
    if info.any():
        L[info != 0] = np.nan
    return L


@lru_cache(256)
def qr_alone(dtype: np.dtype, m: int, n: int, k: int) -> Callable[..., bool]:
    """Return the kernel for single matrices of one size."""
    wide, narrow, memory = reflections.memory_of(dtype, m, n, k)
    return reflections.factored(dtype).alone((m, n, k, k, wide, narrow), memory)


def orthogonal(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Q, by columns, and R of one matrix with at least as many rows as columns."""
    return spectra.orthogonal(A)
