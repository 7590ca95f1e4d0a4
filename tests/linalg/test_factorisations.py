"""Factorisations rebuild their matrix, have the promised structure, and refuse what they cannot do."""

import warnings

import numpy as np
import pytest

import lineal as torch
from lineal import linalg

DTYPES = [torch.float64, torch.complex128]
SHAPES = [(3, 3), (5, 3), (3, 5), (2, 4, 4), (2, 3, 4, 2), (0, 3, 3), (0, 0), (3, 0), (0, 3)]
SQUARES = [shape for shape in SHAPES if shape[-1] == shape[-2]]


def drawn(shape, dtype, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=shape)
    if dtype.is_complex:
        x = x + 1j * generator.normal(size=shape)
    return torch.from_numpy(x)


def positive(shape, dtype):
    A = drawn(shape, dtype)
    return A @ A.mH + torch.eye(shape[-1], dtype=dtype)


def close(a, b):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-9)


def one(n, dtype):
    return torch.eye(n, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SQUARES, ids=str)
def test_cholesky_rebuilds(shape, dtype):
    A = positive(shape, dtype)
    L = linalg.cholesky(A)
    close(L @ L.mH, A)
    close(L.tril(), L)
    U = linalg.cholesky(A, upper=True)
    close(U.mH @ U, A)
    B = drawn((*shape[:-1], 2), dtype, 1)
    close(A @ torch.cholesky_solve(B, L), B)
    close(A @ torch.cholesky_inverse(L), one(shape[-1], dtype).expand(shape))


def test_cholesky_names_the_leading_minor_and_the_batch_element():
    A = torch.eye(3).repeat(2, 1, 1)
    A[1, 2, 2] = -1
    with pytest.raises(linalg.LinAlgError, match=r"cholesky.*Batch element 1.*order 3"):
        linalg.cholesky(A)
    L, info = linalg.cholesky_ex(A)
    assert info.tolist() == [0, 3]
    close(L[0], torch.eye(3))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_lu_and_qr_and_svd_rebuild(shape, dtype):
    A = drawn(shape, dtype)
    P, L, U = linalg.lu(A)
    close(P @ L @ U, A)
    k = min(shape[-2:])
    Q, R = linalg.qr(A)
    close(Q @ R, A)
    close(R.triu(), R)
    close(Q.mH @ Q, one(k, dtype).expand(*shape[:-2], k, k))
    V, S, Wh = linalg.svd(A, full_matrices=False)
    close((V * S[..., None, :]) @ Wh, A)
    close(linalg.svdvals(A), S)
    assert bool((S >= 0).all())
    F = linalg.svd(A)
    assert F.U.shape == (*shape[:-2], shape[-2], shape[-2])
    assert F.Vh.shape == (*shape[:-2], shape[-1], shape[-1])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SQUARES, ids=str)
def test_systems_and_inverses(shape, dtype):
    A = drawn(shape, dtype) + 3 * one(shape[-1], dtype)
    n = shape[-1]
    B = drawn((*shape[:-1], 2), dtype, 1)
    close(A @ linalg.solve(A, B), B)
    close(linalg.solve(A, B.mT, left=False) @ A, B.mT)
    close(A @ linalg.inv(A), one(n, dtype).expand(shape))
    LU, pivots = linalg.lu_factor(A)
    close(A @ linalg.lu_solve(LU, pivots, B), B)
    close(A.mH @ linalg.lu_solve(LU, pivots, B, adjoint=True), B)
    close(linalg.lu_solve(LU, pivots, B.mT, left=False) @ A, B.mT)
    sign, logabs = linalg.slogdet(A)
    close(sign * torch.exp(logabs), linalg.det(A))
    for upper in (False, True):
        T = A.triu() if upper else A.tril()
        close(T @ linalg.solve_triangular(T, B, upper=upper), B)
        close(linalg.solve_triangular(T, B.mT, upper=upper, left=False) @ T, B.mT)


