"""solve(assume=...) takes the algorithm of a structure, with the numbers and derivatives of LU; inverses wait."""

import copy

import numpy as np
import pytest

import lineal as torch
from lineal import linalg
from lineal.tensors.inverted import InvertedTensor

N = 40


def base(seed, complex_, n=N):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(2, n, n))
    if complex_:
        x = x + 1j * generator.normal(size=(2, n, n))
    return x + 8 * np.eye(n), generator


def toeplitz(x):
    n = x.shape[-1]
    places = np.subtract.outer(np.arange(n), np.arange(n)) + n - 1
    return np.stack([np.r_[each[0], each[1][1:]][places] for each in x]) + 4 * n * np.eye(n)


MAKERS = {
    "diagonal": lambda x, g: x * np.eye(N),
    "lower triangular": lambda x, g: np.tril(x),
    "upper triangular": lambda x, g: np.triu(x),
    "permuted triangular": lambda x, g: np.tril(x)[:, g.permutation(N)][:, :, g.permutation(N)],
    "banded": lambda x, g: np.tril(np.triu(x, -1), 2),
    "hermitian": lambda x, g: x + np.swapaxes(x, -1, -2).conj() - 30 * np.eye(N),
    "positive definite": lambda x, g: x @ np.swapaxes(x, -1, -2).conj(),
    "toeplitz": lambda x, g: toeplitz(x),
}


def problem(method, complex_):
    x, generator = base(3, complex_)
    B = generator.normal(size=(2, N, 3)) + (1j if complex_ else 0)
    return torch.from_numpy(MAKERS[method](x, generator)).requires_grad_(), torch.from_numpy(B).requires_grad_()


def derivatives(X, *inputs):
    """Return the first derivatives of a function of X, and those of a function of these."""
    firsts = torch.autograd.grad((X * X.conj()).real.sum(), inputs, create_graph=True)
    seconds = torch.autograd.grad(sum((each * each.conj()).real.sum() for each in firsts), inputs)
    return [*firsts, *seconds]


def close(one, other):
    one, other = one.detach().numpy(), other.detach().numpy()
    np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8 * max(1e-8, np.abs(other).max()))


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("method", MAKERS)
def test_a_structure_changes_the_algorithm_and_nothing_else(method, complex_):
    A, B = problem(method, complex_)
    plain = linalg.solve(A, B)
    wanted = derivatives(plain, A, B)
    for assume in ("auto", method):
        X, taken, rcond, error = linalg.solve(A, B, assume=assume, return_info=True)
        # too small for Levinson's recursion to pay when nobody insists on it
        assert taken == method or (method == "toeplitz" and assume == "auto")
        close(X, plain)
        assert float(error.max()) < 1e-13
        np.testing.assert_allclose(rcond.numpy(), linalg.rcond(A).numpy(), rtol=3 if method == "toeplitz" else 1e-6)
        for one, other in zip(derivatives(X, A, B), wanted):
            close(one, other)


def test_large_toeplitz_systems_are_found():
    n = 300
    A = torch.from_numpy(toeplitz(base(0, False, n)[0])[0])
    B = torch.ones(n, dtype=torch.float64)
    X, method, _, error = linalg.solve(A, B, assume="auto", return_info=True)
    assert method == "toeplitz"
    close(X, linalg.solve(A, B))
    assert float(error) < 1e-12


def test_an_unstable_toeplitz_solution_is_replaced():
    # the second leading minor is singular, so that Levinson's recursion cannot go on
    A = torch.from_numpy(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [3.0, 1.0, 1.0]]))
    B = torch.ones(3, dtype=torch.float64)
    X, method, *_ = linalg.solve(A, B, assume="toeplitz", return_info=True)
    assert method == "lu"
    close(A @ X, B)


def test_general_matrices_and_default_take_lu():
    A, B = torch.from_numpy(base(0, False)[0]), torch.ones(2, N, 1, dtype=torch.float64)
    for assume in (None, "general", "auto", "lu"):
        assert linalg.solve(A, B, assume=assume, return_info=True).method == "lu"


