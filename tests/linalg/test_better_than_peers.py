"""Results that are known from mathematics, and that PyTorch gives as NaN, infinity or other numbers."""

import itertools
import math

import numpy as np
import pytest

import lineal as torch
from lineal import linalg
from lineal.autograd import gradcheck, gradgradcheck

SCALES = (1e-200, 1e200)


def tensor(rows):
    return torch.tensor(rows, dtype=torch.float64)


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def rotation(n, seed=7):
    return linalg.qr(drawn(n, n, seed=seed)).Q


def gradient(f, *xs):
    xs = [x.detach().clone().requires_grad_() for x in xs]
    found = torch.autograd.grad(f(*xs), xs)
    return found[0] if len(found) == 1 else found


def close(a, b, rtol=1e-9, atol=1e-9):
    np.testing.assert_allclose(a.detach().numpy(), np.asarray(getattr(b, "value", b)), rtol=rtol, atol=atol)


def by_permutations(A):
    """Return the determinant as the sum over permutations: a polynomial, with all its derivatives."""
    n = A.shape[-1]
    total = 0
    for order in itertools.permutations(range(n)):
        sign = (-1) ** sum(a > b for a, b in itertools.combinations(order, 2))
        total = total + sign * math.prod(A[i, order[i]] for i in range(n))
    return total


RANKS = {
    "regular": [4.0, 3.0, 2.0],
    "rank 2": [4.0, 3.0, 0.0],
    "rank 2, repeated": [3.0, 3.0, 0.0],
    "rank 1": [4.0, 0.0, 0.0],
    "zero": [0.0, 0.0, 0.0],
    "singular but for rounding": [4.0, 3.0, 1e-17],
    "near singular": [4.0, 3.0, 1e-9],
    "one": [1.0, 1.0, 1.0],
}


@pytest.mark.parametrize("values", RANKS.values(), ids=RANKS)
@pytest.mark.parametrize("complex", [False, True])
def test_determinant_has_the_derivatives_of_its_polynomial_at_every_rank(values, complex):
    A = rotation(3) @ torch.diag(tensor(values)) @ rotation(3, 8)
    E, G = drawn(3, 3, seed=1), drawn(3, 3, seed=2)
    if complex:
        A, E, G = (each * (1 + 0.5j) for each in (A, E, G))

    def along(f, order):
        x = A.detach().clone().requires_grad_()
        y = f(x)
        for direction in (E, G)[:order]:
            (slope,) = torch.autograd.grad(y.real if complex else y, x, create_graph=True)
            y = (slope * direction.conj()).sum()
        return torch.autograd.grad(y.real if complex else y, x)[0]

    with linalg.set_conditioning("off"):
        for order in (0, 1, 2):
            close(along(linalg.det, order), along(by_permutations, order))


def test_determinant_of_batches_that_are_partly_singular():
    A = torch.stack([rotation(3), torch.zeros(3, 3, dtype=torch.float64), tensor([[1, 2, 3], [2, 4, 6], [1, 0, 1]])])
    with linalg.set_conditioning("off"):
        assert gradcheck(linalg.det, (A.requires_grad_(),))
        assert gradgradcheck(linalg.det, (A,))


def test_eigenvectors_of_a_repeated_eigenvalue_seen_through_their_projector():
    Q, W = rotation(4), drawn(4, 4)
    P = Q[:, :2] @ Q[:, :2].mT
    A = 1 * P + 3 * (torch.eye(4, dtype=torch.float64) - P)

    def loss(A):
        V = linalg.eigh((A + A.mT) / 2).eigenvectors[:, :2]
        return (V @ V.mT * W).sum()

    # dP = -(P dA (1 - P) + (1 - P) dA P) / (3 - 1)
    R = torch.eye(4, dtype=torch.float64) - P
    S = (W + W.mT) / 2
    close(gradient(loss, A), -(P @ S @ R + R @ S @ P) / 2)


def test_functions_of_a_matrix_by_its_eigenvectors_where_all_eigenvalues_are_equal():
    # f(A) = V exp(Λ) Vᵀ; at A = 1 its derivative along dA is e dA, of which the gauge-free part is what eigh can see
    A = torch.eye(3, dtype=torch.float64)
    found = gradient(lambda A: linalg.eigh(A).eigenvalues.exp().sum(), A)
    close(found, math.e * np.eye(3))
    close(gradient(lambda A: linalg.matrix_exp(A).trace(), A), math.e * np.eye(3))


def test_singular_vectors_of_a_repeated_value():
    # the polar factor U Vᵀ: at A = Q orthogonal, dU = Q skew(Qᵀ dA)
    Q, W = rotation(3), drawn(3, 3)

    def loss(A):
        U, _, Vh = linalg.svd(A)
        return (U @ Vh * W).sum()

    K = Q.mT @ W
    close(gradient(loss, Q), Q @ (K - K.mT) / 2)
    close(gradient(lambda A: (linalg.polar(A).U * W).sum(), Q), Q @ (K - K.mT) / 2)
    assert gradgradcheck(lambda A: linalg.polar(A).U, (Q.clone().requires_grad_(),))


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)], ids=str)
def test_singular_values_of_the_zero_matrix_give_a_finite_subgradient(shape):
    A = torch.zeros(*shape, dtype=torch.float64)
    U, _, Vh = linalg.svd(A, full_matrices=False)
    close(gradient(lambda A: linalg.svdvals(A).sum(), A), U @ Vh)
    rebuilt = gradient(lambda A: ((F := linalg.svd(A, full_matrices=False)).U * F.S @ F.Vh).sum(), A)
    assert bool(torch.isfinite(rebuilt).all())
    close(gradient(lambda A: linalg.matrix_norm(A), A), np.zeros(shape))


