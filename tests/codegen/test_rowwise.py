"""Kernels matrix by matrix against LAPACK in double precision: every dtype, sizes about the edges of vectors and tiles."""

import numpy as np
import pytest

from lineal.codegen.rowwise import arrays
from lineal.ops.linalg.kernels.decompositions import is_tall, svd

DTYPES = ("float32", "float64", "complex64", "complex128")
SIZES = (1, 2, 3, 5, 8, 16, 17, 33, 64, 97)
dtypes = pytest.mark.parametrize("dtype", DTYPES)


def stack(dtype, *shape):
    random = np.random.default_rng(shape)
    x = random.standard_normal((2, 3, *shape))
    return (x + 1j * random.standard_normal(x.shape) if dtype.startswith("c") else x).astype(dtype)


def eps(dtype):
    return np.finfo(dtype).eps


def adjoint(x):
    return x.conj().mT


def orthonormal(Q):
    return np.abs(adjoint(Q) @ Q - np.eye(Q.shape[-1])).max() <= 30 * eps(Q.dtype)


@dtypes
def test_elimination(dtype):
    for n in SIZES:
        A, B, V = stack(dtype, n, n) + 3 * np.eye(n, dtype=dtype), stack(dtype, n, 3), stack(dtype, n, 2)
        found = arrays.solve(A, np.concatenate((B, V), -1), 3, checked=True)
        W, precise = np.linalg.solve(A.astype("D"), V), A.astype("D")
        condition = np.linalg.cond(precise).max()
        assert np.abs(A @ found.X - B).max() <= 10 * n * eps(dtype) * np.abs(A).max() * np.abs(found.X).max()
        if n <= 33:
            np.testing.assert_allclose(np.linalg.det(precise) / found.det, 1, atol=10 * eps(dtype) * condition * n)
        np.testing.assert_allclose(found.norms, np.linalg.norm(A, axis=(-2, -1)), rtol=n * eps(dtype) + 1e-6)
        np.testing.assert_allclose(found.sizes, np.linalg.norm(W, axis=(-2, -1)), rtol=10 * n * eps(dtype) * condition)
        tops = np.maximum(np.abs(found.X.real), np.abs(found.X.imag)).max(-2)
        assert (found.least == tops.min(-1)).all() and (found.greatest == tops.max(-1)).all() and not found.info.any()
        assert (found.error <= 10 * n * eps(dtype) * found.norms * found.sizes).all()
        I = arrays.solve(A, np.eye(n, dtype=dtype), n).X @ A
        assert np.abs(I - np.eye(n)).max() <= 10 * n * eps(dtype) * condition


@dtypes
def test_elimination_of_singular_matrices_and_nan(dtype):
    A = np.zeros((4, 5, 5), dtype)
    A[0] = np.eye(5)[::-1]
    A[1, 0, 0], A[1, 1, 1] = 1, 2
    A[2] = np.eye(5)
    A[2, 3, 1] = np.nan
    found = arrays.solve(A, np.ones((5, 1), dtype), 1)
    assert found.info.tolist() == [0, 3, 0, 1] and found.det[[0, 1, 3]].tolist() == [1, 0, 0]
    assert (found.X[0] == 1).all() and np.isnan(found.X[2]).any()


@dtypes
def test_qr(dtype):
    for m, n in ((1, 1), (2, 3), (16, 5), (5, 17), (33, 33), (97, 40)):
        for scale in (1, float(np.finfo(dtype).max) ** 0.6, float(np.finfo(dtype).tiny) ** 0.8):
            A = stack(dtype, m, n) * np.dtype(dtype).type(scale)
            for mode in ("reduced", "complete"):
                (Q, R), expected = arrays.qr(A, mode == "complete"), np.linalg.qr(A, mode)[1]
                assert orthonormal(Q) and not np.tril(R, -1).any()
                assert np.abs(Q @ R - A).max() <= 20 * eps(dtype) * np.abs(A).max()
                np.testing.assert_allclose(R / scale, expected / scale, atol=300 * eps(dtype))


@dtypes
def test_cholesky(dtype):
    for n in SIZES:
        A = stack(dtype, n, n)
        S = A @ adjoint(A) + np.eye(n, dtype=dtype)
        # the upper triangle is not read
        L = arrays.cholesky(np.tril(S) + np.triu(np.full_like(S, np.nan), 1))
        assert np.abs(L @ adjoint(L) - S).max() <= 10 * eps(dtype) * np.abs(S).max() and not np.triu(L, 1).any()
    S[0, 1, 5, 5], S[1, 2, 0, 0] = -1, np.nan
    assert np.isnan(arrays.cholesky(S)).all((-1, -2)).tolist() == [[False, True, False], [False, False, True]]


@dtypes
def test_spectra(dtype):
    for n in (1, 2, 17, 40):
        A = stack(dtype, n, n)
        S = A + adjoint(A)
        for uplo, half in (("L", np.tril), ("U", np.triu)):
            values, V = arrays.eigh(half(S), uplo)
            assert orthonormal(V) and np.abs(S @ V - V * values[..., None, :]).max() <= 20 * n * eps(dtype) * np.abs(S).max()
            np.testing.assert_allclose(arrays.eigh(S, uplo, False)[0], values, atol=20 * n * eps(dtype))


@dtypes
def test_singular_values(dtype):
    for m, n in ((1, 1), (3, 5), (40, 17), (17, 40)):
        A, k = stack(dtype, m, n), min(m, n)
        for job in "AS":
            U, S, Vh = arrays.svd(A, job)
            assert orthonormal(U) and orthonormal(adjoint(Vh)) and U.shape[-1] == (m if job == "A" else k)
            assert np.abs((U[..., :k] * S[..., None, :]) @ Vh[..., :k, :] - A).max() <= 10 * max(m, n) * eps(dtype)
            np.testing.assert_allclose(arrays.svd(A, "N")[1], S, atol=20 * max(m, n) * eps(dtype))


@dtypes
def test_matrices_of_many_rows(dtype):
    A = stack(dtype, 1000, 20)[0, 0]
    R = arrays.triangle(A)
    assert arrays.halved(A.shape) and not np.tril(R, -1).any()
    np.testing.assert_allclose(adjoint(R) @ R, adjoint(A) @ A, atol=30 * eps(dtype) * 2000)
    # numbers about the ends of the range are LAPACK's to scale
    for B, scale in ((A, 1), (A.T, 1), (A, float(np.finfo(dtype).max) ** 0.7), (A, float(np.finfo(dtype).tiny) ** 0.7)):
        B = B * np.dtype(dtype).type(scale)
        assert is_tall(B) == (scale == 1)
        U, S, Vh = svd(B, False)
        assert orthonormal(U) and orthonormal(adjoint(Vh)) and (np.diff(S) <= 0).all()
        assert np.abs((U * (S / scale)) @ Vh - B / np.dtype(dtype).type(scale)).max() <= 1000 * eps(dtype)