def test_symmetric_but_indefinite_falls_back_to_blocks():
    A = torch.tensor([[0.0, 1, 3], [1, 0, 2], [3, 2, 5]], dtype=torch.float64)
    found = linalg.solve(A, torch.ones(3, dtype=torch.float64), assume="auto", return_info=True)
    assert found.method == "hermitian"
    close(A @ found.result, torch.ones(3, dtype=torch.float64))
    A[0, 0] = A[1, 1] = 1e-3
    assert linalg.solve(A, torch.ones(3, dtype=torch.float64), assume="auto", return_info=True).method == "hermitian"


@pytest.mark.parametrize("assume", sorted({*MAKERS} - {"banded", "upper triangular"}))
def test_a_wrong_assumption_is_refused(assume):
    A = torch.from_numpy(base(0, False)[0])
    with pytest.raises(linalg.LinAlgError, match=assume):
        linalg.solve(A, A, assume=assume)


def test_an_unknown_assumption_is_refused():
    with pytest.raises(ValueError, match="one of"):
        linalg.solve(torch.eye(3), torch.eye(3), assume="round")


def test_an_indefinite_matrix_is_not_positive_definite():
    with pytest.raises(linalg.LinAlgError, match="minor of order 2"):
        linalg.solve(torch.diag(torch.tensor([1.0, -1.0, 1.0])), torch.eye(3), assume="positive definite")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("method", ["positive definite", "hermitian"])
@linalg.set_conditioning("off")
def test_symmetry_is_asked_for_up_to_rounding(method, dtype):
    generator = np.random.default_rng(0)
    scales = 10.0 ** generator.integers(-1, 2, N)
    x = scales[:, None] * base(3, np.issubdtype(dtype, np.complexfloating))[0][0]
    A = x @ x.conj().T
    A = (A - 3 * np.diag(np.diag(A)) * (np.arange(N) % 2) if method == "hermitian" else A).astype(dtype)
    rough = A * (1 + 2 * np.finfo(dtype).eps * generator.integers(-2, 3, A.shape)).astype(dtype)
    B = torch.from_numpy(np.ones((N, 1), dtype))
    call = lambda A: linalg.solve(A, B, assume=method, return_info=True)
    for each in (A, rough):
        assert call(torch.from_numpy(each)).method == method
        assert linalg.solve(torch.from_numpy(each), B, assume="auto", return_info=True).method == method
    compiled = torch.compile(lambda A: linalg.solve(A, B, assume=method))
    for each in (A, rough):
        got = compiled(torch.from_numpy(each)).numpy()
        wanted = linalg.solve(torch.from_numpy(each), B, assume=method).numpy()
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e4 * np.finfo(dtype).eps * np.abs(wanted).max())
    rough[3, 5] += np.abs(rough).max()
    with pytest.raises(linalg.LinAlgError, match=r"differs from its adjoint by .* at \((3, 5|5, 3)\)"):
        compiled(torch.from_numpy(rough))
    assert linalg.solve(torch.from_numpy(rough), B, assume="auto", return_info=True).method == "lu"


def test_small_rows_are_no_rounding_of_large_ones():
    A = torch.tensor([[1e20, 1.0], [2.0, 1e-19]], dtype=torch.float64)
    with pytest.raises(linalg.LinAlgError, match="adjoint"):
        linalg.solve(A, A, assume="positive definite")


SINGULAR = [np.diag([1.0, 0, 2]), np.tril(np.ones((3, 3))) * [1, 1, 0], np.zeros((3, 3)), np.diag([1.0, 1], 1)]


@pytest.mark.parametrize("A", SINGULAR)
def test_singular_matrices_of_every_structure_are_refused(A):
    with pytest.raises(linalg.LinAlgError, match="singular"):
        linalg.solve(torch.from_numpy(A), torch.ones(len(A), dtype=torch.float64), assume="auto")


