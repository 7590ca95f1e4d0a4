"""Hooks around forward and on the way back."""

import pytest

import lineal
from lineal import nn


class Double(nn.Module):
    def forward(self, x, shift=0.0):
        return 2 * x + shift


def test_forward_hooks_see_and_replace():
    module = Double()
    seen = []
    first = module.register_forward_hook(lambda m, args, out: seen.append((m, args[0].item(), out.item())))
    module.register_forward_hook(lambda m, args, out: out + 1)
    assert module(lineal.tensor(3.0)).item() == 7.0
    assert seen == [(module, 3.0, 6.0)]
    first.remove()
    first.remove()
    assert module(lineal.tensor(3.0)).item() == 7.0
    assert len(seen) == 1


def test_forward_pre_hooks_replace_the_arguments():
    module = Double()
    with module.register_forward_pre_hook(lambda m, args: args[0] + 1):
        assert module(lineal.tensor(1.0)).item() == 4.0
    assert module(lineal.tensor(1.0)).item() == 2.0
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"shift": 10.0}), with_kwargs=True)
    assert module(lineal.tensor(1.0)).item() == 12.0
    module.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="new_args, new_kwargs"):
        module(lineal.tensor(1.0))


def test_order_and_keyword_arguments():
    module = Double()
    order = []
    module.register_forward_hook(lambda m, args, out: order.append("a"))
    module.register_forward_hook(lambda m, args, kwargs, out: order.append(kwargs), with_kwargs=True, prepend=True)
    module(lineal.tensor(1.0), shift=5.0)
    assert order == [{"shift": 5.0}, "a"]


def test_always_called_hooks_run_after_an_error():
    module = nn.Linear(2, 2)
    seen = []
    module.register_forward_hook(lambda m, args, out: seen.append("normal"))
    module.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    with pytest.raises(RuntimeError, match="linear"):
        module(lineal.ones(3))
    assert seen == [None]


def test_backward_hooks_see_both_sides():
    module = nn.Linear(2, 1)
    seen = []
    module.register_full_backward_hook(lambda m, gin, gout: seen.append((gin, gout)))
    x = lineal.tensor([[1.0, 2.0]], requires_grad=True)
    module(x).sum().backward()
    ((grad_input, grad_output),) = seen
    assert grad_output[0].tolist() == [[1.0]]
    assert grad_input[0].tolist() == module.weight.tolist()
    assert x.grad.tolist() == module.weight.tolist()


def test_backward_hooks_replace_what_goes_on():
    module = Double()
    module.register_full_backward_hook(lambda m, gin, gout: (gin[0] * 10,))
    module.register_full_backward_pre_hook(lambda m, gout: (gout[0] + 1,))
    x = lineal.tensor(1.0, requires_grad=True)
    module(x).backward()
    assert x.grad.item() == (1 + 1) * 2 * 10


def test_backward_hooks_without_differentiable_inputs():
    module = nn.Linear(2, 1)
    seen = []
    module.register_full_backward_hook(lambda m, gin, gout: seen.append((gin, gout[0].tolist())))
    module(lineal.ones(1, 2)).sum().backward()
    assert seen == [((None,), [[1.0]])]


def test_backward_hooks_with_several_inputs_and_outputs():
    class Swap(nn.Module):
        def forward(self, a, b, c):
            return a * b, b

    module = Swap()
    seen = []
    module.register_full_backward_hook(lambda m, gin, gout: seen.append((gin, gout)))
    a, b = lineal.tensor(2.0, requires_grad=True), lineal.tensor(3.0)
    product, _ = module(a, b, "text")
    product.backward()
    ((grad_input, grad_output),) = seen
    assert [g if g is None else g.item() for g in grad_input] == [3.0, 0.0, None]
    assert [g if g is None else g.item() for g in grad_output] == [1.0, None]
