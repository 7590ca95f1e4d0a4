"""Kernels across the batch: each against NumPy, in sizes on both sides of every change of method, and what LAPACK refuses."""

import numpy as np
import pytest

import lineal
from lineal.codegen.batched import arrays
from lineal.codegen.batched.limits import Limits
from lineal.codegen.choice import ACROSS, LEAST_BATCH, planned
from lineal.ops.linalg import kernels

from .matrices import BATCH, close, dtypes, eps, layouts, positive, regular, sizes_and_dtypes, stack


@sizes_and_dtypes
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(n, dtype, upper):
    A = positive(n, dtype)
    wanted = np.linalg.cholesky(A.astype("float64"), upper=upper)
    garbage = np.tril(np.full((n, n), np.nan), -1) if upper else np.triu(np.full((n, n), np.nan), 1)
    for given in layouts((A + garbage).astype(dtype)):
        close(kernels.cholesky(given, upper), wanted, dtype)


@sizes_and_dtypes
def test_solve_and_inverse(n, dtype):
    A = regular(n, dtype)
    B = stack(3, dtype, n)
    for left in layouts(A):
        close(kernels.inv(left), np.linalg.inv(A.astype("float64")), dtype)
        for right in layouts(B):
            close(kernels.solve(left, right), np.linalg.solve(A.astype("float64"), B.astype("float64")), dtype)


@sizes_and_dtypes
@pytest.mark.parametrize("residual", [False, True])
def test_suspicious_systems_are_noted(n, dtype, residual):
    A, B, V = regular(n, dtype), stack(3, dtype, n), np.eye(n, 2, dtype=dtype)
    wide = Limits(np.inf, np.inf, 0.0, 1e-3 if residual else 0.0)
    for left in layouts(A):
        X, notes = kernels.solve_probed(left, B, V, wide)
        np.testing.assert_array_equal(X, kernels.solve(left, B))
        assert not notes.any() and notes.dtype == np.int32
    W = np.linalg.inv(A.astype("float64")) @ V
    norms, sizes = (np.sqrt((each.astype("float64") ** 2).sum((-1, -2))) for each in (A, W))
    middle = float(np.median(norms * sizes)) * 1.0001
    np.testing.assert_array_equal(kernels.solve_probed(A, B, V, wide._replace(product=middle))[1], norms * sizes > middle)
    middle = float(np.median(sizes)) * 1.0001
    np.testing.assert_array_equal(kernels.solve_probed(A, B, V, wide._replace(size=middle))[1], sizes > middle)
    B[3, :, 1], B[4, 0, 0] = 0, np.nan
    assert np.flatnonzero(kernels.solve_probed(A, B, V, wide._replace(tiny=1e-30))[1]).tolist() == [3, 4]
    if residual:
        assert np.all(kernels.solve_probed(A, B, V, wide._replace(growth=1e-30))[1][5:] == (2 if n > 2 else 0)) or n < 7


@sizes_and_dtypes
def test_conditions(n, dtype):
    A = regular(n, dtype)
    inverse = np.linalg.inv(A.astype("float64"))
    for count in (BATCH, 3, 1):
        norm, size = kernels.condition(A[:count])
        np.testing.assert_allclose(norm, np.abs(A[:count]).sum(-2).max(-1), rtol=1e2 * eps(dtype))
        np.testing.assert_allclose(size, np.abs(inverse[:count]).sum(-2).max(-1), rtol=1e2 * n * eps(dtype))
    A[2] = 0
    assert np.isinf(kernels.condition(A)[1][2])


@sizes_and_dtypes
def test_determinants(n, dtype):
    A = regular(n, dtype)
    close(kernels.det(A), np.linalg.det(A.astype("float64")), dtype)
    sign, logarithm = kernels.slogdet(A)
    np.testing.assert_array_equal(sign, np.sign(np.linalg.det(A.astype("float64"))))
    np.testing.assert_allclose(logarithm, np.linalg.slogdet(A.astype("float64"))[1], atol=100 * n * eps(dtype))


