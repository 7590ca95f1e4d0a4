"""Functions whose derivative the user writes."""

import gc
import weakref

import pytest

import lineal as torch
from lineal.autograd import Function
from lineal.autograd.function import once_differentiable


def leaf(*numbers):
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)


class Scale(Function):
    """y = k x², with a non-tensor argument."""

    @staticmethod
    def forward(ctx, x, k):
        ctx.save_for_backward(x)
        ctx.k = k
        return k * x**2

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * ctx.k * x * g, None


class ExpTwice(Function):
    """Two outputs, of which the first is saved; the newer style."""

    @staticmethod
    def forward(x, y=2.0):
        return x.exp(), x * y

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output[0])
        ctx.y = inputs[1]

    @staticmethod
    def backward(ctx, g, h):
        (y,) = ctx.saved_tensors
        return g * y + h * ctx.y, None


def test_forward_and_backward():
    x = leaf(1.0, 2.0)
    y = Scale.apply(x, 3)
    assert y.grad_fn.name() == "ScaleBackward" and not y.is_leaf
    y.sum().backward()
    assert y.tolist() == [3.0, 12.0] and x.grad.tolist() == [6.0, 12.0]


def test_double_backward_through_the_rule():
    x = leaf(1.0, 2.0)
    assert torch.autograd.gradcheck(lambda x: Scale.apply(x, 3), (x,))
    assert torch.autograd.gradgradcheck(lambda x: Scale.apply(x, 3), (x,))


def test_newer_style_with_saved_output_and_default_argument():
    x = leaf(0.5, 1.0)
    assert torch.autograd.gradcheck(ExpTwice.apply, (x,))
    assert torch.autograd.gradgradcheck(ExpTwice.apply, (x,))


def test_unused_output_gets_zeros_or_none():
    seen = []

    class Pair(Function):
        @staticmethod
        def forward(ctx, x, materialize):
            ctx.set_materialize_grads(materialize)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, g, h):
            seen.append(h if h is None else h.tolist())
            return g, None

    for materialize in (True, False):
        Pair.apply(leaf(1.0), materialize)[0].sum().backward()
    assert seen == [[0.0], None]


def test_needs_input_grad_and_none_gradients():
    seen = []

    class Product(Function):
        @staticmethod
        def forward(ctx, a, b, name):
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.needs_input_grad)
            _, b = ctx.saved_tensors
            return g * b if ctx.needs_input_grad[0] else None, None, None

    a = leaf(2.0)
    Product.apply(a, torch.tensor([3.0], dtype=torch.float64), "name").sum().backward()
    assert seen == [(True, False, False)] and a.grad.tolist() == [3.0]


def test_non_differentiable_output():
    class Sorted(Function):
        @staticmethod
        def forward(ctx, x):
            y, index = x.sort()
            ctx.mark_non_differentiable(index)
            ctx.save_for_backward(index)
            return y, index

        @staticmethod
        def backward(ctx, g, _):
            (index,) = ctx.saved_tensors
            return torch.zeros_like(g).index_put((index,), g)

    x = leaf(3.0, 1.0, 2.0)
    y, index = Sorted.apply(x)
    assert y.requires_grad and not index.requires_grad
    (y * torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)).sum().backward()
    assert x.grad.tolist() == [3.0, 1.0, 2.0]


def test_dirty_input_is_returned_as_itself():
    class Increment(Function):
        @staticmethod
        def forward(ctx, x):
            x.add_(1)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5

    x = leaf(1.0, 2.0)
    y = x * 2
    z = Increment.apply(y)
    assert z is y and y.tolist() == [3.0, 5.0]
    y.sum().backward()
    assert x.grad.tolist() == [10.0, 10.0]
    with pytest.raises(RuntimeError, match="leaf"):
        Increment.apply(leaf(1.0))


def test_saved_tensor_may_not_change():
    y = leaf(1.0, 2.0) * 1
    z = Scale.apply(y, 3)
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*`Scale`.*`add_`"):
        z.sum().backward()


def test_second_backward_needs_retain_graph():
    y = Scale.apply(leaf(1.0), 3).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_once_differentiable_refuses_a_second_derivative():
    class Once(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g

    x = leaf(3.0)
    (g,) = torch.autograd.grad(Once.apply(x).sum(), x, create_graph=True)
    assert g.tolist() == [6.0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (lambda g: (g, g), "incorrect number of gradients"),
        (lambda g: torch.ones(7, dtype=torch.float64), "invalid gradient at index 0"),
    ],
)
def test_wrong_gradients_are_refused(gradient, message):
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return gradient(g)

    with pytest.raises(RuntimeError, match=message):
        Wrong.apply(leaf(1.0, 2.0)).sum().backward()


def test_gradient_of_a_number_argument_is_refused():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x, k):
            return x * k

        @staticmethod
        def backward(ctx, g):
            return g, g

    with pytest.raises(RuntimeError, match="different from None at position 2"):
        Wrong.apply(leaf(1.0), 2).sum().backward()


def test_errors_of_the_user_pass_unchanged():
    class Raising(Function):
        @staticmethod
        def forward(ctx, x):
            raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        Raising.apply(leaf(1.0))


def test_no_history_under_no_grad():
    with torch.no_grad():
        assert not Scale.apply(leaf(1.0), 2).requires_grad


def test_saved_outputs_make_no_cycle():
    x = leaf(1.0)
    y, _ = ExpTwice.apply(x)
    reference = weakref.ref(y.grad_fn)
    gc.disable()
    try:
        del y, _
        assert reference() is None
    finally:
        gc.enable()


def test_per_sample_gradients_of_a_custom_function():
    xs = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    found = torch.func.vmap(torch.func.grad(lambda x: ExpTwice.apply(x)[0].sum() + Scale.apply(x, 3).sum()))(xs)
    torch.testing.assert_close(found, xs.exp() + 6 * xs)


BODY = """
{future}
import typing
from typing import ClassVar
from lineal.core import Op

class Scaled(Op):
    factor: float
    label: str = "x"
    differentiable: typing.ClassVar[bool] = False
    name: ClassVar[str] = "Scaled"

    def eager(self, xp, x):
        return x * self.factor

class Twice(Scaled):
    later: "Undefined" = None
"""


@pytest.mark.parametrize("future", ["", "from __future__ import annotations"])
def test_the_fields_of_an_op_are_its_annotations_however_they_are_kept(future):
    # compiled apart from this file, whose own future import would hold for it too
    names = {"__name__": "ops_of_a_user"}
    exec(compile(BODY.format(future=future), "user", "exec", dont_inherit=True), names)
    assert names["Scaled"].fields == ("factor", "label")
    assert names["Twice"].fields == ("factor", "label", "later")
    assert names["Scaled"](2.0) == names["Scaled"](2.0, "x") != names["Scaled"](3.0)
