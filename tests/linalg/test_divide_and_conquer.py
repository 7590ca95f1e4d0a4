"""Divide and conquer in many small steps, of matrices that deflate, cluster or nearly fall apart: as exact as LAPACK."""

import numpy as np
import pytest

from lineal.codegen.dense.secular import solved
from lineal.ops.linalg.kernels import bidiagonal, tridiagonal

N = 75
I = np.arange(N)
DTYPES = [np.float32, np.float64]
RANDOM = np.random.default_rng(0).normal(size=(2, N))
GALLERY = {
    "random": (RANDOM[0], RANDOM[1, 1:]),
    "differences": (np.full(N, 2.0), -np.ones(N - 1)),
    "Wilkinson's": (abs(I - N // 2), np.ones(N - 1)),
    "glued": (abs(I % 15 - 7.0), np.where(I[1:] % 15, 1, 1e-7)),
    "graded down": (10 ** (-I / 9), 0.5 * 10 ** (-I[1:] / 9)),
    "graded up": (10 ** (I / 9 - 8), 0.5 * 10 ** (I[1:] / 9 - 8)),
    "no diagonal": (np.zeros(N), np.ones(N - 1)),
    "nearly no diagonal": (RANDOM[0] * 1e-6, np.ones(N - 1)),
    "two values": (np.where(I % 2, 1, -1), np.full(N - 1, 1e-4)),
    "nearly one value": (np.ones(N), 1e-6 * RANDOM[1, 1:]),
    "one value": (np.ones(N), np.zeros(N - 1)),
    "of low rank": (np.where(I < 5, 1, 1e-9), np.full(N - 1, 1e-5)),
    "Kahan's": (0.5 ** (I / 4), -(0.5 ** (1 + I[:-1] / 4))),
    "in two pieces": (np.ones(N), np.where(I[1:] == N // 2, 0, 1)),
}


def close(found, wanted, scale, dtype):
    """Return whether numbers are the wanted ones but for 40 roundings, which are many for LAPACK at this size."""
    return np.abs(found - wanted).max() <= 40 * np.finfo(dtype).eps * scale


@pytest.fixture(autouse=True)
def small_leaves(monkeypatch):
    monkeypatch.setattr(tridiagonal, "LEAF", 5)
    monkeypatch.setattr(bidiagonal, "LEAF", 5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("matrix", GALLERY.values(), ids=GALLERY)
def test_eigenvectors_of_tridiagonal_matrices(matrix, dtype):
    d, e = (x.astype(dtype) for x in matrix)
    A = np.diag(d.astype(float)) + np.diag(e.astype(float), 1) + np.diag(e.astype(float), -1)
    values, V = (x.astype(float) for x in tridiagonal.tridiagonal(d, e))
    scale = np.abs(values).max()
    assert (np.diff(values) >= 0).all() and close(values, np.linalg.eigvalsh(A), scale, dtype)
    assert close(A @ V.T, V.T * values, scale, dtype) and close(V @ V.T, np.eye(N), 1, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("matrix", GALLERY.values(), ids=GALLERY)
def test_singular_vectors_of_bidiagonal_matrices(matrix, dtype):
    d, e = (x.astype(dtype) for x in matrix)
    A = np.diag(d.astype(float)) + np.diag(e.astype(float), 1)
    U, S, V = (x.astype(float) for x in bidiagonal.bidiagonal(d, e))
    assert (np.diff(S) <= 0).all() and (S >= 0).all() and close(S, np.linalg.svd(A)[1], S[0], dtype)
    assert close((U.T * S) @ V.T, A, S[0], dtype)
    assert close(U @ U.T, np.eye(N), 1, dtype) and close(V.T @ V, np.eye(N), 1, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 2, 3, 16, 17, 70])
def test_roots_lie_between_poles_and_are_those_of_a_rank_one_update(count, dtype):
    rng = np.random.default_rng(count)
    d, z = (
        np.sort(rng.normal(size=count)).astype(dtype),
        (rng.normal(size=count) * 10 ** rng.uniform(-3, 0, count)).astype(dtype),
    )
    roots, update = solved(d, z, 0.5), np.outer(z, z).astype(float) / 2
    values = roots.values[:count]
    assert (values >= d).all() and (values[:-1] <= d[1:]).all()
    A = np.diag(d.astype(float)) + update
    assert close(values, np.linalg.eigvalsh(A), np.abs(values).max(), dtype)
    V = roots.vectors(np.arange(count)).astype(float)
    assert close(V.T @ V, np.eye(count), 1, dtype) and close(A @ V, V * values, np.abs(values).max(), dtype)
