"""Jacobians, Hessians and their products at given inputs."""

import numpy as np
import pytest

import lineal as torch
from lineal.autograd import functional

A = torch.tensor([[1.0, 2.0, 0.5], [3.0, -1.0, 2.0]], dtype=torch.float64)


def vector(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


@pytest.mark.parametrize("vectorize", [False, True])
def test_jacobian_of_a_linear_map_is_the_matrix(vectorize):
    J = functional.jacobian(lambda x: A @ x, vector(1.0, 2.0, 3.0), vectorize=vectorize)
    assert J.tolist() == A.tolist() and not J.requires_grad


def test_denominator_layout_is_the_transpose():
    J = functional.jacobian(lambda x: A @ x, vector(1.0, 2.0, 3.0), layout="denominator")
    assert J.tolist() == A.T.tolist()
    J = functional.jacobian(lambda x: A @ x, torch.ones(3, 4, dtype=torch.float64), layout="denominator")
    assert J.shape == (3, 4, 4, 2)


def test_layouts_give_the_shapes_of_the_tables():
    X, M = torch.ones(3, 4, dtype=torch.float64), torch.ones(2, 3, dtype=torch.float64)
    shapes = {
        (4, 3): (lambda X: X.sum(), X),
        (2, 4, 3): (lambda X: M @ X.sum(1), X),
        (2, 4, 4, 3): (lambda X: M @ X, X),
        (2, 3): (lambda a: a * M, torch.tensor(1.0, dtype=torch.float64)),
        (2, 3, 4): (lambda x: M * x.sum(), torch.ones(4, dtype=torch.float64)),
    }
    for shape, (f, at) in shapes.items():
        numerator = functional.jacobian(f, at, layout="numerator")
        assert numerator.shape == shape
        denominator = functional.jacobian(f, at, layout="denominator")
        assert denominator.tolist() == numerator.permute(*reversed(range(len(shape)))).tolist()


def test_unknown_layouts_are_refused():
    with pytest.raises(ValueError, match="layout"):
        functional.jacobian(lambda x: x, vector(1.0), layout="rows")


def test_jacobian_of_several_inputs_and_outputs():
    J = functional.jacobian(lambda x, y: (x * y, x.sum()), (vector(1.0, 2.0), vector(3.0, 4.0)))
    assert [[each.tolist() for each in row] for row in J] == [
        [[[3.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 2.0]]],
        [[1.0, 1.0], [0.0, 0.0]],
    ]


def test_jacobian_can_be_differentiated():
    x = vector(1.0, 2.0).requires_grad_()
    J = functional.jacobian(lambda x: x**3, x, create_graph=True)
    J.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


def test_hessian_of_a_quadratic_form():
    Q = torch.tensor([[2.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    H = functional.hessian(lambda x: 0.5 * x @ Q @ x, vector(1.0, -1.0))
    assert H.tolist() == Q.tolist()
    with pytest.raises(RuntimeError, match="single element"):
        functional.hessian(lambda x: x * x, vector(1.0, 2.0))


def test_hessian_of_several_inputs():
    H = functional.hessian(lambda x, y: (x * x * y).sum(), (vector(2.0), vector(3.0)))
    assert [[each.tolist() for each in row] for row in H] == [[[[6.0]], [[4.0]]], [[[4.0]], [[0.0]]]]


def test_products_agree_with_the_matrices():
    x, v, w = vector(0.5, -1.0, 2.0), vector(1.0, 2.0, -1.0), vector(0.3, 0.7)

    def f(x):
        return (A @ x).tanh()

    def s(x):
        return f(x).square().sum()

    J, H = functional.jacobian(f, x), functional.hessian(s, x)
    torch.testing.assert_close(functional.vjp(f, x, w)[1], w @ J)
    torch.testing.assert_close(functional.jvp(f, x, v)[1], J @ v)
    torch.testing.assert_close(functional.hvp(s, x, v)[1], H @ v)
    torch.testing.assert_close(functional.vhp(s, x, v)[1], v @ H)
    torch.testing.assert_close(functional.jvp(f, x, v)[0], f(x))


def test_strict_refuses_independence():
    with pytest.raises(RuntimeError, match="independent of input 1"):
        functional.jacobian(lambda x, y: x * 2, (vector(1.0), vector(2.0)), strict=True)
    with pytest.raises(RuntimeError, match="does not require gradients"):
        functional.vjp(lambda x: vector(1.0), vector(1.0), strict=True)
    assert functional.jacobian(lambda x, y: x * 2, (vector(1.0), vector(2.0)))[1].tolist() == [[0.0]]


def test_vectors_are_checked():
    with pytest.raises(RuntimeError, match="can only be None"):
        functional.vjp(lambda x: x * 2, vector(1.0, 2.0))
    with pytest.raises(RuntimeError, match="invalid size"):
        functional.jvp(lambda x: x * 2, vector(1.0, 2.0), vector(1.0))


def test_empty_output():
    assert functional.jacobian(lambda x: x[:0], vector(1.0, 2.0)).shape == (0, 2)


def test_jacobian_matches_differences():
    x = vector(0.3, 0.7, -0.2)
    J = functional.jacobian(lambda x: (A @ x.exp()).cumsum(0), x).numpy()
    h = 1e-6
    for place in range(3):
        e = np.zeros(3)
        e[place] = h
        up, down = (np.cumsum(A.numpy() @ np.exp(x.numpy() + sign * e)) for sign in (1, -1))
        np.testing.assert_allclose(J[:, place], (up - down) / (2 * h), rtol=1e-6)


F = torch.autograd.functional


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: F.vjp(lambda x: (2 * x).sum(), x, strict=True, create_graph=True), "jacobian .* independent of input 0"),
        (lambda x: F.jvp(lambda x: (2 * x).sum(), x, x, strict=True, create_graph=True), "jacobian .* independent of input 0"),
        (lambda x: F.jacobian(lambda x: 2 * x, x, strict=True, create_graph=True), "jacobian .* independent of input 0"),
        (lambda x: F.hvp(lambda x: (2 * x).sum(), x, x, strict=True), "independent"),
        (lambda x: F.vhp(lambda x: (2 * x).sum(), x, x, strict=True), "independent"),
        (lambda x: F.hessian(lambda x: (2 * x).sum(), x, strict=True), "independent"),
        (lambda x: F.vjp(lambda x: x.detach().sum(), x, strict=True), "does not require gradients"),
        (lambda x: F.jacobian(lambda x: x, x, strict=True, vectorize=True, strategy="forward-mode"), "not supported together"),
    ],
)
def test_strict_refuses_what_is_independent(call, message):
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    with pytest.raises(RuntimeError, match=message):
        call(x)
