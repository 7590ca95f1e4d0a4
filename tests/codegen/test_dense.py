"""The programs for large matrices, against LAPACK: sizes about the edges of tiles, strips and panels, and hard numbers."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import scipy.linalg

import lineal
from lineal.base import blas
from lineal.codegen.dense import arrays, backends
from lineal.codegen.dense.mkl import mkl, mkl_library
from lineal.codegen.dense.programs import programs
from lineal.codegen.target import LEVELS, host

SIZES = (1, 2, 7, 8, 9, 24, 25, 47, 127, 128, 129, 200, 257, 391)
DTYPES = (np.float32, np.float64)


def error(found, expected):
    return np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-30) / np.finfo(found.dtype).eps


def rows_exchanged(pivots, m):
    order = np.arange(m)
    for i, j in enumerate(pivots - 1):
        order[[i, j]] = order[[j, i]]
    return order


def product(LU, pivots):
    """Return the matrix that factors are of."""
    m, n = LU.shape
    k = min(m, n)
    L, U = np.tril(LU[:, :k], -1) + np.eye(m, k), np.triu(LU[:k])
    A = np.empty((m, n), LU.dtype)
    A[rows_exchanged(pivots, m)] = L.astype(np.float64) @ U.astype(np.float64)
    return A


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_factors(n, dtype):
    rng = np.random.default_rng(n)
    A = rng.normal(size=(n, n)).astype(dtype)
    LU, pivots, info = programs(np.dtype(dtype)).lu(A)
    assert info == 0
    assert error(product(LU, pivots), A) < 4 * n
    np.testing.assert_array_equal(pivots - 1, scipy.linalg.lu_factor(A)[1])
    S = (A @ A.T + n * np.eye(n)).astype(dtype)
    L, info = programs(np.dtype(dtype)).cholesky(np.tril(S) + np.triu(np.full_like(S, np.nan), 1))
    assert info == 0
    assert error(L @ L.T, S) < 4 * n
    assert not np.triu(L, 1).any()


@pytest.mark.parametrize("shape", [(300, 140), (140, 300), (129, 128), (1, 200), (200, 1), (263, 262)])
def test_lu_of_what_is_not_square(shape):
    A = np.random.default_rng(0).normal(size=shape)
    LU, pivots, info = programs(A.dtype).lu(A)
    assert info == 0
    assert error(product(LU, pivots), A) < 400
    np.testing.assert_array_equal(pivots - 1, scipy.linalg.lapack.dgetrf(A)[1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("columns", [1, 5, 24, 100])
def test_triangular_systems(n, columns, dtype):
    rng = np.random.default_rng(n + columns)
    A = (rng.normal(size=(n, n)) / n + 2 * np.eye(n)).astype(dtype)
    B = rng.normal(size=(n, columns)).astype(dtype)
    for upper in (False, True):
        for unit in (False, True):
            # what lies in the other triangle, or on a diagonal that counts as 1, is not read
            read = (np.triu if upper else np.tril)(np.ones((n, n), bool), (1 if upper else -1) * unit)
            given = np.where(read, A, np.nan).astype(dtype)
            expected = scipy.linalg.solve_triangular(A.astype(float), B, lower=not upper, unit_diagonal=unit)
            for each in (given, np.asfortranarray(given)):
                X = B.copy()
                programs(np.dtype(dtype)).solve(each, X, upper, unit)
                assert error(X, expected) < 4 * n


@pytest.mark.parametrize("n", [130, 300])
def test_systems_by_factors(n):
    rng = np.random.default_rng(n)
    A, B = rng.normal(size=(n, n)), rng.normal(size=(n, 7))
    LU, pivots, _ = arrays.lu_factor(A)
    np.testing.assert_allclose(A @ arrays.lu_solve(LU, pivots, B), B, atol=1e-9)
    np.testing.assert_allclose(A.T @ arrays.lu_solve(LU, pivots, B, True), B, atol=1e-9)
    np.testing.assert_allclose(arrays.lu_inverse(LU, pivots) @ A, np.eye(n), atol=1e-9)
    # LAPACK's factors lie by columns
    np.testing.assert_allclose(A @ arrays.lu_solve(np.asfortranarray(LU), pivots, B), B, atol=1e-9)
    estimate, true = arrays.inverse_norm1(LU), np.abs(np.linalg.inv(A)).sum(0).max()
    assert true / 3 < estimate <= true * 1.0001


def test_a_singular_matrix_is_told_and_comes_to_an_end():
    A = np.random.default_rng(0).normal(size=(300, 300))
    A[:, 170] = A[:, 20]
    A[:, 200] = 0
    expected = scipy.linalg.lapack.dgetrf(A)
    LU, pivots, info = programs(A.dtype).lu(np.asfortranarray(A).copy())
    assert error(product(LU, pivots), A) < 1000
    assert info in (0, expected[2], 171, 201)
    LU, _, info = programs(A.dtype).lu(np.zeros((150, 150)))
    assert info == 1
    assert not LU.any()
    assert not np.isfinite(arrays.inverse_norm1(LU))


def test_the_leading_minor_that_is_not_positive_is_told():
    for n, place in ((10, 0), (10, 9), (300, 0), (300, 127), (300, 128), (300, 299)):
        A = np.eye(n)
        A[place, place] = -1
        assert programs(A.dtype).cholesky(A)[1] == place + 1
    A = np.eye(200)
    A[150, 3] = np.nan
    assert programs(A.dtype).cholesky(A)[1] == 151
    assert np.isnan(arrays.cholesky(A, False)).all()


@pytest.mark.parametrize("number", [np.nan, np.inf, 5e-324, 1e308])
def test_hard_numbers_come_to_an_end(number):
    A = np.random.default_rng(0).normal(size=(260, 260))
    A[130:140, 20:200] = number
    with np.errstate(all="ignore"):
        LU, pivots, _ = arrays.lu_factor(A)
        arrays.lu_solve(LU, pivots, A[:, :40])
        arrays.inverse_norm1(LU)
        arrays.cholesky(A @ A.T, False)
    assert sorted(rows_exchanged(pivots, 260)) == list(range(260))


def test_tiny_pivots_are_divided_by_not_multiplied_with_reciprocals():
    A = np.random.default_rng(0).normal(size=(200, 200)) * 1e-309
    LU, _, info = programs(A.dtype).lu(A)
    assert info == 0
    assert np.isfinite(LU).all()
    assert np.abs(np.tril(LU, -1)).max() <= 1


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_do_not_depend_on_threads_nor_on_who_else_computes(threads):
    A = np.random.default_rng(0).normal(size=(500, 500))
    before, expected = lineal.get_num_threads(), programs(A.dtype).lu(A)[0]
    try:
        lineal.set_num_threads(threads)
        found = []
        callers = [threading.Thread(target=lambda: found.append(programs(A.dtype).lu(A)[0])) for _ in range(3)]
        for each in callers:
            each.start()
        for each in callers:
            each.join()
    finally:
        lineal.set_num_threads(before)
    assert len(found) == 3
    for each in found:
        np.testing.assert_array_equal(each, expected)


OLDER = """
import numpy as np, scipy.linalg
from lineal.codegen.dense import arrays
for dtype in (np.float32, np.float64):
    A = np.random.default_rng(0).normal(size=(203, 203)).astype(dtype)
    LU, pivots, info = arrays.lu_factor(A)
    reference, order = scipy.linalg.lu_factor(A)
    assert (pivots - 1 == order).all() and np.abs(LU - reference).max() < 1e5 * np.finfo(dtype).eps
    X = arrays.lu_solve(LU, pivots, A)
    assert np.abs(X - np.eye(203)).max() < 1e5 * np.finfo(dtype).eps
    S = A @ A.T + 203 * np.eye(203, dtype=dtype)
    assert np.abs(arrays.cholesky(S, True) - np.linalg.cholesky(S).T).max() < 1e5 * np.finfo(dtype).eps
