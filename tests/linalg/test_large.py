"""Large matrices through the public functions: right answers, the same reports, and one factorisation for all that follows."""

import numpy as np
import pytest

import lineal as torch
from lineal.base import blas
from lineal.base.errors import IllConditionedWarning, LinAlgError
from lineal.codegen.dense.programs import programs

N = 261


@pytest.fixture
def A():
    return torch.from_numpy(np.random.default_rng(0).normal(size=(N, N)))


@pytest.fixture
def factorisations(monkeypatch):
    """The sizes of the matrices that are factored from here on, by the programs."""
    monkeypatch.setattr(blas, "CHOSEN", {blas.BLAS: "own"})
    run, seen = programs(np.dtype(np.float64)), []

    def counted(function):
        return lambda A: seen.append(len(A)) or function(A)

    for name in ("lu", "cholesky"):
        monkeypatch.setattr(run, name, counted(getattr(run, name)))
    return seen


def test_a_solution_its_condition_and_its_derivatives_take_one_factorisation(A, factorisations):
    b = torch.ones(N, dtype=torch.float64).requires_grad_()
    A.requires_grad_()
    x = torch.linalg.solve(A, b)
    x.sum().backward()
    assert factorisations == [N]
    y = np.linalg.solve(A.detach().numpy().T, np.ones(N))
    np.testing.assert_allclose(b.grad.numpy(), y, rtol=1e-8)
    np.testing.assert_allclose(A.grad.numpy(), -np.outer(y, x.detach().numpy()), rtol=1e-7)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("columns", [1, 3, 40])
def test_solutions(A, order, columns):
    A = torch.from_numpy(np.array(A.numpy(), order=order))
    B = torch.from_numpy(np.random.default_rng(1).normal(size=(N, columns)))
    torch.testing.assert_close(A @ torch.linalg.solve(A, B), B)
    torch.testing.assert_close(torch.linalg.solve(A, B.mT, left=False) @ A, B.mT)
    LU, pivots = torch.linalg.lu_factor(A)
    torch.testing.assert_close(A @ torch.linalg.lu_solve(LU, pivots, B), B)
    torch.testing.assert_close(A.mT @ torch.linalg.lu_solve(LU, pivots, B, adjoint=True), B)
    torch.testing.assert_close(torch.linalg.inv(A) @ B, torch.linalg.solve(A, B))


def test_stacks_and_slices(A):
    stack = torch.stack([A, A.mT, A + 1])
    B = torch.ones(3, N, 2, dtype=torch.float64)
    torch.testing.assert_close(stack @ torch.linalg.solve(stack, B), B)
    part = torch.cat([A, A], 1)[:, 7 : 7 + N]
    torch.testing.assert_close(part @ torch.linalg.inv(part), torch.eye(N, dtype=torch.float64))
    every_second = torch.cat([A, A], 1).flip(0)[::2, ::2][:130, :130]
    torch.testing.assert_close(torch.linalg.slogdet(every_second)[1].exp(), torch.linalg.det(every_second).abs())


def test_cholesky_reads_one_triangle(A):
    S = A @ A.mT + N * torch.eye(N, dtype=torch.float64)
    expected = torch.from_numpy(np.linalg.cholesky(S.numpy()))
    torch.testing.assert_close(torch.linalg.cholesky(S.tril()), expected)
    torch.testing.assert_close(torch.linalg.cholesky(S.triu(), upper=True), expected.mT)
    S[200, 200] = -1
    with pytest.raises(LinAlgError, match="order 201"):
        torch.linalg.cholesky(S)
    assert int(torch.linalg.cholesky_ex(S)[1]) == 201


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("shape", [(N, N), (2, 97, 97), (2, 192, 192)])
def test_the_derivative_of_cholesky(shape, compiled, upper):
    """Block after block of columns is what two triangular systems with the whole factor give."""
    rng = np.random.default_rng(0)
    A, W = rng.normal(size=shape), rng.normal(size=shape)
    A = A @ A.swapaxes(-1, -2) / shape[-1] + 0.1 * np.eye(shape[-1])
    slope = lambda A, W: torch.autograd.grad((torch.linalg.cholesky(A, upper=upper) * W).sum(), A)[0]
    slope = torch.compile(slope) if compiled else slope
    for _ in range(2):
        found = slope(torch.from_numpy(A).requires_grad_(), torch.from_numpy(W)).numpy()
    G = W.swapaxes(-1, -2) if upper else W
    L = np.linalg.cholesky(A)
    S = np.tril(L.swapaxes(-1, -2) @ np.tril(G)) / 2
    S += np.tril(S, -1).swapaxes(-1, -2)
    inverse = np.linalg.inv(L)
    np.testing.assert_allclose(found, inverse.swapaxes(-1, -2) @ S @ inverse, rtol=1e-8, atol=1e-10)


def test_singular_and_ill_conditioned_matrices_are_reported(A):
    A[:, 30] = 0
    b = torch.ones(N, dtype=torch.float64)
    with pytest.raises(LinAlgError, match="singular"):
        torch.linalg.solve(A, b)
    with pytest.raises(LinAlgError, match="singular"):
        torch.linalg.inv(A)
    assert float(torch.linalg.det(A)) == 0
    assert torch.linalg.slogdet(A)[1] == -torch.inf
    A[:, 30] = A[:, 31] * (1 + 1e-15) + 1e-16 * b
    with pytest.warns(IllConditionedWarning, match="ill-conditioned"):
        torch.linalg.solve(A, b)


def test_numbers_that_are_not_finite_are_reported(A):
    A[100, 3] = torch.nan
    with pytest.warns(IllConditionedWarning, match=r"nan at \(100, 3\)"):
        torch.linalg.solve(A, torch.ones(N, dtype=torch.float64))


def test_float32_is_as_good_as_float32_can_be(A):
    A, B = A.float(), torch.ones(N, 5)
    X = torch.linalg.solve(A, B)
    size = A.abs().sum(-1).max() * X.abs().max()
    assert (A @ X - B).abs().max() < 4e-7 * size


@pytest.mark.parametrize("shape", [(3, 4), (N, N), (3, N, N), (130, 6, 6)])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_decompositions_refuse_what_is_not_finite_and_say_which(shape, bad):
    A = torch.from_numpy(np.random.default_rng(0).normal(size=shape))
    A[..., 1, 2][-1 if len(shape) > 2 else ()] = bad
    where = f"(Batch element {shape[0] - 1}): " if len(shape) > 2 else ""
    for name in ("svdvals", "pinv", "lstsq"):
        given = (A, A[..., :2]) if name == "lstsq" else (A,)
        with pytest.raises(LinAlgError) as caught:
            getattr(torch.linalg, name)(*given)
        assert str(caught.value).startswith(f"linalg.{name}: {where}The algorithm failed")


def test_the_name_of_a_library_is_checked(monkeypatch, A):
    monkeypatch.setattr(blas, "CHOSEN", {})
    monkeypatch.setenv("LINEAL_BLAS", "something")
    with pytest.raises((ValueError, RuntimeError), match="LINEAL_BLAS: expected one of auto, own, mkl"):
        torch.linalg.inv(A)
