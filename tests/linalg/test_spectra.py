"""Eigenvalues and singular values of larger matrices, in the precision they are given in, as exact as rounding allows."""

import numpy as np
import pytest

import lineal as torch

N = 205
ALL = [torch.float32, torch.float64, torch.complex64, torch.complex128]
SPECTRA = {
    "apart": lambda n: np.linspace(-1, 1, n),
    "in two clusters": lambda n: np.where(np.arange(n) < n // 3, 1.0, 1 + 1e-5) + 1e-9 * np.arange(n),
    "graded": lambda n: 10.0 ** -np.linspace(0, 12, n),
    "of low rank": lambda n: np.where(np.arange(n) < 5, 1.0 + np.arange(n), 0.0),
    "all equal": np.ones,
    "tiny": lambda n: 1e-30 * np.linspace(1, 2, n),
    "huge": lambda n: 1e30 * np.linspace(1, 2, n),
}


def unitary(n, dtype, seed):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, n)) + (1j * rng.normal(size=(n, n)) if dtype.is_complex else 0)
    return np.linalg.qr(A)[0]


def made(U, values, V, dtype):
    """Return U diag(values) Vᴴ of a dtype."""
    return torch.from_numpy((U * values) @ V.conj().T).to(dtype)


def exact(found, wanted, scale, precision):
    """Whether numbers are the wanted ones, but for rounding that is usual in N rows."""
    return np.abs(found - wanted).max() <= 20 * np.sqrt(N) * np.finfo(precision).eps * scale


def wide(x):
    """Return a tensor's numbers in double precision."""
    return x.numpy().astype(np.result_type(x.numpy(), np.float64))


@pytest.mark.parametrize("dtype", ALL, ids=str)
@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA)
def test_eigenvalues_and_vectors_are_exact_to_rounding(spectrum, dtype):
    values, U = np.sort(spectrum(N)), unitary(N, dtype, 0)
    A = made(U, values, U, dtype)
    scale = np.abs(values).max()
    found, V = torch.linalg.eigh(A)
    alone = torch.linalg.eigvalsh(A, "U")
    assert found.dtype == alone.dtype == (dtype.to_real() if dtype.is_complex else dtype) and V.dtype == dtype
    precision = found.numpy().dtype
    assert exact(wide(found), values, scale, precision) and exact(wide(alone), values, scale, precision)
    assert (np.diff(found.numpy()) >= 0).all()
    assert exact(wide(A) @ wide(V), wide(V) * wide(found), scale, precision)
    assert exact(wide(V).conj().T @ wide(V), np.eye(N), 1, precision)


@pytest.mark.parametrize("dtype", ALL, ids=str)
@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA)
def test_singular_values_and_vectors_are_exact_to_rounding(spectrum, dtype):
    values = np.sort(np.abs(spectrum(N)))[::-1]
    A = made(unitary(N, dtype, 0), values, unitary(N, dtype, 1), dtype)
    U, S, Vh = torch.linalg.svd(A)
    alone, precision, scale = torch.linalg.svdvals(A), S.numpy().dtype, values.max()
    assert exact(wide(S), values, scale, precision) and exact(wide(alone), values, scale, precision)
    assert (np.diff(S.numpy()) <= 0).all() and (S >= 0).all()
    assert exact((wide(U) * wide(S)) @ wide(Vh), wide(A), scale, precision)
    for Q in (wide(U).conj().T, wide(Vh)):
        assert exact(Q @ Q.conj().T, np.eye(N), 1, precision)


@pytest.mark.parametrize("order", ["C", "F", "strided"])
@pytest.mark.parametrize("uplo", ["L", "U"])
def test_one_triangle_is_read_however_the_matrix_lies(uplo, order):
    A = np.random.default_rng(0).normal(size=(2 * N, N)).astype(np.float32)[::2]
    whole = np.tril(A) + np.tril(A, -1).T if uplo == "L" else np.triu(A) + np.triu(A, 1).T
    lain = {"C": np.ascontiguousarray, "F": np.asfortranarray, "strided": np.asarray}
    given = torch.from_numpy(lain[order](A))
    before = given.clone()
    values, V = torch.linalg.eigh(given, uplo)
    torch.testing.assert_close(torch.from_numpy(whole) @ V, V * values, rtol=1e-4, atol=1e-3)
    assert torch.equal(given, before)


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_stacks_are_their_matrices(dtype):
    A = torch.randn(2, 1, N, N + 3, dtype=dtype)
    square = A[..., :N]
    both = zip((torch.linalg.svd(A), torch.linalg.eigh(square)), (torch.linalg.svd, torch.linalg.eigh), (A, square))
    for parts, decompose, given in both:
        for part, one in zip(parts, decompose(given[1, 0])):
            assert torch.equal(part[1, 0], one) and part[1, 0].stride() == one.stride()
    values, V = torch.linalg.eig(square)
    torch.testing.assert_close(square.to(V.dtype) @ V, V * values[..., None, :], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(abs(torch.linalg.eigvals(square)).sum(), abs(values).sum())


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex128], ids=str)
def test_derivatives_are_those_of_projectors(dtype):
    A = torch.randn(N, N, dtype=dtype).requires_grad_()
    U, S, Vh = torch.linalg.svd(A)
    ((U[:, :3] * S[:3]) @ Vh[:3]).abs().square().sum().backward()
    torch.testing.assert_close(A.grad, 2 * ((U[:, :3] * S[:3]) @ Vh[:3]).detach(), rtol=1e-3, atol=1e-3)
    H = (A + A.mH).detach().requires_grad_()
    torch.linalg.eigh(H)[0].square().sum().backward()
    torch.testing.assert_close(H.grad, 2 * H.detach(), rtol=1e-3, atol=1e-2)
