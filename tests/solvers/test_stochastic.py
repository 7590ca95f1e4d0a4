"""Traces, log-determinants and exponentials of operators."""

import pytest

import lineal as torch
from lineal import solvers

F64 = torch.float64


def positive(n):
    B = torch.randn(n, n, dtype=F64)
    return B @ B.mT / n + torch.eye(n, dtype=F64)


def test_estimates_lie_where_their_errors_say():
    torch.manual_seed(0)
    A = positive(60)
    for estimate, truth in ((solvers.trace(A, 200), A.trace()), (solvers.logdet(A, 200), torch.logdet(A))):
        assert abs(float(estimate.value - truth)) < 4 * float(estimate.error) < 0.2 * abs(float(truth))


def test_a_diagonal_has_its_trace_and_its_logarithm_by_signs_exactly():
    d = torch.tensor([1.0, 2.0, 5.0], dtype=F64, requires_grad=True)
    for function, truth, slope in ((solvers.trace, 8.0, torch.ones(3, dtype=F64)), (solvers.logdet, 10.0**0, 1 / d.detach())):
        value = function(solvers.Diagonal(d), 4).value
        (grad,) = torch.autograd.grad(value, d)
        torch.testing.assert_close(grad, slope, rtol=1e-5, atol=0)
        expected = torch.tensor(truth if function is solvers.trace else 2.302585092994046, dtype=F64)
        torch.testing.assert_close(value.detach(), expected)


def test_a_logarithm_of_what_is_not_positive_is_refused():
    with pytest.raises(RuntimeError, match="not positive definite"):
        solvers.logdet(-torch.eye(3))
    with pytest.raises(ValueError, match="at least 2 samples, got 1"):
        solvers.trace(torch.eye(3), 1)
    with pytest.raises(RuntimeError, match="square"):
        solvers.trace(torch.ones(2, 3))


@pytest.mark.parametrize("dtype", [torch.float32, F64, torch.complex128])
def test_exponentials_are_those_of_the_matrix(dtype):
    torch.manual_seed(1)
    A, B = torch.randn(9, 9, dtype=dtype), torch.randn(9, 2, dtype=dtype)
    for t in (1.0, -2.5, 0.0):
        wanted = torch.linalg.matrix_exp(t * A) @ B
        got = solvers.expm_multiply(A, B, t)
        assert (got - wanted).norm() <= (1e-4 if dtype == torch.float32 else 1e-11) * wanted.norm()
        torch.testing.assert_close(solvers.expm_multiply(A.to_sparse_csr(), B[:, 0], t), got[:, 0], rtol=1e-4, atol=1e-5)


def test_exponentials_have_derivatives():
    torch.manual_seed(2)
    A, b = torch.randn(3, 3, dtype=F64, requires_grad=True), torch.randn(3, dtype=F64, requires_grad=True)
    assert torch.autograd.gradcheck(solvers.expm_multiply, (A, b))
    assert torch.autograd.gradgradcheck(solvers.expm_multiply, (A, b))


def test_numbers_that_are_not_finite_give_nan():
    assert solvers.expm_multiply(torch.full((2, 2), torch.nan), torch.ones(2)).isnan().all()
