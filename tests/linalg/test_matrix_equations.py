"""Equations for matrices, functions of them, and systems with structure: against SciPy and differences, to second order."""

import numpy as np
import pytest
import scipy.linalg

import lineal as torch
from lineal import linalg
from lineal.autograd import gradcheck, gradgradcheck

KINDS = [torch.float64, torch.complex128]
EACH_KIND = pytest.mark.parametrize("dtype", KINDS, ids=str)


def drawn(shape, dtype, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=shape)
    if dtype.is_complex:
        x = x + 1j * generator.normal(size=shape)
    return torch.from_numpy(x)


def regular(shape, dtype, seed=0):
    return drawn(shape, dtype, seed) + 4 * torch.eye(shape[-1], dtype=dtype)


def close(a, b, tolerance=1e-9):
    a, b = (each.detach().numpy() if isinstance(each, torch.Tensor) else each for each in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def check(f, *xs):
    xs = tuple(x.requires_grad_() for x in xs)
    assert gradcheck(f, xs)
    assert gradgradcheck(f, xs)


@EACH_KIND
@pytest.mark.parametrize("batch", [(), (2,), (0,)], ids=str)
def test_sylvester(batch, dtype):
    A, B = regular((*batch, 3, 3), dtype), regular((*batch, 2, 2), dtype, 1)
    C = drawn((*batch, 3, 2), dtype, 2)
    X = linalg.solve_sylvester(A, B, C)
    close(A @ X + X @ B, C)
    check(linalg.solve_sylvester, A, B, C)


@EACH_KIND
def test_sylvester_with_hermitian_matrices_and_a_broadcast_batch(dtype):
    A, B = (each @ each.mH for each in (regular((2, 3, 3), dtype), regular((2, 2), dtype, 1)))
    C = drawn((3, 2), dtype, 2)
    X = linalg.solve_sylvester(A, B, C)
    close(A @ X + X @ B, C.expand(2, 3, 2))


@EACH_KIND
def test_lyapunov(dtype):
    A, C = regular((2, 3, 3), dtype), drawn((2, 3, 3), dtype, 1)
    X = linalg.solve_lyapunov(A, C)
    close(X[1], scipy.linalg.solve_continuous_lyapunov(A[1].numpy(), C[1].numpy()))
    check(linalg.solve_lyapunov, A, C)


@pytest.mark.parametrize("turned", [False, True])
def test_sylvester_refuses_shared_eigenvalues(turned):
    A = torch.tensor([[1.0, 0.5 * turned], [0.0, 2.0]])
    with pytest.raises(linalg.LinAlgError, match="eigenvalue in common"):
        linalg.solve_sylvester(A, -A, torch.ones(2, 2))
    with pytest.raises(RuntimeError, match=r"expected C of shape \(…, 2, 2\)"):
        linalg.solve_sylvester(A, A, torch.ones(3, 2))


@EACH_KIND
def test_square_root_and_logarithm(dtype):
    A = regular((2, 3, 3), dtype)
    close(linalg.sqrtm(A)[0], scipy.linalg.sqrtm(A[0].numpy()))
    close(linalg.sqrtm(A) @ linalg.sqrtm(A), A)
    close(linalg.matrix_exp(linalg.logm(A)), A)
    check(linalg.sqrtm, A)
    check(linalg.logm, A[0].clone())
    H = A @ A.mH
    close(linalg.sqrtm(H) @ linalg.sqrtm(H), H)


def test_roots_of_what_has_none():
    negative = torch.tensor([[-1.0, 0.0], [0.0, 1.0]])
    for f in (linalg.sqrtm, linalg.logm):
        with pytest.raises(linalg.LinAlgError, match="negative real axis"):
            f(negative)
    close(linalg.sqrtm(negative.to(torch.complex64)), np.diag([1j, 1]), 1e-6)
    assert linalg.sqrtm(torch.zeros(2, 2)).tolist() == [[0, 0], [0, 0]]
    with pytest.raises(linalg.LinAlgError, match=r"Batch element 1.*singular"):
        linalg.sqrtm(torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 0.0]]]))
    with pytest.raises(linalg.LinAlgError, match="singular"):
        linalg.logm(torch.ones(2, 2))


@EACH_KIND
@pytest.mark.parametrize("n", [3, 26])
def test_derivative_of_the_exponential_along_a_direction(n, dtype):
    A, E = drawn((n, n), dtype) / n, drawn((n, n), dtype, 1)
    value, derivative = linalg.expm_frechet(A, E)
    expected = scipy.linalg.expm_frechet(A.numpy(), E.numpy())
    close(value, expected[0])
    close(derivative, expected[1])
    if n < 10:
        check(lambda A, E: linalg.expm_frechet(A, E, compute_expm=False), A, E)


