"""Derivatives of linear algebra against differences, to second order, where the result has no gauge left."""

import numpy as np
import pytest

import lineal as torch
from lineal import linalg
from lineal.autograd import grad, gradcheck, gradgradcheck
from lineal.tracing import trace

KINDS = [torch.float64, torch.complex128]


def drawn(shape, dtype, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=shape)
    if dtype.is_complex:
        x = x + 1j * generator.normal(size=shape)
    return torch.from_numpy(x)


def hermitian(A):
    return A + A.mH


def positive(A):
    return A @ A.mH + torch.eye(A.shape[-1], dtype=A.dtype)


def regular(A):
    return A + 3 * torch.eye(A.shape[-1], dtype=A.dtype)


SQUARE = {
    "cholesky": lambda A: linalg.cholesky(positive(A)),
    "inv": lambda A: linalg.inv(regular(A)),
    "det": linalg.det,
    "logabsdet": lambda A: linalg.slogdet(regular(A)).logabsdet,
    "sign": lambda A: linalg.slogdet(regular(A)).sign.abs(),
    "eigvalsh": lambda A: linalg.eigvalsh(hermitian(A)),
    "eigh": lambda A: linalg.eigh(hermitian(A)).eigenvectors.abs(),
    "matrix_exp": linalg.matrix_exp,
    "matrix_power": lambda A: linalg.matrix_power(A, 3),
    "inverse_power": lambda A: linalg.matrix_power(regular(A), -2),
    "lu": lambda A: linalg.lu_factor(regular(A)).LU,
    "nuclear": lambda A: linalg.matrix_norm(A, "nuc"),
    "spectral": lambda A: linalg.matrix_norm(A, 2),
    "cond": lambda A: linalg.cond(A),
    "cond_1": lambda A: linalg.cond(regular(A), 1),
}
ANY = {
    "qr": lambda A: linalg.qr(A),
    "svdvals": linalg.svdvals,
    "svd": lambda A: tuple(part.abs() for part in linalg.svd(A, full_matrices=False)),
    "pinv": linalg.pinv,
    "lu": lambda A: linalg.lu(A)[1:],
}


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2)], ids=str)
def test_of_square_matrices(name, shape, dtype):
    A = drawn(shape, dtype, 3).requires_grad_()
    assert gradcheck(SQUARE[name], (A,))
    assert gradgradcheck(SQUARE[name], (A,))


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("name", ANY)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)], ids=str)
def test_of_any_matrices(name, shape, dtype):
    A = drawn(shape, dtype, 5).requires_grad_()
    assert gradcheck(ANY[name], (A,))
    assert gradgradcheck(ANY[name], (A,))


@pytest.mark.parametrize("dtype", KINDS, ids=str)
def test_eigenvalues_of_any_square_matrix(dtype):
    A = drawn((3, 3), dtype, 1).requires_grad_()
    assert gradcheck(lambda A: linalg.eigvals(A).abs().sum(-1), (A,))
    assert gradgradcheck(lambda A: linalg.eigvals(A).abs().sum(-1), (A,))
    assert gradcheck(lambda A: linalg.eig(A).eigenvectors.abs().square().sum(0), (A,))


@pytest.mark.parametrize("dtype", KINDS, ids=str)
def test_systems(dtype):
    A = regular(drawn((2, 3, 3), dtype)).requires_grad_()
    B = drawn((2, 3, 2), dtype, 1).requires_grad_()
    for f in (
        linalg.solve,
        lambda A, B: linalg.solve(A, B.mT, left=False),
        lambda A, B: linalg.solve_triangular(A, B, upper=True),
        lambda A, B: linalg.solve_triangular(A, B.mT, upper=False, left=False, unitriangular=True),
        lambda A, B: torch.cholesky_solve(B, A.tril()),
        lambda A, B: linalg.lu_solve(*linalg.lu_factor(A), B),
    ):
        assert gradcheck(f, (A, B))
        assert gradgradcheck(f, (A, B))


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3)], ids=str)
def test_least_squares(shape, dtype):
    A = drawn(shape, dtype).requires_grad_()
    B = drawn((shape[0], 2), dtype, 1).requires_grad_()
    assert gradcheck(lambda A, B: linalg.lstsq(A, B).solution, (A, B))
    assert gradgradcheck(lambda A, B: linalg.lstsq(A, B).solution, (A, B))