@sizes_and_dtypes
def test_determinants_with_bounds_of_condition(n, dtype):
    A, V = stack(n, dtype), np.eye(n, 2, dtype=dtype)
    A[3, 0] = 0
    y, least = kernels.det_bounded(A)
    np.testing.assert_array_equal(y, kernels.det(A))
    with np.errstate(all="ignore"):
        inverse = 1 / np.linalg.cond(A[4:].astype("float64"), 1)
    assert (np.all(least[4:] <= inverse * (1 + 100 * n * eps(dtype))) and least[3] == 0) or n == 1
    y, norms, sizes = kernels.det_probed(A, V)
    np.testing.assert_array_equal(y, kernels.det(A))
    np.testing.assert_allclose(norms, np.sqrt((A**2).sum((-1, -2))), rtol=1e2 * eps(dtype))
    assert np.isinf(sizes[3]) and np.isfinite(sizes[4:]).all()


@sizes_and_dtypes
def test_cofactors_of_regular_and_of_singular_matrices(n, dtype):
    A = regular(n, dtype)
    if n > 1:
        A[5, 0] = A[5, 1]
    U, S, Vh = np.linalg.svd(A.astype("float64"))
    others = np.stack([np.delete(S, i, -1).prod(-1) for i in range(n)], -1)
    sign = np.linalg.det(U) * np.linalg.det(Vh)
    wanted = sign[:, None, None] * (U * others[:, None]) @ Vh
    for given in layouts(A):
        C, doubtful = kernels.cofactors(given)
        # by columns, the pivot that is zero is not the last one
        assert set(np.flatnonzero(doubtful)) <= {5}
        close(C[doubtful == 0], wanted[doubtful == 0], dtype)
    A[7], A[8, 0, 0] = 0, np.nan
    doubtful = kernels.cofactors(A)[1]
    assert set(np.flatnonzero(doubtful)) <= {7, 8} and (n == 1 or doubtful[8]) and (n < 4 or doubtful[7])


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 2), (4, 4, 4), (7, 3, 2), (9, 9, 7), (16, 8, 3), (32, 17, 1), (32, 32, 5)])
@dtypes
def test_least_squares(shape, dtype):
    m, n, k = shape
    A, B = stack(n, dtype, m), stack(k, dtype, m)
    if m == n:
        A = regular(n, dtype)
    A[3], A[4, 0, 0] = 0, np.nan
    found = kernels.lstsq(A, B)
    P = np.linalg.pinv(A[5:].astype("float64"))
    close(found[0][5:], P @ B[5:], dtype, 500)
    np.testing.assert_allclose(found[1][5:], np.sqrt((A[5:] ** 2).sum((-1, -2))), rtol=1e2 * eps(dtype))
    np.testing.assert_allclose(found[2][5:], np.sqrt((P**2).sum((-1, -2))), rtol=2e3 * n * eps(dtype))
    with np.errstate(invalid="ignore"):
        assert not np.any(found[1][3:5] * found[2][3:5] < 1e30)


@sizes_and_dtypes
def test_lu_chooses_the_pivots_that_lapack_chooses(n, dtype):
    A = stack(n, dtype)
    LU, pivots, info = kernels.lu_factor(A)
    assert not info.any() and pivots.dtype == info.dtype == np.int32
    for matrix, factors, exchanges in zip(A, LU, pivots):
        rows = np.arange(n)
        for i, j in enumerate(exchanges - 1):
            rows[[i, j]] = rows[[j, i]]
        L, U = np.tril(factors, -1) + np.eye(n, dtype=dtype), np.triu(factors)
        assert np.abs(np.tril(factors, -1)).max(initial=0) <= 1
        np.testing.assert_allclose(L @ U, matrix[rows], rtol=0, atol=20 * n * eps(dtype))


@sizes_and_dtypes
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_triangular_systems(n, dtype, upper, unit):
    A = np.triu(regular(n, dtype)) if upper else np.tril(regular(n, dtype))
    A += np.eye(n, dtype=dtype) * (2 + np.sqrt(n).astype(dtype))
    B = stack(5, dtype, n)
    whole = A.astype("float64")
    if unit:
        whole = np.tril(whole, -1) + np.triu(whole, 1) + np.eye(n)
    wanted = np.linalg.solve(whole, B)
    for left, right in zip(layouts(A), layouts(B)[::-1]):
        x = kernels.solve_triangular(left, right, upper, unit)
        np.testing.assert_allclose(x, wanted, rtol=0, atol=100 * n * eps(dtype) * np.abs(wanted).max())


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (2, 3, 4), (4, 4, 4), (5, 7, 3), (8, 8, 8), (16, 16, 2), (17, 1, 32), (32, 32, 32)]
)
@dtypes
def test_products(shape, dtype):
    m, n, p = shape
    a, b = stack(n, dtype, m, 600), stack(p, dtype, n, 600)
    for first in layouts(a):
        for second in layouts(b):
            close(kernels.matmul(first, second), np.matmul(a, b), dtype)