@EACH_KIND
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)], ids=str)
@pytest.mark.parametrize("side", ["right", "left"])
def test_polar(shape, side, dtype):
    A = drawn(shape, dtype)
    U, P = linalg.polar(A, side)
    if len(shape) == 2:
        expected = scipy.linalg.polar(A.numpy(), side)
        close(U, expected[0])
        close(P, expected[1])
    close(U @ P if side == "right" else P @ U, A)
    check(lambda A: linalg.polar(A, side), A)


def test_polar_where_singular_values_repeat():
    Q = linalg.qr(drawn((4, 4), torch.float64)).Q
    check(lambda A: linalg.polar(A).U, (2 * Q[:, :3]).clone())


@EACH_KIND
def test_schur(dtype):
    A = drawn((2, 4, 4), dtype)
    for output in ("real", "complex"):
        T, Z = linalg.schur(A, output)
        close(Z @ T @ Z.mH, A.to(Z.dtype))
        close(Z.mH @ Z, torch.eye(4, dtype=Z.dtype).expand(2, 4, 4))
        close(T.tril(-1 if output == "complex" or dtype.is_complex else -2), torch.zeros(T.shape, dtype=T.dtype))
    assert linalg.schur(torch.ones(2, 2), "complex").T.dtype == torch.complex64
    check(lambda A: [each.abs() for each in linalg.schur(A, "complex")], drawn((3, 3), dtype))


def test_schur_of_real_matrices_with_real_eigenvalues():
    A = torch.diag(torch.tensor([1.0, 3.0, 7.0], dtype=torch.float64)) + 0.1 * drawn((3, 3), torch.float64)
    check(linalg.schur, A)
    rotation = torch.tensor([[0.0, -1.0], [1.0, 0.0]], requires_grad=True)
    with pytest.raises(RuntimeError, match="output='complex'"):
        linalg.schur(rotation).T.sum().backward()


def dense(ab, lower, upper):
    n = ab.shape[-1]
    A = np.zeros((n, n), ab.dtype)
    for i in range(n):
        for j in range(max(0, i - lower), min(n, i + upper + 1)):
            A[i, j] = ab[upper + i - j, j]
    return A


@EACH_KIND
@pytest.mark.parametrize("widths", [(1, 1), (2, 1), (0, 2), (0, 0)], ids=str)
def test_banded(widths, dtype):
    lower, upper = widths
    ab = drawn((lower + upper + 1, 5), dtype)
    ab[upper] += 5
    for B in (drawn((5, 2), dtype, 1), drawn((5,), dtype, 1)):
        X = linalg.solve_banded(widths, ab, B)
        close(X, np.linalg.solve(dense(ab.numpy(), lower, upper), B.numpy()))
    check(lambda ab, B: linalg.solve_banded(widths, ab, B), ab, drawn((2, 5, 1), dtype, 2))


@EACH_KIND
def test_toeplitz(dtype):
    c, r, B = drawn((5,), dtype), drawn((5,), dtype, 1), drawn((5, 2), dtype, 2)
    with torch.no_grad():
        c[0] += 6
    close(linalg.solve_toeplitz((c, r), B), np.linalg.solve(scipy.linalg.toeplitz(c.numpy(), r.numpy()), B.numpy()))
    close(linalg.solve_toeplitz(c, B[:, 0]), np.linalg.solve(scipy.linalg.toeplitz(c.numpy()), B[:, 0].numpy()))
    check(lambda c, r, B: linalg.solve_toeplitz((c, r), B), c, r, B)
    check(linalg.solve_toeplitz, c.detach().clone(), drawn((2, 5, 1), dtype, 2))


@EACH_KIND
def test_circulant(dtype):
    c, B = drawn((5,), dtype), drawn((5, 2), dtype, 2)
    with torch.no_grad():
        c[0] += 6
    close(linalg.solve_circulant(c, B), np.linalg.solve(scipy.linalg.circulant(c.numpy()), B.numpy()))
    check(linalg.solve_circulant, c, B)
    check(linalg.solve_circulant, drawn((2, 5), dtype, 3) * 0.1 + torch.eye(5, dtype=dtype)[0], drawn((2, 5, 1), dtype, 2))


def test_structured_systems_that_are_singular_are_named():
    with pytest.raises(linalg.LinAlgError, match=r"solve_banded: \(Batch element 1\): the matrix is singular"):
        linalg.solve_banded((0, 0), torch.tensor([[[1.0, 1.0]], [[1.0, 0.0]]]), torch.ones(2))
    with pytest.raises(linalg.LinAlgError, match="solve_circulant: the matrix is singular"):
        linalg.solve_circulant(torch.ones(3), torch.ones(3))
    with pytest.raises(linalg.LinAlgError, match="solve_toeplitz: the matrix is singular"):
        linalg.solve_toeplitz(torch.ones(3), torch.ones(3))
    swapped = linalg.solve_toeplitz(torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0]))
    assert swapped.tolist() == [3, 2], "a leading minor of zero does not make the matrix singular"
