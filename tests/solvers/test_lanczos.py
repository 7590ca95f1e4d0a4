"""Eigenvalues by Lanczos: those of the matrix, in order, and their derivatives."""

import pytest

import lineal as torch
from lineal import solvers


def hermitian(n, dtype):
    B = torch.randn(n, n, dtype=dtype)
    return (B + B.mH) / 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex128])
@pytest.mark.parametrize("which", ["LM", "LA", "SA"])
def test_a_few_eigenvalues_are_those_of_the_matrix(dtype, which):
    torch.manual_seed(0)
    A = hermitian(80, dtype)
    values, vectors = solvers.eigsh(A, 4, which)
    every = torch.linalg.eigvalsh(A)
    key = every.abs() if which == "LM" else every
    wanted = every[key.argsort(descending=which != "SA")[:4]].sort().values
    torch.testing.assert_close(values, wanted, rtol=1e-4 if dtype == torch.float32 else 1e-10, atol=0)
    close = 1e-4 if dtype == torch.float32 else 1e-10
    torch.testing.assert_close(A @ vectors, vectors * values, rtol=close, atol=close)
    torch.testing.assert_close(vectors.mH @ vectors, torch.eye(4, dtype=dtype), rtol=close, atol=close)


def test_repeated_eigenvalues_and_invariant_spaces_are_found():
    A = torch.diag(torch.tensor([3.0] * 5 + [1.0] * 20, dtype=torch.float64))
    torch.testing.assert_close(solvers.eigsh(A, 4, return_eigenvectors=False), torch.full((4,), 3.0, dtype=torch.float64))
    assert torch.equal(solvers.eigsh(torch.zeros(4, 4), 2)[0], torch.zeros(2))
    assert torch.allclose(solvers.eigsh(torch.eye(3), 3)[0], torch.ones(3))


def test_eigenvalues_have_derivatives_and_say_that_these_have_none():
    torch.manual_seed(1)
    A = hermitian(12, torch.float64).requires_grad_()
    values = solvers.eigsh(A, 3, "LA", return_eigenvectors=False)
    (got,) = torch.autograd.grad((values**2).sum(), A)
    (wanted,) = torch.autograd.grad((torch.linalg.eigvalsh(A)[-3:] ** 2).sum(), A)
    torch.testing.assert_close((got + got.mT) / 2, (wanted + wanted.mT) / 2)
    (first,) = torch.autograd.grad(solvers.eigsh(A, 3, "LA")[0].sum(), A, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_what_cannot_be_is_named():
    with pytest.raises(RuntimeError, match="0 < k <= 3"):
        solvers.eigsh(torch.eye(3), 4)
    with pytest.raises(ValueError, match="one of LM, SM, LA, SA, got 'XX'"):
        solvers.eigsh(torch.eye(3), 1, "XX")
    torch.manual_seed(2)
    with pytest.raises(torch.linalg.LinAlgError, match="is A Hermitian"):
        solvers.eigsh(torch.randn(8, 8, dtype=torch.float64), 2)
    with pytest.raises(torch.linalg.LinAlgError, match="asked for"):
        solvers.eigsh(hermitian(200, torch.float64), 6, ncv=8, maxiter=1)
