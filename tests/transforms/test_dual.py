"""Dual tensors carry tangents: `forward_ad`."""

from __future__ import annotations

import pytest

import lineal
from lineal.autograd import forward_ad as fwd
from lineal.nn import functional as F

FUNCTIONS = {
    "elementwise": lambda x: (x.sin() * x).exp(),
    "products and reductions": lambda x: F.softmax(x @ x.T, 1).sum(0),
    "writes in place and views": lambda x: x.clone().mul_(x)[0].view(-1),
    "factorisations": lambda x: lineal.linalg.inv(x @ x.T + lineal.eye(2, dtype=x.dtype)),
    "complex numbers": lambda x: (x * (1 + 2j)).abs(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_tangents_are_those_of_jvp(name):
    lineal.manual_seed(0)
    x, t = lineal.randn(2, 2, 3, dtype=lineal.float64)
    with fwd.dual_level():
        primal, tangent = fwd.unpack_dual(FUNCTIONS[name](fwd.make_dual(x, t)))
    value, wanted = lineal.func.jvp(FUNCTIONS[name], (x,), (t,))
    lineal.testing.assert_close((primal, tangent), (value, wanted))
    assert (primal.requires_grad, tangent.requires_grad) == (False, False)


def test_what_has_a_tangent_and_what_not():
    x, t = lineal.ones(2), lineal.tensor([1.0, 2.0])
    with fwd.dual_level():
        dual = fwd.make_dual(x, t)
        assert fwd.unpack_dual(dual).tangent.tolist() == t.tolist()
        assert fwd.unpack_dual(x).tangent is None
        assert fwd.unpack_dual(dual.detach()).tangent is None
        dual.mul_(2)
        assert fwd.unpack_dual(dual).tangent.tolist() == [2.0, 4.0]
        assert x.tolist() == [1.0, 1.0]
    assert fwd.unpack_dual(dual).tangent is None


def test_a_tangent_can_be_differentiated_by_what_requires_grad():
    x = lineal.tensor([3.0, 4.0], requires_grad=True)
    with fwd.dual_level():
        y = (fwd.make_dual(x, lineal.ones(2)) ** 3).sum()
        primal, tangent = fwd.unpack_dual(y)
        assert lineal.autograd.grad(tangent, x, retain_graph=True)[0].tolist() == [18.0, 24.0]
        assert lineal.autograd.grad(primal, x)[0].tolist() == [27.0, 48.0]


class Square(lineal.autograd.Function):
    """A function whose two derivatives differ, so that one sees which is taken."""

    @staticmethod
    def forward(x):
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_forward(inputs[0])
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def jvp(ctx, t):
        (x,) = ctx.saved_tensors
        return 2 * x * t


class Doubled(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 100 * x * g


def test_a_custom_function_goes_forward_by_its_own_jvp():
    x = lineal.tensor([3.0], requires_grad=True)
    with fwd.dual_level():
        for function in (Square, Doubled):
            assert fwd.unpack_dual(function.apply(fwd.make_dual(x, lineal.ones(1)))).tangent.tolist() == [6.0]
    for function, slope in ((Square, 6.0), (Doubled, 300.0)):
        assert lineal.autograd.grad(function.apply(x), x)[0].tolist() == [slope]


def test_what_is_refused():
    x = lineal.ones(2)
    with pytest.raises(RuntimeError, match="no level exists"):
        fwd.make_dual(x, x)
    with pytest.raises(RuntimeError, match="no level 0"):
        fwd.exit_dual_level()
    with fwd.dual_level():
        with pytest.raises(RuntimeError, match="Nested forward mode AD"):
            fwd.enter_dual_level()
        with pytest.raises(RuntimeError, match="different size"):
            fwd.make_dual(x, lineal.ones(3))
        with pytest.raises(ValueError, match="floating point or complex"):
            fwd.make_dual(x.long(), x)
        with pytest.raises(RuntimeError, match=r"float32 like the tensor's, got torch\.float64"):
            fwd.make_dual(x, x.double())
        with pytest.raises(RuntimeError, match="already has a forward gradient"):
            fwd.make_dual(fwd.make_dual(x, x), x)
        with lineal.no_grad(), pytest.raises(RuntimeError, match="enable_grad"):
            fwd.make_dual(x, x)
