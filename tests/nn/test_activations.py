"""Activation functions: derivatives against differences, results in place, refusals."""

import pytest

import lineal
from lineal import nn
from lineal.autograd import gradcheck, gradgradcheck

CASES = {
    "relu6": {},
    "leaky_relu": {"negative_slope": 0.2},
    "elu": {"alpha": 0.7},
    "selu": {},
    "celu": {"alpha": 1.3},
    "hardtanh": {"min_val": -2, "max_val": 2.5},
    "hardsigmoid": {},
    "hardswish": {},
    "silu": {},
    "gelu": {},
    "mish": {},
    "softplus": {"beta": 2.0, "threshold": 10},
    "softsign": {},
    "logsigmoid": {},
    "tanhshrink": {},
    "softmin": {"dim": 1},
    "glu": {"dim": 0},
}


@pytest.mark.parametrize("name, options", [*CASES.items(), ("gelu", {"approximate": "tanh"})])
def test_derivatives_against_differences(name, options):
    x = lineal.tensor([[-2.7, -1.1, -0.4], [0.3, 1.2, 2.2]], dtype=lineal.float64, requires_grad=True)
    function = getattr(nn.functional, name)
    assert gradcheck(lambda x: function(x, **options), (x,))
    assert gradgradcheck(lambda x: function(x, **options), (x,))


def test_gelu_by_tanh_and_its_derivatives_are_finite_far_out():
    x = lineal.tensor([-1e30, -30.0, 0.0, 30.0, 1e30], requires_grad=True)
    y = nn.functional.gelu(x, approximate="tanh")
    (g,) = lineal.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = lineal.autograd.grad(g.sum(), x)
    assert y.tolist()[:3] == [0, 0, 0] and g.tolist() == [0, 0, 0.5, 1, 1] and h.isfinite().all()


@pytest.mark.parametrize("name", ["ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "Hardtanh", "Hardswish", "SiLU", "Mish"])
def test_in_place(name):
    x = lineal.linspace(-4.0, 8.0, 25)
    expected = getattr(nn, name)()(x)
    layer = getattr(nn, name)(inplace=True)
    assert layer(x) is x
    assert lineal.equal(x, expected)


IN_PLACE = "relu leaky_relu elu selu celu hardtanh relu6 hardsigmoid hardswish silu mish threshold dropout".split()


@pytest.mark.parametrize("name", IN_PLACE)
def test_derivatives_in_place_are_those_out_of_place(name):
    rest, found = {"threshold": (0.3, 1.0), "dropout": (0.0,)}.get(name, ()), []
    for inplace in (False, True):
        x = lineal.linspace(-4.0, 8.0, 25, dtype=lineal.float64, requires_grad=True)
        (g,) = lineal.autograd.grad(getattr(nn.functional, name)(x * 1.5, *rest, inplace=inplace).square().sum(), x)
        found.append(g)
    assert lineal.allclose(*found)


def test_refusals_name_the_function():
    with pytest.raises(RuntimeError, match="glu: expected an even size"):
        nn.functional.glu(lineal.ones(3))
    with pytest.raises(RuntimeError, match=r"gelu: .*'none' or 'tanh'"):
        nn.functional.gelu(lineal.ones(3), approximate="erf")
    with pytest.raises(RuntimeError, match="prelu: expected one weight"):
        nn.functional.prelu(lineal.ones(2, 3), lineal.ones(2))
    with pytest.raises(NotImplementedError, match="gelu: not implemented for"):
        nn.functional.gelu(lineal.tensor([1, 2]))
    with pytest.raises(ValueError, match="Hardtanh"):
        nn.Hardtanh(1.0, -1.0)


@pytest.mark.parametrize("name", ["relu", "elu", "leaky_relu", "selu", "celu", "hardtanh", "rrelu"])
def test_an_activation_in_place_has_the_derivative_of_the_other(name):
    x = lineal.tensor([-1.5, -0.3, 0.4, 2.0], dtype=lineal.float64, requires_grad=True)
    plain = getattr(nn.functional, name)(x)
    y = x * 1
    assert getattr(nn.functional, f"{name}_")(y) is y and lineal.equal(y, plain)
    assert lineal.equal(*(lineal.autograd.grad(each.sum(), x)[0] for each in (y, plain)))


def test_pdist_is_the_upper_triangle_of_cdist():
    x = lineal.rand(5, 3, dtype=lineal.float64, requires_grad=True)
    row, column = lineal.triu_indices(5, 5, 1)
    assert lineal.equal(nn.functional.pdist(x, 3.0), lineal.cdist(x, x, 3.0)[row, column])
    assert gradgradcheck(nn.functional.pdist, (x,))
    with pytest.raises(RuntimeError, match=r"pdist: .*non-negative"):
        nn.functional.pdist(x, -1.0)
