"""Writes in a function that is mapped: numbers, arguments and derivatives are those of a loop over the slices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import lineal as torch
from lineal.func import vmap


def into_a_clone(x, w):
    y = x.clone()
    y[0] = w
    y[1:] *= 3
    return y * w


def into_a_view_of_a_view(x, w):
    y = x * 1
    z = y.reshape(2, 2).mT[0]
    z.add_(w)
    return y, z


def into_the_argument(x, w):
    x.mul_(w)
    return x + 1


def returned_itself(x, w):
    return x.add_(w), w * 2


def into_a_part_of_the_argument(x, w):
    part = x[1:3]
    part.sub_(w)
    return part * x[0]


def silently(x, w):
    y = x * w
    with torch.no_grad():
        y.mul_(2)
        y[0] = 1
    return y * y


def the_argument_silently(x, w):
    with torch.no_grad():
        x.mul_(2)
    return x * w


def detached(x, w):
    y = x * w
    y.detach().mul_(3)
    return y


def both_histories(x, w):
    y = x * w
    z = y.detach()
    z.mul_(w)
    return z + y


def old_view_read_later(x, w):
    y = x.clone()
    first, rest = y[:2], y[2:]
    y.add_(w)
    first.mul_(2)
    return first.sum() + (rest * y[2:]).sum()


def zeros_filled(x, w):
    y = torch.zeros(4)
    for i in range(4):
        y[i] = x[i] * w + y.sum()
    return y


def whole_and_back(x, w):
    y = torch.empty(4)
    y.copy_(x)
    z = y.flip(0)
    y.copy_(z * w)
    return y, z


def swapped(x, w):
    y = x.reshape(2, 2).clone()
    y.mT[0, 1] = w
    y.diagonal().fill_(1)
    return y.exp()


FUNCTIONS: tuple[Callable, ...] = (
    *(into_a_clone, into_a_view_of_a_view, into_the_argument, returned_itself, into_a_part_of_the_argument, silently),
    *(the_argument_silently, detached, both_histories, old_view_read_later, zeros_filled, whole_and_back, swapped),
)


def looped(function: Callable) -> Callable:
    """Return the function of a batch, slice by slice: of copies, since slices share the count of the batch's writes."""

    def over_slices(xs, ws):
        slices = [x.clone() for x in xs]
        parts = [function(x, w) for x, w in zip(slices, ws)]
        xs.data.copy_(torch.stack(slices).detach())
        return tuple(map(torch.stack, zip(*parts))) if isinstance(parts[0], tuple) else torch.stack(parts)

    return over_slices


def outcome(function: Callable, leaf: bool) -> list:
    """Return the numbers of results and arguments after a call, and the derivatives by the arguments."""
    torch.manual_seed(0)
    x, w = torch.randn(3, 4), torch.rand(3) + 0.5
    x.requires_grad_(leaf)
    w.requires_grad_(leaf)
    given = x * 1 if leaf else x
    ys = function(given, w)
    ys = ys if isinstance(ys, tuple) else (ys,)
    found = [*(y.detach().clone() for y in ys), given.detach().clone()]
    live = [y for y in ys if y.requires_grad]
    if live:
        grads = torch.autograd.grad(sum((y * y).sum() for y in live), (x, w), allow_unused=True)
        found += [torch.zeros(1) if g is None else g for g in grads]
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("leaf", (False, True), ids=("numbers", "derivatives"))
def test_batched_writes(function: Callable, leaf: bool):
    expected = outcome(looped(function), leaf)
    batched = outcome(vmap(function), leaf)
    assert len(expected) == len(batched)
    for x, y in zip(expected, batched):
        torch.testing.assert_close(x, y)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_batched_writes_compiled(function: Callable):
    compiled = torch.compile(vmap(function))
    for _ in range(3):
        for x, y in zip(outcome(looped(function), False), outcome(compiled, False)):
            torch.testing.assert_close(x, y)


def test_a_leaf_is_written_without_a_history_alone():
    x, w = torch.ones(2, 3, requires_grad=True), torch.ones(2)
    y = vmap(the_argument_silently)(x, w)
    assert x.is_leaf and x.tolist() == [[2.0] * 3] * 2 and y.requires_grad
    with pytest.raises(RuntimeError, match="leaf"):
        vmap(into_the_argument)(x, w)


def test_what_is_returned_is_the_argument():
    x = torch.ones(2, 3)
    y, _ = vmap(returned_itself)(x, torch.ones(2))
    y.zero_()
    assert x.tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("transposed", (False, True))
@pytest.mark.parametrize("shape", ((1, 2), (2, 2), (3, 1)))
def test_a_view_that_is_the_same_for_all_slices(shape: tuple[int, int], transposed: bool):
    """It is what it is at each call, though what it looks into is no argument."""

    def function(x):
        return vmap(lambda u, w: torch.where(u > w, u, w * -2.0), in_dims=(0, None))(x, x[0])

    compiled = torch.compile(function)
    for _ in range(4):
        x = torch.randn(shape[::-1]).mT if transposed else torch.randn(shape)
        expected = torch.stack([torch.where(u > x[0], u, x[0] * -2.0) for u in x])
        torch.testing.assert_close(function(x), expected)
        torch.testing.assert_close(compiled(x), expected)
