"""Ridge regression, total least squares and polynomials: against NumPy, closed forms, and differences."""

import numpy as np
import pytest

import lineal as torch
from lineal import models
from lineal.autograd import gradcheck
from lineal.linalg import LinAlgError

EACH_KIND = pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)


def drawn(*shape, seed=0, dtype=torch.float64):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=shape)
    return torch.from_numpy(x + 1j * generator.normal(size=shape) if dtype.is_complex else x)


def close(a, b, tolerance=1e-10):
    a, b = (each.detach().numpy() if isinstance(each, torch.Tensor) else np.asarray(each) for each in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@EACH_KIND
@pytest.mark.parametrize("shape", [(6, 3), (3, 6), (2, 6, 3)], ids=str)
@pytest.mark.parametrize("many", [False, True])
def test_ridge_solves_the_normal_equations(shape, many, dtype):
    A = drawn(*shape, dtype=dtype)
    b = drawn(*shape[:-1], *([2] if many else []), seed=1, dtype=dtype)
    x = models.ridge(A, b, 0.3)
    B, X = (b, x) if many else (b[..., None], x[..., None])
    close(A.mH @ (A @ X - B) + 0.3 * X, torch.zeros_like(X))


def test_ridge_with_a_penalty_for_each_of_a_batch():
    A, b, lam = drawn(6, 3), drawn(6, seed=1), torch.tensor([0.1, 10.0]).double()
    close(models.ridge(A, b, lam), torch.stack([models.ridge(A, b, each) for each in lam]))


@EACH_KIND
def test_derivatives_of_ridge(dtype):
    A, b = drawn(5, 3, dtype=dtype).requires_grad_(), drawn(5, seed=1, dtype=dtype).requires_grad_()
    assert gradcheck(models.ridge, (A, b, torch.tensor(0.7, dtype=torch.float64, requires_grad=True)))


def test_ridge_keeps_the_digits_that_normal_equations_lose():
    A, truth = np.vander(np.linspace(0, 1, 15), 10), np.arange(1.0, 11.0)
    b = A @ truth
    assert np.abs(models.ridge(torch.from_numpy(A), torch.from_numpy(b), 1e-24).numpy() - truth).max() < 1e-5
    assert np.abs(np.linalg.solve(A.T @ A + 1e-24 * np.eye(10), A.T @ b) - truth).max() > 1e-3


def test_regression_refuses():
    A, b = drawn(6, 3), drawn(6)
    with pytest.raises(ValueError, match="expected lam > 0"):
        models.ridge(A, b, 0.0)
    with pytest.raises(RuntimeError, match=r"expected A \(…, m, n\) and b .*got \[6, 3\] and \[5\]"):
        models.ridge(A, b[:5], 1.0)
    with pytest.raises(RuntimeError, match=r"at least n \+ k = 4 rows, got 3"):
        models.total_least_squares(A[:3], b[:3])


@EACH_KIND
@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_total_least_squares_takes_the_smallest_change(batch, dtype):
    A, b = drawn(*batch, 8, 3, dtype=dtype), drawn(*batch, 8, seed=1, dtype=dtype)
    x = models.total_least_squares(A, b)
    # The closed form: x = (AᴴA - σ²)⁻¹ Aᴴb, σ the least singular value of [A b]. Golub and Van Loan (2013), theorem 6.3.1.
    sigma = torch.linalg.svdvals(torch.cat([A, b[..., None]], -1))[..., -1:]
    shifted = A.mH @ A - (sigma**2)[..., None] * torch.eye(3).double()
    close(x, torch.linalg.solve(shifted.to(dtype), A.mH @ b[..., None])[..., 0])
    error = torch.linalg.vector_norm(A @ x[..., None] - b[..., None], dim=(-2, -1))
    close(error / (1 + torch.linalg.vector_norm(x, dim=-1) ** 2).sqrt(), sigma[..., 0])


def test_total_least_squares_of_several_right_sides_is_exact_where_it_can_be():
    A, X = drawn(8, 3), drawn(3, 2, seed=1)
    close(models.total_least_squares(A, A @ X), X)


@EACH_KIND
def test_derivatives_of_total_least_squares(dtype):
    A, B = drawn(7, 2, dtype=dtype).requires_grad_(), drawn(7, 2, seed=1, dtype=dtype).requires_grad_()
    assert gradcheck(models.total_least_squares, (A, B))
    assert gradcheck(models.total_least_squares, (A, B.detach()[:, 0].requires_grad_()))


@pytest.mark.parametrize("degree", range(6))
def test_polyfit_is_numpys(degree):
    x, y, w = drawn(20), drawn(20, seed=1), drawn(20, seed=2).abs()
    close(models.polyfit(x, y, degree), np.polyfit(x.numpy(), y.numpy(), degree), 1e-8)
    close(models.polyfit(x, y, degree, w), np.polyfit(x.numpy(), y.numpy(), degree, w=w.numpy()), 1e-8)


def test_polyfit_passes_through_as_many_points_as_coefficients_even_far_from_zero():
    x, y = torch.linspace(1000, 1010, 4).double(), drawn(4)
    close(models.polyval(models.polyfit(x, y, 3), x), y, 1e-4)


def test_polynomials_in_batches():
    x, y = drawn(9), drawn(3, 9, seed=1)
    c = models.polyfit(x, y, 2)
    close(c, np.polyfit(x.numpy(), y.numpy().T, 2).T)
    close(models.polyval(c, x), np.stack([np.polyval(each, x.numpy()) for each in c.numpy()]))
    close(models.polyval(c, x[0]), models.polyval(c, x)[:, 0])
    close(models.polyfit(drawn(3, 9), y, 2)[1], np.polyfit(drawn(3, 9)[1].numpy(), y[1].numpy(), 2))


def test_derivatives_of_polynomials():
    x, y, w = (drawn(6, seed=each).requires_grad_() for each in range(3))
    assert gradcheck(lambda x, y, w: models.polyfit(x, y, 2, w), (x, y, w))
    assert gradcheck(models.polyval, (drawn(4).requires_grad_(), y))


def test_polyfit_refuses():
    with pytest.raises(LinAlgError, match="polyfit: expected independent columns"):
        models.polyfit(torch.ones(5), torch.ones(5), 2)
    with pytest.raises(RuntimeError, match=r"expected x, y of shape \(…, m > 3\)"):
        models.polyfit(drawn(3), drawn(3), 3)
