"""Least squares by every way there is: kernels for batches, QR of single matrices, singular values where ranks are in doubt."""

import warnings

import numpy as np
import pytest

import lineal as torch
from lineal.base.errors import IllConditionedWarning

# (batch, m, n, k): kernels of short and of long columns, LAPACK's QR with few and with many right-hand sides, wide matrices
SHAPES = [(200, 6, 4, 2), (150, 100, 5, 1), (130, 64, 32, 3), (3, 70, 40, 2), (3, 30, 4, 9), (1, 300, 120, 1), (2, 5, 8, 2)]


def drawn(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    real = rng.normal(size=shape)
    return (real + 1j * rng.normal(size=shape) if dtype.startswith("c") else real).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("shape", SHAPES)
def test_solutions_and_derivatives(shape, dtype):
    """X is A⁺ B; the derivative of Re ⟨W, X⟩ is that of the pseudoinverse, applied to B."""
    batch, m, n, k = shape
    A, B, W = drawn((batch, m, n), dtype), drawn((batch, m, k), dtype, 1), drawn((batch, n, k), dtype, 2)
    a, b = (torch.from_numpy(each).requires_grad_() for each in (A, B))
    X = torch.linalg.lstsq(a, b).solution
    P = np.linalg.pinv(A.astype(complex))
    tolerance = 2e-4 if dtype == "float32" else 1e-9
    np.testing.assert_allclose(X.detach().numpy(), P @ B, rtol=tolerance, atol=tolerance)
    by_A, by_B = torch.autograd.grad((X * torch.from_numpy(W.conj())).sum().real, (a, b))
    np.testing.assert_allclose(by_B.numpy(), P.conj().mT @ W, rtol=tolerance, atol=tolerance)
    H, r, X = P.conj().mT @ W, B - A @ (P @ B), P @ B
    wanted = -H @ X.conj().mT + r @ (P @ H).conj().mT + P.conj().mT @ X @ (W - P @ (A @ W)).conj().mT
    np.testing.assert_allclose(by_A.numpy(), wanted, rtol=tolerance, atol=tolerance * abs(wanted).max())


@pytest.mark.parametrize("shape", [(200, 40, 6, 2), (3, 40, 6, 2), (3, 50, 40, 1)])
def test_one_deficient_matrix_of_many(shape):
    """Only that one goes by singular values: the shortest solution, the rank it has; the others are as they were."""
    batch, m, n, k = shape
    A, B = drawn((batch, m, n), "float64"), drawn((batch, m, k), "float64", 1)
    A[1, :, -1] = A[1, :, 0] + A[1, :, 1]
    found = torch.linalg.lstsq(torch.from_numpy(A), torch.from_numpy(B))
    np.testing.assert_allclose(found.solution.numpy(), np.linalg.pinv(A) @ B, atol=1e-10)
    assert found.rank.tolist() == [n, n - 1, *[n] * (batch - 2)]


@pytest.mark.parametrize("m, n", [(60, 6), (200, 100)])
def test_doubtful_ranks_are_reported_with_their_place(m, n):
    A, B = drawn((4, m, n), "float64"), drawn((4, m, 1), "float64", 1)
    # singular values that go down to ε without a gap
    A[2] *= np.logspace(0, -16, n)
    with pytest.warns(IllConditionedWarning, match="batch entry 2"):
        torch.linalg.lstsq(torch.from_numpy(A), torch.from_numpy(B))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.linalg.lstsq(torch.from_numpy(A[:2]), torch.from_numpy(B[:2]))


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_scaled_problems(scale):
    A, B = drawn((50, 20), "float64") * scale, drawn((50, 2), "float64", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IllConditionedWarning)
        X = torch.linalg.lstsq(torch.from_numpy(A), torch.from_numpy(B)).solution.numpy()
    np.testing.assert_allclose(X * scale, np.linalg.pinv(A / scale) @ B, rtol=1e-9)


@pytest.mark.parametrize("shape", [(200, 100, 5), (130, 1000, 3), (140, 64, 32)])
def test_qr_of_long_columns(shape):
    A = drawn(shape, "float64")
    Q, R = (each.numpy() for each in torch.linalg.qr(torch.from_numpy(A)))
    np.testing.assert_allclose(Q @ R, A, atol=1e-12)
    np.testing.assert_allclose(Q.mT @ Q, np.broadcast_to(np.eye(shape[-1]), R.shape), atol=1e-13)
    assert not np.tril(R, -1).any()


def test_gels_takes_the_rank_for_full_whatever_the_border():
    A, b = torch.tensor([[1.0, 0.0], [0.0, 1e-9], [0.0, 0.0]]), torch.tensor([[1.0], [1.0], [0.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IllConditionedWarning)
        for M, c in ((A, b), (A.mT, b[:2])):
            X = torch.linalg.lstsq(M, c, rcond=1e-3, driver="gels").solution
            np.testing.assert_allclose(X[:2].numpy(), [[1], [1e9]], rtol=1e-6)
    dependent = torch.stack([A, torch.ones(3, 2)])
    with pytest.raises(torch.linalg.LinAlgError, match=r"lstsq: \(Batch element 1\): .* full rank"):
        torch.linalg.lstsq(dependent, torch.ones(2, 3, 1), driver="gels")
