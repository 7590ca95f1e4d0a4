"""Batches that are taken step by step as a whole give what their matrices give one by one, and the same is said of them."""

import numpy as np
import pytest

import lineal as torch
from lineal.base.errors import IllConditionedWarning


def stack(count, n, dtype="complex128"):
    random = np.random.default_rng(n)
    A = random.normal(size=(count, n, n)) + 1j * random.normal(size=(count, n, n))
    return A.astype(dtype) if dtype.startswith("complex") else A.real.astype(dtype)


def conditioned(count, n, condition, dtype="float64"):
    Q = np.linalg.qr(stack(count, n, dtype))[0]
    return torch.tensor((Q * np.geomspace(1, 1 / condition, n)) @ Q.conj().swapaxes(-1, -2))


@pytest.mark.parametrize("n", [1, 3, 5])
def test_elimination_of_many_complex_matrices(n):
    A = stack(400, n)
    A[7] = 0
    LU, pivots, info = torch.linalg.lu_factor_ex(torch.tensor(A))
    for place in (0, 7, 399):
        one = torch.linalg.lu_factor_ex(torch.tensor(A[place]))
        torch.testing.assert_close((LU[place], pivots[place], info[place]), tuple(one))
    assert info[7] == 1 and info.sum() == 1


@pytest.mark.parametrize("adjoint", [False, True])
@pytest.mark.parametrize(("count", "n"), [(3, 4), (30, 40), (300, 4)])
def test_solutions_by_factors(count, n, adjoint):
    A, B = torch.tensor(stack(count, n)), torch.tensor(stack(count, n)[..., :2])
    X = torch.linalg.lu_solve(*torch.linalg.lu_factor(A), B, adjoint=adjoint)
    torch.testing.assert_close((A.mH if adjoint else A) @ X, B)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize(("count", "n"), [(1, 5), (3, 40), (100, 4), (300, 4)])
def test_the_other_triangle_is_not_read(count, n, upper):
    A = torch.tensor(stack(count, n)) + 5 * torch.eye(n)
    B = torch.tensor(stack(count, n)[..., :2])
    T = A.triu() if upper else A.tril()
    read = torch.ones(n, n).triu() if upper else torch.ones(n, n).tril()
    torch.testing.assert_close(T @ torch.linalg.solve_triangular(A.where(read > 0, torch.nan), B, upper=upper), B)


@pytest.mark.parametrize(("count", "n"), [(2, 4), (20, 12), (300, 4)])
def test_of_many_factors_the_bad_ones_are_named(count, n):
    L = torch.linalg.cholesky(conditioned(count, n, 10))
    L[1] = torch.linalg.qr(conditioned(1, n, 3e8)[0])[1].mH
    for answer in (lambda: torch.cholesky_solve(torch.ones(count, n, 1, dtype=L.dtype), L), lambda: torch.cholesky_inverse(L)):
        with pytest.warns(IllConditionedWarning, match="batch entry 1: ill-conditioned"):
            answer()


@pytest.mark.parametrize(("count", "n"), [(6, 8), (6, 40)])
def test_the_condition_is_told_of_each_system(count, n):
    A = conditioned(count, n, 10)
    A[2] = conditioned(1, n, 1e17)[0]
    B = torch.ones(count, n, 1, dtype=A.dtype)
    with pytest.warns(IllConditionedWarning, match="batch entry 2"):
        rcond = torch.linalg.solve(A, B, return_info=True).rcond
    torch.testing.assert_close(rcond[0], torch.linalg.rcond(A[0]), rtol=0.5, atol=0)
    assert rcond[2] < 1e-15