@pytest.mark.parametrize("scale", SCALES)
def test_derivatives_of_scaled_singular_vectors_scale_along(scale):
    A, W = drawn(3, 2), drawn(3, 2, seed=1)

    def loss(A):
        U, _, Vh = linalg.svd(A, full_matrices=False)
        return (U @ Vh * W).sum()

    close(gradient(loss, scale * A) * scale, gradient(loss, A))


@pytest.mark.parametrize("scale", SCALES)
def test_derivatives_of_scaled_eigenvectors_scale_along(scale):
    A, W = drawn(3, 3), drawn(3, 3, seed=1)

    def loss(A):
        return (linalg.eigh(A + A.mT).eigenvectors.abs() * W).sum()

    close(gradient(loss, scale * A) * scale, gradient(loss, A))


@pytest.mark.parametrize("scale", SCALES)
def test_derivatives_of_scaled_systems_scale_along(scale):
    A, B, W = drawn(3, 3) + 3 * torch.eye(3, dtype=torch.float64), drawn(3, 2), drawn(3, 2, seed=1)
    by_A, by_B = gradient(lambda A, B: (linalg.solve(A, B) * W).sum(), A, B)
    scaled_A, scaled_B = gradient(lambda A, B: (linalg.solve(A, B) * W).sum(), scale * A, scale * B)
    close(scaled_A * scale, by_A)
    close(scaled_B * scale, by_B)


def test_second_derivative_of_the_norm_at_zero_is_no_nan():
    x = torch.zeros(3, requires_grad=True)
    (slope,) = torch.autograd.grad(linalg.norm(x), x, create_graph=True)
    assert slope.tolist() == [0, 0, 0]
    assert torch.autograd.grad(slope.sum(), x)[0].tolist() == [0, 0, 0]


def test_exponential_in_single_precision_has_all_its_digits():
    # of nilpotent N the exponential is 1 + N; of a rotation by θ, a rotation
    angle = 40.0
    turn = linalg.matrix_exp(torch.tensor([[0.0, -angle], [angle, 0.0]]))
    expected = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    np.testing.assert_allclose(turn.numpy(), expected, atol=2e-7)
    N = torch.tensor([[0.0, 1e6], [0.0, 0.0]])
    assert linalg.matrix_exp(N).tolist() == [[1, 1e6], [0, 1]]


def test_the_triangle_that_is_not_read_has_no_derivative():
    L = tensor([[2.0, 5.0], [1.0, 3.0]])
    assert gradient(lambda L: torch.cholesky_inverse(L).sum(), L)[0, 1] == 0
    assert gradient(lambda L: torch.cholesky_solve(torch.ones(2, 1, dtype=torch.float64), L).sum(), L)[0, 1] == 0


@pytest.mark.parametrize("shape", [(5, 4), (4, 5)], ids=str)
def test_least_squares_of_deficient_rank_has_the_derivative_at_constant_rank(shape):
    # along A + t A the solution is A⁺b / (1 + t)
    A = drawn(shape[0], 2) @ drawn(2, shape[1], seed=1)
    b, w = drawn(shape[0], 1, seed=2), drawn(shape[1], 1, seed=3)
    found = gradient(lambda A: (linalg.lstsq(A, b, rcond=1e-10, driver="gelsd").solution * w).sum(), A)
    x = linalg.lstsq(A, b, rcond=1e-10, driver="gelsd").solution
    assert math.isclose((found * A).sum().item(), -(x * w).sum().item(), rel_tol=1e-9)


def test_decompositions_that_pytorch_cannot_differentiate():
    def symmetric(A):
        return (A + A.mT) / 2

    A = symmetric(drawn(4, 4)) - torch.eye(4, dtype=torch.float64)
    b = drawn(4, 1, seed=1)
    solved = lambda A: linalg.ldl_solve(*linalg.ldl_factor(symmetric(A)), b)
    x = linalg.solve(A, b)
    w = linalg.solve(A, torch.ones(4, 1, dtype=torch.float64))
    close(gradient(lambda A: solved(A).sum(), A), -(w @ x.mT + x @ w.mT) / 2)


def test_empty_matrices_have_derivatives():
    for shape in ((0, 0), (2, 0, 0)):
        A = torch.zeros(*shape, requires_grad=True)
        (linalg.det(A).sum() + linalg.inv(A).sum() + linalg.svdvals(A).sum() + linalg.matrix_exp(A).sum()).backward()
        assert A.grad.shape == shape
