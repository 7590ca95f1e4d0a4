"""The very tensors of a call before, changed since: a compiled function does what the function does with what they are now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lineal as torch


def require(x: Any) -> None:
    x.requires_grad_()


def require_not(x: Any) -> None:
    x.requires_grad_(False)


def reshape(x: Any) -> None:
    x.data = torch.arange(8.0).reshape(2, 4).to(x.dtype)


def convert(x: Any) -> None:
    x.data = x.detach().double()


def transpose(x: Any) -> None:
    if not x.requires_grad:
        x.t_()


def write(x: Any) -> None:
    with torch.no_grad():
        x.mul_(2)


def nothing(x: Any) -> None:
    pass


CHANGES = (require, require_not, reshape, convert, transpose, write, nothing)
ORDERS = [(change, CHANGES[(place + step) % len(CHANGES)]) for place, change in enumerate(CHANGES) for step in (1, 3)]
ORDERS += [(transpose, reshape)]
FUNCTIONS: dict[str, Callable] = {
    "short": lambda x: x * 2,
    "sum": lambda x: (x * x).sum(),
    "branching": lambda x: x.sin() if x.sum() > 0 else x.cos(),
    "view": lambda x: x[:1] + x[1:],
    "several": lambda x: (x + 1, x * x),
}


def state(y: Any, x: Any) -> list[Any]:
    """Return what can be said of a result, and the derivative that it leads to."""
    ys = y if isinstance(y, tuple) else (y,)
    grads = []
    if any(each.requires_grad for each in ys):
        grads = [torch.autograd.grad(sum(each.sum() for each in ys if each.requires_grad), x)[0].tolist()]
    return [[(each.tolist(), each.dtype, each.requires_grad) for each in ys], grads]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("given", (True, False), ids=("argument", "captured"))
def test_tensors_given_again(name: str, given: bool):
    function = FUNCTIONS[name]
    for order in ORDERS:
        one, other = torch.ones(2, 2), torch.ones(2, 2)
        compiled = torch.compile(function if given else lambda one=one: function(one))
        for turn, change in enumerate((nothing, *order, nothing, nothing, *order[::-1], nothing)):
            change(one)
            change(other)
            if given and turn:
                fresh = torch.ones(2, 2)
                assert state(compiled(fresh), fresh) == state(function(fresh), fresh), [each.__name__ for each in order]
            found = compiled(one) if given else compiled()
            assert state(found, one) == state(function(other), other), [each.__name__ for each in order]
