"""Writes that nobody remembers (no_grad, detach, .data), and leaves made inside: histories are as eager code has them."""

import warnings

import pytest

import lineal as torch
from lineal.compiler import compile


def of_leaf(a):
    with torch.no_grad():
        a.mul_(2)
    return a * 1.5


def of_part_of_leaf(a):
    with torch.no_grad():
        a[0].mul_(2)
    return a * a


def of_split(a):
    first, _ = a.split([1, 2], 0)
    with torch.no_grad():
        first.mul_(2)
    return torch.nan_to_num(a) * a.detach()


def of_intermediate(a):
    b = a * 3
    with torch.no_grad():
        b.mul_(2)
    return b * b


def through_detach(a):
    b = a * 3
    b.detach()[1:].mul_(2)
    return b * b


def through_data(a):
    a.data.mul_(2)
    b = a * a
    b.data[0] = 5.0
    return b * a


def view_of_detached(a):
    b = a * 3
    c = b.detach()[1:]
    b[1:].mul_(2)
    return c * b[1:]


def view_made_without_grad(a):
    b = a * 3
    with torch.no_grad():
        c = b[1:]
        b.mul_(2)
    return c * b[1:]


def step_inside(a):
    (g,) = torch.autograd.grad((a * a).sum(), a)
    with torch.no_grad():
        a.sub_(g * 0.25)
    return (a * a).sum(), a * 2


def leaf_inside_for_itself(a):
    v = a.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad((v * v).sum(), v)
    return g * a


def leaf_inside(a):
    v = a.detach().clone().requires_grad_()
    return v * 2


def leaf_inside_returned(a):
    return a.detach().clone().requires_grad_()


def makes_it_require_grad(a):
    a.requires_grad_()
    return a * 2


def freezes(a):
    a.requires_grad_(False)
    return a * 2


NATIVE = (
    of_leaf,
    of_part_of_leaf,
    of_split,
    of_intermediate,
    through_detach,
    through_data,
    view_of_detached,
    view_made_without_grad,
    step_inside,
    leaf_inside_for_itself,
)
EAGER = (leaf_inside, leaf_inside_returned, makes_it_require_grad, freezes)


def outcome(function, argument):
    """Return numbers, whether each result has a history, the grads it leads to, and what became of the argument."""
    found = function(argument)
    found = found if isinstance(found, tuple) else (found,)
    seen = [(y.tolist(), y.requires_grad) for y in found]
    for y in found:
        if y.requires_grad:
            y.sum().backward(retain_graph=True)
    grad = argument.grad
    return seen, None if grad is None else grad.tolist(), argument.requires_grad, argument.tolist()


@pytest.mark.parametrize("function", (*NATIVE, *EAGER), ids=lambda each: each.__name__)
@pytest.mark.parametrize("needs", [True, False])
def test_histories_are_as_eager(function, needs):
    needs_one = function in (of_intermediate, step_inside)
    if needs_one and not needs:
        pytest.skip("it differentiates by its argument")
    compiled = compile(function)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for turn in range(4):
            eager, given = (torch.tensor([1.0 + turn, 2.0, 3.0], requires_grad=needs) for _ in range(2))
            assert outcome(compiled, given) == outcome(function, eager)
    if function in NATIVE:
        assert compiled.eager is None


def test_a_captured_parameter_that_a_program_writes_keeps_its_history():
    parameter = torch.arange(6.0).requires_grad_()
    twin = parameter.detach().clone().requires_grad_()

    def made(p):
        def f(x):
            with torch.no_grad():
                p[:2].mul_(2.0)
            return torch.nan_to_num(p)[2:] * x

        return f

    compiled, eager = compile(made(parameter)), made(twin)
    for _ in range(4):
        compiled(torch.ones(4)).sum().backward()
        eager(torch.ones(4)).sum().backward()
        assert torch.equal(parameter.grad, twin.grad)
    assert compiled.eager is None
