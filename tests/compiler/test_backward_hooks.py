"""Hooks on the way back change derivatives; a compiled or mapped function lets them, or runs eagerly and says so."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import lineal as torch


def tripled(*grads: Any) -> tuple:
    return tuple(None if g is None else g * 3 for g in grads)


def hooked_module(how: str) -> Callable:
    torch.manual_seed(0)
    module = torch.nn.Linear(3, 2)
    if how == "full":
        module.register_full_backward_hook(lambda m, grads, gs: tripled(*grads))
    else:
        module.register_full_backward_pre_hook(lambda m, gs: tripled(*gs))
    return lambda x: module(x).tanh()


def hooked_tensor(x: Any) -> Any:
    y = x * 2
    y.register_hook(lambda g: g * 3)
    return y.tanh()


def hooked_node(x: Any) -> Any:
    y = x.exp()
    y.grad_fn.register_hook(lambda grads, gs: tripled(*grads))
    return y.tanh()


HOOKED: dict[str, Callable] = {
    "module": hooked_module("full"),
    "module, before": hooked_module("pre"),
    "tensor": hooked_tensor,
    "node": hooked_node,
}


def derivative(function: Callable) -> Any:
    x = (torch.arange(6.0).reshape(2, 3) / 7).requires_grad_()
    return torch.autograd.grad(function(x).square().sum(), x)[0]


@pytest.mark.parametrize("name", HOOKED)
def test_backward_hooks_of_compiled_functions(name: str):
    function = HOOKED[name]
    expected, compiled = derivative(function), torch.compile(function)
    whole = torch.compile(lambda x: torch.autograd.grad(function(x).square().sum(), x)[0])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(4):
            torch.testing.assert_close(derivative(compiled), expected)
            x = (torch.arange(6.0).reshape(2, 3) / 7).requires_grad_()
            torch.testing.assert_close(whole(x), expected)
    assert compiled.eager is not None and "the backward pass runs" in compiled.eager
    assert [str(each.message) for each in told if compiled.eager in str(each.message)]


@pytest.mark.parametrize("name", HOOKED)
def test_backward_hooks_of_mapped_functions(name: str):
    function = HOOKED[name]
    torch.testing.assert_close(
        derivative(torch.vmap(function)), derivative(lambda x: torch.stack([function(x[0]), function(x[1])]))
    )