def test_empty_systems():
    for shape in ((0, 0), (2, 0, 0), (0, 3, 3)):
        A = torch.zeros(*shape, dtype=torch.float64)
        assert linalg.solve(A, A, assume="auto").shape == shape


PRODUCTS = {
    "Y @ B": lambda Y, B: Y @ B,
    "Y.mT @ B": lambda Y, B: Y.mT @ B,
    "Y.mH @ B": lambda Y, B: Y.mH @ B,
    "Y.T @ b": lambda Y, B: Y.T @ B[:, 0],
    "Bᵀ @ Y": lambda Y, B: B.mT @ Y,
    "Bᵀ @ Y.mT": lambda Y, B: B.mT @ Y.mT,
    "b @ Y": lambda Y, B: B[:, 0] @ Y,
    "Y.mm(B)": lambda Y, B: Y.mm(B),
}
LOOKS = {"Y * 2": lambda Y, B: (Y * 2) @ B, "Y[:2]": lambda Y, B: Y[:2] @ B, "Y @ batch": lambda Y, B: Y @ B[None]}


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("product", [*PRODUCTS, *LOOKS])
def test_products_with_an_inverse_are_solved(product, complex_):
    x, generator = base(1, complex_, 60)
    A = torch.from_numpy(x[0]).requires_grad_()
    B = torch.from_numpy(generator.normal(size=(60, 2)) + (0j if complex_ else 0)).requires_grad_()
    function = {**PRODUCTS, **LOOKS}[product]
    Y = linalg.inv(A)
    got = function(Y, B)
    assert isinstance(Y, InvertedTensor) == (product in PRODUCTS)
    other = torch.from_numpy(x[0]).requires_grad_()
    wanted = function(linalg.solve(other, torch.eye(60, dtype=other.dtype)), B)
    close(got, wanted)
    for one, two in zip(derivatives(got, A, B), derivatives(wanted, other, B)):
        close(one, two)


def test_who_looks_at_an_inverse_sees_an_ordinary_tensor():
    A = torch.from_numpy(base(1, False, 60)[0][0])
    inverse = np.linalg.inv(A.numpy())
    Y = linalg.inv(A)
    assert Y.shape == (60, 60) and Y.dtype == torch.float64 and Y.ndim == 2 and type(Y) is InvertedTensor
    np.testing.assert_allclose(Y.numpy(), inverse, atol=1e-12)
    assert type(Y) is torch.Tensor and not Y.requires_grad
    np.testing.assert_allclose(copy.deepcopy(linalg.inv(A)).numpy(), inverse, atol=1e-12)
    Y = linalg.inv(A)
    Y.mT.add_(1)
    np.testing.assert_allclose(Y.numpy(), inverse + 1, atol=1e-12)


def test_an_inverse_is_that_of_the_matrix_as_it_was():
    A = torch.from_numpy(base(1, False, 60)[0][0].copy())
    inverse, B = np.linalg.inv(A.numpy()), torch.ones(60, dtype=torch.float64)
    Y, Z = linalg.inv(A), linalg.inv(A)
    A.mul_(2)
    np.testing.assert_allclose((Y @ B).numpy(), inverse @ B.numpy(), atol=1e-12)
    np.testing.assert_allclose(Z.numpy(), inverse, atol=1e-12)


def test_an_inverse_made_without_history_has_none():
    A = torch.from_numpy(base(1, False, 60)[0][0]).requires_grad_()
    with torch.no_grad():
        Y = linalg.inv(A)
    assert not (Y @ torch.ones(60, dtype=torch.float64)).requires_grad and not Y.requires_grad
    Z = linalg.inv(A)
    with torch.no_grad():
        assert Z.requires_grad


def test_singular_matrices_are_refused_before_anybody_looks():
    with pytest.raises(linalg.LinAlgError, match="singular"):
        linalg.inv(torch.zeros(60, 60))