@sizes_and_dtypes
@pytest.mark.parametrize("extra", [-3, 0, 4])
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_qr_has_lapacks_signs(n, dtype, extra, mode):
    m = max(1, min(32, n + extra))
    A = stack(n, dtype, m)
    A[3] = 0
    A[4, :, -1] = 0
    A[5] = np.eye(m, n)
    A[6] *= np.finfo(dtype).max ** 0.75
    A[7] *= np.finfo(dtype).tiny ** 0.75
    Q, R = kernels.qr(A, mode)
    assert np.abs(Q.mT @ Q - np.eye(Q.shape[-1])).max() < 100 * eps(dtype)
    size = np.abs(A).max((-1, -2), keepdims=True) + np.finfo(dtype).tiny
    assert (np.abs(Q @ (R / size) - A / size)).max() < 200 * eps(dtype)
    assert not np.tril(R, -1).any()
    signs = np.equal(*(np.sign(np.diagonal(each, 0, -2, -1)) for each in (R, np.linalg.qr(A, mode)[1])))
    assert signs[8:].all() and signs[:4].all() and signs[5].all()


def special(n, dtype):
    """Return symmetric matrices with eigenvalues that repeat, vanish, or are very large or small."""
    S = stack(n, dtype)
    S = S + S.mT
    S[0], S[1], S[2] = np.eye(n), 0, 1
    S[3] = np.diag(np.arange(n))
    S[4] *= np.finfo(dtype).max ** 0.9
    S[5] *= np.finfo(dtype).tiny
    Q = np.linalg.qr(stack(n, "float64"))[0][6]
    S[6] = Q * np.r_[np.ones(n - 1), 2] @ Q.T
    S[7] = Q * 10.0 ** -np.arange(n) @ Q.T
    return S


@sizes_and_dtypes
@pytest.mark.parametrize("uplo", ["L", "U"])
def test_eigh(n, dtype, uplo):
    S = special(n, dtype)
    size = np.maximum(np.abs(S).max((-1, -2)), np.finfo(dtype).tiny)[:, None, None]
    for given in layouts(np.tril(S) if uplo == "L" else np.triu(S)):
        values, V = kernels.eigh(given, uplo)
        assert (np.diff(values) >= 0).all()
        wanted = np.linalg.eigvalsh((S / size).astype("float64"))
        assert np.abs(values / size[..., 0] - wanted).max() < 20 * n * eps(dtype)
        assert np.abs(V.mT @ V - np.eye(n)).max() < 60 * eps(dtype)
        assert np.abs(V * (values / size[..., 0])[:, None] @ V.mT - S / size).max() < 60 * n * eps(dtype)


@sizes_and_dtypes
@pytest.mark.parametrize("extra", [-3, 0, 4])
def test_svd(n, dtype, extra):
    m = max(1, min(32, n + extra))
    A = stack(n, dtype, m)
    A[0], A[1], A[2] = np.eye(m, n), 0, 1
    A[3] *= np.finfo(dtype).max ** 0.9
    A[4] *= np.finfo(dtype).tiny ** 0.9
    A[5, :, 0] = A[5, :, -1]
    size = np.maximum(np.abs(A).max((-1, -2)), np.finfo(dtype).tiny)[:, None, None]
    U, S, Vh = kernels.svd(A, False)
    k = min(m, n)
    assert (np.diff(S) <= 0).all() and (S >= 0).all()
    wanted = np.linalg.svd((A / size).astype("float64"), compute_uv=False)
    assert np.abs(S / size[..., 0] - wanted).max() < 20 * n * eps(dtype)
    assert np.abs(U.mT @ U - np.eye(k)).max() < 60 * eps(dtype)
    assert np.abs(Vh @ Vh.mT - np.eye(k)).max() < 60 * eps(dtype)
    assert np.abs(U * (S / size[..., 0])[:, None] @ Vh - A / size).max() < 60 * n * eps(dtype)


