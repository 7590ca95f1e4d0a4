"""Eigenvalues and singular values of larger matrices: LAPACK, matrix by matrix, in the precision of what is given.

NumPy hands LAPACK float64 copies of matrices in single precision, which takes twice as long, and lays results by rows. Those of
these functions lie by columns, as LAPACK leaves them and PyTorch gives them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from lineal.base import later
from lineal.base.threads import Threads, openblas
from lineal.codegen.dense.lapack import serial
from lineal.ops.linalg.kernels import bidiagonal, tridiagonal

scipy: Any = later.module("scipy")

LEAST_EIGH, LEAST_SVD = 160, 200
"""From how many rows on divide and conquer is not LAPACK's (measured, 2026-11-30)."""
LEAST_SHARED = 256
"""From how many rows on OpenBLAS's threads share LAPACK's steps; with fewer they wait longer than they work (measured)."""
TALL = 11 / 6
"""From how many rows a column on LAPACK takes QR factors first."""


def routine(name: str, dtype: np.dtype) -> Any:
    """Return SciPy's function for a LAPACK routine."""
    return scipy.linalg.lapack.get_lapack_funcs(name, dtype=dtype)


def each(decompose: Callable[..., tuple[np.ndarray, ...]], A: np.ndarray, *given: Any) -> tuple[np.ndarray, ...]:
    """Return the parts of one matrix, or those of all matrices of a stack, each in one array."""
    told = None if Threads.chosen is None else openblas("scipy", "scipy_openblas_set_num_threads")
    if told is not None:
        # NumPy's was told when the number was chosen
        told(Threads.chosen)
    with serial(max(A.shape[-2:]) < LEAST_SHARED):
        if A.ndim == 2:
            return decompose(A, *given)
        parts = zip(*(decompose(A[place], *given) for place in np.ndindex(A.shape[:-2])))
    stacked = (np.stack([x.mT if x.ndim > 1 else x for x in part]).reshape(*A.shape[:-2], *part[0].T.shape) for part in parts)
    return tuple(x.mT if x.ndim == A.ndim else x for x in stacked)


def ended(info: int, what: str) -> None:
    """Raise what NumPy raises if an iteration did not come to an end."""
    if info:
        raise np.linalg.LinAlgError(f"{what} did not converge")


def eigh(A: np.ndarray, uplo: Literal["L", "U"], vectors: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues, ascending, and, if asked for, the vectors of a Hermitian matrix, of which a triangle is read."""
    real, lower = not np.iscomplexobj(A), uplo == "L"
    # by rows, the other triangle of a symmetric matrix is the same numbers
    given, lower = (A.T, not lower) if real and A.flags.c_contiguous else (A, lower)
    given = np.array(given, order="F")
    if vectors and real and len(A) >= LEAST_EIGH and moderate(given):
        return tridiagonal.eigh(given, lower)
    run = routine("syevd" if real else "heevd", A.dtype)
    values, V, info = run(given, compute_v=vectors, lower=lower, overwrite_a=True)
    ended(info, "Eigenvalues")
    return values, V


def moderate(A: np.ndarray) -> bool:
    """Return whether squares of the numbers neither overflow nor vanish; LAPACK scales other matrices."""
    known, largest = np.finfo(A.dtype), max(A.max(), -A.min())
    least = np.sqrt(known.tiny / known.eps)
    return bool(least < largest < 1 / least)


def svd(A: np.ndarray, full: bool, vectors: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return U, S and Vᴴ of one matrix; S alone makes sense if no `vectors` are asked for."""
    (most, least), real = sorted(A.shape, reverse=True), not np.iscomplexobj(A)
    if vectors and real and least >= LEAST_SVD and most < TALL * least and moderate(A):
        return bidiagonal.svd(np.array(A, order="F"), full)
    asked = {"compute_uv": vectors, "full_matrices": full}
    size = routine("gesdd_lwork", A.dtype)(*A.shape, **asked)[0].real
    run = routine("gesdd", A.dtype)
    # single precision may have rounded the size of the workspace down
    U, S, Vh, info = run(np.array(A, order="F"), lwork=int(np.nextafter(size, np.inf)), overwrite_a=True, **asked)
    ended(info, "SVD")
    return U, S, Vh


def eig(A: np.ndarray, vectors: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues and, if asked for, the eigenvectors of one matrix, both complex."""
    run = routine("geev", A.dtype)
    *values, _, V, info = run(np.array(A, order="F"), compute_vl=False, compute_vr=vectors, overwrite_a=True)
    ended(info, "Eigenvalues")
    if len(values) == 1:
        return values[0], V
    real, imaginary = values
    return real + 1j * imaginary, paired(V, imaginary) if vectors else V


def paired(V: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """Return eigenvectors of a real matrix from LAPACK's columns: of a conjugate pair, real and imaginary part of the first."""
    found: Any = V.astype(np.result_type(V, np.complex64), order="F")
    first = np.flatnonzero(imaginary > 0)
    found.imag[:, first] = V[:, first + 1]
    found[:, first + 1] = found[:, first].conj()
    return found
