"""Operators of users' own: by name, with a derivative or a clear word that there is none."""

from __future__ import annotations

import pytest

import lineal
from lineal import library


@library.custom_op("tests::fused", mutates_args=())
def fused(a: lineal.Tensor, b: lineal.Tensor, *, c: float = 2.0) -> lineal.Tensor:
    return a * b + c


def keep(ctx, inputs, output):
    ctx.save_for_backward(inputs[0], inputs[1])


def derive(ctx, g):
    a, b = ctx.saved_tensors
    return g * b if ctx.needs_input_grad[0] else None, g * a if ctx.needs_input_grad[1] else None, None


fused.register_autograd(derive, setup_context=keep)


def test_an_operator_is_derived_by_what_was_registered():
    a, b = lineal.randn(3, dtype=lineal.float64, requires_grad=True), lineal.randn(3, dtype=lineal.float64)
    assert lineal.equal(fused(a, b, c=1.0), a * b + 1.0) and not fused(a.detach(), b).requires_grad
    assert lineal.autograd.gradcheck(lambda a: fused(a, b), (a,))


def test_an_operator_without_a_derivative_says_so():
    bare = library.custom_op("tests::bare", lambda x: x * 2, mutates_args=())
    y = bare(lineal.ones(2, requires_grad=True))
    with pytest.raises(RuntimeError, match="tests::bare has no derivative"):
        y.sum().backward()


def test_an_operator_that_writes():
    scaled = library.custom_op("tests::scaled", lambda x, k: x.mul_(k) and None, mutates_args={"x"})
    x = lineal.ones(1)
    scaled(x, 3.0)
    assert x.tolist() == [3.0]
    with pytest.raises(RuntimeError, match="no_grad"):
        scaled(lineal.ones(1, requires_grad=True), 3.0)


def test_kernels_and_shapes_are_registered_by_name():
    library.custom_op("tests::other", lambda x: x + 1, mutates_args=())

    @library.register_kernel("tests::other", "cpu")
    def faster(x):
        return x + 2

    @library.register_fake("tests::other")
    def shape(x):
        return lineal.empty_like(x)

    assert library.KNOWN["tests::other"](lineal.zeros(1)).tolist() == [2.0]
    with pytest.raises(RuntimeError, match="no operator 'tests::none'"):
        library.register_fake("tests::none", shape)
    with pytest.raises(ValueError, match="namespace::name"):
        library.custom_op("none", shape, mutates_args=())