@sizes_and_dtypes
def test_norms(n, dtype):
    A = regular(n, dtype)
    for given in layouts(A):
        np.testing.assert_allclose(kernels.norm1(given), np.abs(A).sum(-2).max(-1), rtol=1e2 * eps(dtype))
        np.testing.assert_allclose(kernels.frobenius(given), np.sqrt((A**2).sum((-1, -2))), rtol=1e2 * eps(dtype))
    wanted = np.abs(np.linalg.inv(A)).sum(-2).max(-1)
    np.testing.assert_allclose(kernels.inverse_norm1(kernels.lu_factor(A)[0]), wanted, rtol=1e2 * n * eps(dtype))


# what LAPACK refuses


@pytest.mark.parametrize("n", [2, 3, 8, 9, 20])
def test_an_indefinite_matrix_is_refused_and_named(n):
    A = positive(n, "float64").reshape(1, BATCH, n, n)
    A[0, 5, 1, 1] = -1
    assert np.isnan(kernels.cholesky(A, False)[0, 5]).all()
    with pytest.raises(lineal.linalg.LinAlgError, match="order 2"):
        lineal.linalg.cholesky(lineal.from_numpy(A))
    L, info = lineal.linalg.cholesky_ex(lineal.from_numpy(A))
    assert info[0, 5] == 2 and int((info != 0).sum()) == 1
    np.testing.assert_allclose(L[0, 6], np.linalg.cholesky(A[0, 6]), atol=1e-13)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 9, 20])
def test_a_singular_matrix_is_refused_and_has_lapacks_info(n):
    A = stack(n, "float64")
    A[7] = 0
    A[9, :, n // 2] = 0
    with pytest.raises(np.linalg.LinAlgError):
        kernels.solve(A, A)
    with pytest.raises(np.linalg.LinAlgError):
        kernels.inv(A)
    _, _, info = kernels.lu_factor(A)
    assert info[7] == 1 and info[9] == n // 2 + 1 and np.count_nonzero(info) == 2
    assert kernels.det(A)[7] == kernels.det(A)[9] == 0
    sign, logarithm = kernels.slogdet(A)
    assert sign[7] == 0 and logarithm[7] == -np.inf


@pytest.mark.parametrize("n", [2, 4, 9, 20])
def test_nan_and_infinity_end(n):
    A = stack(n, "float64")
    A[3], A[4, 0, 0], A[5, -1, -1] = np.nan, np.inf, -np.inf
    with np.errstate(all="ignore"):
        values, _ = kernels.eigh(A + A.mT, "L")
        Q, _ = kernels.qr(A, "reduced")
        assert np.isnan(kernels.det(A)[3])
    assert np.isnan(values[3]).any() and np.isnan(Q[3]).any()
    assert np.isfinite(values[6:]).all() and np.isfinite(Q[6:]).all()
    with pytest.raises(np.linalg.LinAlgError):
        kernels.svd(A, False)


# who computes


@pytest.mark.parametrize("shape", [(BATCH, 0, 0), (BATCH, 33, 33), (LEAST_BATCH - 1, 3, 3), (3, 3)])
def test_other_arrays_are_left_to_numpy(shape, monkeypatch):
    monkeypatch.setattr(arrays, "kernel", None)
    monkeypatch.setattr("lineal.ops.linalg.kernels.systems.kernel", None)
    A = np.zeros(shape) + np.eye(shape[-1])
    np.testing.assert_array_equal(kernels.inv(A), A)
    for dtype in ("complex128", "int64"):
        assert planned("inverse", np.zeros((BATCH, 2, 2), dtype)) != ACROSS
    assert planned("inverse", np.zeros((BATCH, 2, 2), ">f8")) != ACROSS


def test_leading_dimensions_stay():
    A = positive(3, "float64")[:140].reshape(2, 7, 10, 3, 3)
    assert kernels.cholesky(A, False).shape == A.shape and kernels.det(A).shape == (2, 7, 10)
    transposed = np.ascontiguousarray(A.mT).mT
    np.testing.assert_allclose(kernels.solve(transposed, transposed), np.broadcast_to(np.eye(3), A.shape), atol=1e-12)


def test_threads_do_not_change_the_numbers():
    A = positive(16, "float64")
    A = np.concatenate([A] * 20)
    before = lineal.get_num_threads()
    try:
        found = []
        for count in (1, 2):
            lineal.set_num_threads(count)
            found.append(kernels.cholesky(A, False))
    finally:
        lineal.set_num_threads(before)
    np.testing.assert_array_equal(*found)