"""


@pytest.mark.parametrize("level", [name for name, (_, bits, *_) in LEVELS.items() if bits < host().bits])
def test_older_processors(level):
    environment = {**os.environ, "LINEAL_SIMD": level}
    result = subprocess.run([sys.executable, "-c", OLDER], env=environment, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(mkl_library() is None, reason="mkl is not installed")
def test_mkl_has_the_same_methods():
    own, other = programs(np.dtype(np.float64)), mkl(np.dtype(np.float64))
    A = np.random.default_rng(0).normal(size=(150, 150))
    B, S = A[:, :20].copy(), A @ A.T + np.eye(150)
    for mine, its in zip(own.lu(A), other.lu(A)):
        np.testing.assert_allclose(its, mine, atol=1e-10)
    np.testing.assert_allclose(other.cholesky(S)[0], own.cholesky(S)[0], atol=1e-10)
    assert other.cholesky(-S)[1] == own.cholesky(-S)[1] == 1
    for upper in (False, True):
        for each in (S, np.triu(S), np.tril(S).T):
            X, Y = B.copy(), B.copy()
            own.solve(each, X, upper, False)
            other.solve(each, Y, upper, False)
            np.testing.assert_allclose(X, Y, rtol=1e-6)


def test_the_choice(monkeypatch):
    assert lineal.get_blas() in ("auto", "own", "mkl")
    monkeypatch.setattr(blas, "CHOSEN", {})
    lineal.set_blas("own")
    assert backends.chosen(np.dtype(np.float64)) is programs(np.dtype(np.float64))
    assert "native programs" in backends.described()
    lineal.set_blas("mkl")
    if mkl_library() is None:
        with pytest.raises(RuntimeError, match="mkl"):
            backends.chosen(np.dtype(np.float64))
    else:
        assert "mkl_rt" in backends.described()
    with pytest.raises(ValueError, match="openblas"):
        lineal.set_blas("openblas")
