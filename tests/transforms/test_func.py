"""Functions of functions: grad, vjp, jvp, Jacobians."""

import pytest

import lineal as torch
from lineal import func


def vector(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def test_grad_nests():
    x = torch.tensor(2.0, dtype=torch.float64)
    assert func.grad(lambda x: x**3)(x).item() == 12.0
    assert func.grad(func.grad(lambda x: x**3))(x).item() == 12.0
    assert func.grad(func.grad(func.grad(lambda x: x**3)))(x).item() == 6.0


def test_inner_and_outer_variables_are_not_confused():
    x = torch.tensor(3.0, dtype=torch.float64)
    assert func.grad(lambda x: x * func.grad(lambda y: x + y)(torch.tensor(1.0, dtype=torch.float64)))(x).item() == 1.0
    assert func.grad(lambda x: func.grad(lambda y: x * y * y)(x))(x).item() == 12.0


def test_results_require_grad_only_for_what_is_outside():
    x, w = vector(1.0, 2.0), vector(3.0, 4.0).requires_grad_()
    assert not func.grad(lambda x: (x * x).sum())(x).requires_grad
    g = func.grad(lambda x: (x * x * w).sum())(x)
    assert g.requires_grad
    g.sum().backward()
    assert w.grad.tolist() == [2.0, 4.0]
    with torch.no_grad():
        assert not func.grad(lambda x: (x * x * w).sum())(x).requires_grad
    assert x.grad is None and not x.requires_grad


def test_argnums_and_nests():
    params = {"w": vector(1.0, 2.0), "b": [vector(3.0, 3.0)]}
    found = func.grad(lambda p, x: (p["w"] * x + p["b"][0]).sum())(params, vector(5.0, 6.0))
    assert found["w"].tolist() == [5.0, 6.0] and found["b"][0].tolist() == [1.0, 1.0]
    a, b = func.grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(vector(1.0), vector(2.0))
    assert (a.item(), b.item()) == (2.0, 1.0)
    assert func.grad(lambda a, b: (a * b).sum(), argnums=-1)(vector(1.0), vector(2.0)).item() == 1.0


def test_value_and_aux():
    g, value = func.grad_and_value(lambda x: (x * x).sum())(vector(3.0))
    assert (g.item(), value.item(), value.requires_grad) == (6.0, 9.0, False)
    g, (value, aux) = func.grad_and_value(lambda x: ((x * x).sum(), x + 1), has_aux=True)(vector(3.0))
    assert aux.item() == 4.0 and not aux.requires_grad
    assert func.grad(lambda x: ((x * x).sum(), "name"), has_aux=True)(vector(3.0))[1] == "name"


@pytest.mark.parametrize(
    ("function", "message"), [(lambda x: x * 2, "scalar tensor, got tensor with 1 dims"), (lambda x: 1.0, "return a tensor")]
)
def test_grad_wants_a_scalar(function, message):
    with pytest.raises(RuntimeError, match=message):
        func.grad(function)(vector(1.0, 2.0))


def test_argnums_are_checked():
    with pytest.raises(RuntimeError, match="only 1 positional"):
        func.grad(lambda x: x.sum(), argnums=1)(vector(1.0))
    with pytest.raises(RuntimeError, match="unique"):
        func.grad(lambda x: x.sum(), argnums=(0, 0))(vector(1.0))


def test_vjp_and_jvp():
    x, w = vector(1.0, 2.0), vector(3.0, 4.0)
    y, back = func.vjp(lambda x, w: x * w, x, w)
    assert y.tolist() == [3.0, 8.0]
    assert [each.tolist() for each in back(vector(1.0, 10.0))] == [[3.0, 40.0], [1.0, 20.0]]
    assert [each.tolist() for each in back(vector(0.0, 1.0))] == [[0.0, 4.0], [0.0, 2.0]]
    y, dy = func.jvp(lambda x, w: x * w, (x, w), (vector(1.0, 0.0), vector(0.0, 1.0)))
    assert dy.tolist() == [3.0, 2.0]
    _, linear = func.linearize(lambda x: x * x, x)
    assert linear(vector(1.0, 1.0)).tolist() == [2.0, 4.0]
    with pytest.raises(RuntimeError, match="cotangent of shape"):
        back(vector(1.0))


def test_jvp_of_what_does_not_depend_is_zero():
    _, dy = func.jvp(lambda x: (vector(5.0), x * 2), (vector(1.0),), (vector(1.0),))
    assert [each.tolist() for each in dy] == [[0.0], [2.0]]


@pytest.mark.parametrize("jacobian", [func.jacrev, func.jacfwd])
def test_jacobians(jacobian):
    A = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=torch.float64)
    assert jacobian(lambda x: A @ x)(vector(1.0, 1.0)).tolist() == A.tolist()
    J = jacobian(lambda X: X.T @ X)(A)
    assert J.shape == (2, 2, 3, 2)
    torch.testing.assert_close(J, torch.autograd.functional.jacobian(lambda X: X.T @ X, A))
    (Jx,), (Jy,) = jacobian(lambda x: (x * 2, x.sum()), argnums=(0,))(vector(1.0, 1.0))
    assert Jx.tolist() == [[2.0, 0.0], [0.0, 2.0]] and Jy.tolist() == [1.0, 1.0]


def test_hessian():
    H = func.hessian(lambda x: (x**3).sum() + x[0] * x[1])(vector(1.0, 2.0))
    assert H.tolist() == [[6.0, 1.0], [1.0, 12.0]]


def test_jacobian_can_be_differentiated():
    x = vector(1.0, 2.0).requires_grad_()
    func.jacrev(lambda x: x**3)(x).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]