def test_least_squares_of_deficient_rank_along_matrices_of_that_rank():
    C, D = (drawn(shape, torch.float64, seed).requires_grad_() for shape, seed in (((5, 2), 0), ((2, 4), 1)))
    B = drawn((5, 1), torch.float64, 2)
    assert gradcheck(lambda C, D: linalg.lstsq(C @ D, B, rcond=1e-10).solution, (C, D))
    assert gradcheck(lambda C, D: linalg.pinv(C @ D, rtol=1e-10), (C, D))


def rotated(values):
    Q = linalg.qr(drawn((len(values), len(values)), torch.float64, 7)).Q
    return (Q * torch.tensor(values, dtype=torch.float64)) @ Q.mT


def test_repeated_values_are_exact_for_losses_that_see_only_their_space():
    W = drawn((4, 4), torch.float64, 8)

    def by_eigenvectors(A):
        V = linalg.eigh(hermitian(A) / 2).eigenvectors[:, :2]
        return ((V @ V.mT) * W).sum()

    def by_singular_vectors(A):
        U, S, Vh = linalg.svd(A)
        return ((U[:, :2] @ Vh[:2]) * W).sum() + S.square().sum()

    assert gradcheck(by_eigenvectors, (rotated([1.0, 1.0, 3.0, 4.0]).requires_grad_(),))
    assert gradcheck(by_singular_vectors, (rotated([3.0, 3.0, 1.0, 0.5]).requires_grad_(),))


def test_repeated_values_give_no_nan():
    A = torch.eye(3, dtype=torch.float64, requires_grad=True)
    values, V = linalg.eigh(A)
    U, S, Vh = linalg.svd(A)
    (((V * values) @ V.mT).sum() + ((U * S) @ Vh).sum()).backward()
    assert bool(torch.isfinite(A.grad).all())


def test_determinant_of_a_singular_matrix_has_the_cofactors_as_derivative():
    A = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64, requires_grad=True)
    linalg.det(A).backward()
    np.testing.assert_allclose(A.grad.numpy(), [[4, -2], [-2, 1]], atol=1e-12)


def test_losses_that_depend_on_phases_are_refused():
    A = hermitian(drawn((3, 3), torch.complex128)).requires_grad_()
    loss = linalg.eigh(A).eigenvectors.imag.sum()
    with pytest.raises(RuntimeError, match="phi"):
        loss.backward()


RECORDED = {
    "svdvals": (linalg.svdvals, "SingularValues"),
    "eigvalsh": (lambda A: linalg.eigvalsh(A, "U"), "HermitianEigenvalues"),
    "eigvals": (lambda A: linalg.eigvals(A).abs(), "Eig"),
}


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("name", RECORDED)
def test_values_recorded_without_vectors_are_differentiable_later(name, dtype):
    function, op = RECORDED[name]
    given = drawn((2, 4, 4), dtype)
    A = hermitian(given) if name == "eigvalsh" else given
    _, graph = trace(function, A)
    assert op in {type(getattr(each, "op", None)).__name__ for each in graph.equations}
    found = []
    for each in (function, lambda x: graph(x)[0]):
        x = A.clone().requires_grad_()
        (first,) = grad((each(x) ** 3).sum(), x, create_graph=True)
        found.append((first, *grad(first.abs().sum(), x)))
    for one, other in zip(*found):
        np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", RECORDED)
def test_values_alone_are_those_of_the_whole_decomposition(name):
    function, _ = RECORDED[name]
    for shape in ((30, 30), (3, 5, 5), (200, 4, 4), (0, 3, 3), (0, 0)):
        A = hermitian(drawn(shape, torch.float64))
        alone, whole = function(A), function(A.clone().requires_grad_())
        assert alone.grad_fn is None
        assert whole.requires_grad
        alone, whole = (np.sort(each.detach().numpy(), -1) for each in (alone, whole))
        np.testing.assert_allclose(alone, whole, rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        assert not function(A.clone().requires_grad_()).requires_grad