def test_small_triangular_batches_agree_with_single_ones():
    A = drawn((20, 6, 6), torch.float64).tril() + 4 * torch.eye(6, dtype=torch.float64)
    B = drawn((20, 6, 3), torch.float64, 1)
    X = linalg.solve_triangular(A, B, upper=False)
    for a, b, x in zip(A, B, X):
        close(linalg.solve_triangular(a, b, upper=False), x)


def test_singular_matrices_are_named():
    A = torch.eye(3).repeat(2, 1, 1)
    A[1, 1, 1] = 0
    for f in (linalg.inv, lambda A: linalg.solve(A, torch.ones(3))):
        with pytest.raises(linalg.LinAlgError, match=r"Batch element 1.*diagonal element 2 is zero"):
            f(A)
    assert linalg.inv_ex(A).info.tolist() == [0, 2]
    assert linalg.det(A).tolist() == [1, 0]
    assert linalg.slogdet(A).logabsdet.tolist() == [0, -np.inf]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_eigen(dtype):
    A = drawn((2, 4, 4), dtype)
    H = A + A.mH
    values, V = linalg.eigh(H)
    close(H @ V, V * values[..., None, :])
    close(linalg.eigvalsh(H), values)
    values, V = linalg.eig(A)
    close(A.to(V.dtype) @ V, V * values[..., None, :])


def test_least_squares_of_every_shape_and_rank():
    for shape in ((5, 3), (3, 5), (4, 4)):
        A = drawn(shape, torch.float64)
        for B in (drawn((shape[0], 2), torch.float64, 1), drawn((shape[0],), torch.float64, 2)):
            X = linalg.lstsq(A, B).solution
            close(X, torch.from_numpy(np.linalg.lstsq(A.numpy(), B.numpy(), rcond=None)[0]))
    deficient = drawn((5, 2), torch.float64) @ drawn((2, 4), torch.float64, 3)
    B = drawn((5, 1), torch.float64, 4)
    found = linalg.lstsq(deficient, B, driver="gelsd")
    close(found.solution, torch.from_numpy(np.linalg.lstsq(deficient.numpy(), B.numpy(), rcond=None)[0]))
    assert int(found.rank) == 2 == int(linalg.matrix_rank(deficient))
    close(linalg.pinv(deficient), torch.from_numpy(np.linalg.pinv(deficient.numpy())))


@pytest.mark.parametrize("f", [linalg.inv, linalg.det, linalg.cholesky, linalg.eigh, linalg.slogdet, linalg.eig])
def test_square_matrices_of_floats_are_demanded(f):
    with pytest.raises(RuntimeError, match="square matrices, but they are 2 by 3"):
        f(torch.ones(2, 3))
    with pytest.raises(RuntimeError, match="at least 2 dimensions"):
        f(torch.ones(3))
    with pytest.raises(RuntimeError, match="floating point or complex"):
        f(torch.ones(2, 2, dtype=torch.int64))


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(RuntimeError, match=r"solve.*3x3 and 2x1"):
        linalg.solve(torch.eye(3), torch.ones(2, 1))
    with pytest.raises(RuntimeError, match="one dtype"):
        linalg.solve(torch.eye(3), torch.ones(3, 1, dtype=torch.float64))


def test_at_the_edge_of_definiteness_a_factor_or_a_minor_that_fails():
    # at the last pivots rounding decides, and not every order of sums alike
    for n in range(8, 18):
        V = torch.linspace(0, 1, 60, dtype=torch.float64)[:, None] ** torch.arange(float(n), dtype=torch.float64)
        A = V.T @ V
        L, info = torch.linalg.cholesky_ex(A)
        if info == 0:
            torch.testing.assert_close(L @ L.T, A, rtol=1e-12, atol=1e-12)
        else:
            assert info > n // 2 and L.isnan().all()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            L = torch.linalg.cholesky(A, jitter="auto")
        torch.testing.assert_close(L @ L.T, A, rtol=1e-12, atol=1e-12)
