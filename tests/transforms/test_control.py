"""Branches, loops, scans and maps: as Python's own statements, differentiated, mapped, compiled, checkpointed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lineal as torch
from lineal._higher_order_ops import associative_scan, cond, map, scan, while_loop
from lineal.autograd import gradcheck, gradgradcheck
from lineal.utils.checkpoint import checkpoint, checkpoint_sequential


def cell(carry: Any, x: Any) -> tuple[Any, Any]:
    new = torch.tanh(carry * 0.5 + x)
    return new, new * x


def branched(x):
    return cond(x.sum() > 0, lambda x: x.sin() * 2, lambda x: x.cos() + x, (x,))


def branched_by_hand(x):
    return x.sin() * 2 if x.sum() > 0 else x.cos() + x


def doubled(x):
    return while_loop(lambda n, x: (n < 5) & (x.abs().max() < 4), lambda n, x: (n + 1, x * 1.5), (torch.tensor(0), x))[1]


def doubled_by_hand(x):
    n = 0
    while n < 5 and x.abs().max() < 4:
        n, x = n + 1, x * 1.5
    return x


def scanned(x):
    carry, ys = scan(cell, x[0], x)
    return carry.sum() + ys


def scanned_by_hand(x):
    carry, ys = x[0], []
    for each in x:
        carry, y = cell(carry, each)
        ys.append(y)
    return carry.sum() + torch.stack(ys)


def scanned_back(x):
    carry, ys = scan(cell, x[:, 0], x, dim=1, reverse=True)
    return carry.sum() + ys


def scanned_back_by_hand(x):
    carry, ys = x[:, 0], []
    for place in range(x.shape[1])[::-1]:
        carry, y = cell(carry, x[:, place])
        ys.insert(0, y)
    return carry.sum() + torch.stack(ys, 1)


def mapped(x):
    return map(lambda row, scale: (row * scale).cumsum(0), x, x.mean())


def mapped_by_hand(x):
    return torch.stack([(row * x.mean()).cumsum(0) for row in x])


def accumulated(x):
    return associative_scan(lambda a, b: a * b + a, x, 0)


def accumulated_by_hand(x):
    ys = [x[0]]
    for each in x[1:]:
        ys.append(ys[-1] * each + ys[-1])
    return torch.stack(ys)


def recomputed(x):
    return checkpoint(lambda x, scale: (x * scale).sin().cumsum(0), x, x.mean())


def recomputed_by_hand(x):
    return (x * x.mean()).sin().cumsum(0)


def kept_at_roots(x):
    carry, ys = scan(cell, x[0], x, checkpointed=True)
    return carry.sum() + ys


PAIRS = {
    "cond": (branched, branched_by_hand),
    "while_loop": (doubled, doubled_by_hand),
    "scan": (scanned, scanned_by_hand),
    "scan reversed along a dimension": (scanned_back, scanned_back_by_hand),
    "map": (mapped, mapped_by_hand),
    "associative_scan": (accumulated, accumulated_by_hand),
    "checkpoint": (recomputed, recomputed_by_hand),
    "scan with checkpoints": (kept_at_roots, scanned_by_hand),
}


def inputs() -> list[Any]:
    """Return matrices for which the functions branch in different ways."""
    torch.manual_seed(0)
    x = torch.randn(5, 3, dtype=torch.float64)
    return [x.abs(), -x.abs(), x * 0.01, x * 10]


@pytest.mark.parametrize("name", PAIRS)
def test_numbers(name: str):
    function, by_hand = PAIRS[name]
    for x in inputs():
        torch.testing.assert_close(function(x), by_hand(x), rtol=0, atol=0)


@pytest.mark.parametrize("name", PAIRS)
def test_derivatives(name: str):
    function, by_hand = PAIRS[name]
    for x in inputs():
        x.requires_grad_()
        (g,), (wanted,) = (torch.autograd.grad(f(x).square().sum(), x) for f in (function, by_hand))
        torch.testing.assert_close(g, wanted)
    small = (inputs()[0][:3, :2] * 0.3).requires_grad_()
    assert gradcheck(function, (small,)) and gradgradcheck(function, (small,))


@pytest.mark.parametrize("name", PAIRS)
def test_vmap(name: str):
    """Whatever the slices decide."""
    function, by_hand = PAIRS[name]
    x = torch.stack(inputs())
    torch.testing.assert_close(torch.vmap(function)(x), torch.stack([by_hand(each) for each in x]))
    grads = torch.vmap(torch.func.grad(lambda x: function(x).square().sum()))(x)
    for each, g in zip(x, grads):
        torch.testing.assert_close(g, torch.func.grad(lambda x: by_hand(x).square().sum())(each))


@pytest.mark.parametrize("name", PAIRS)
def test_compiled(name: str):
    """Natively, once every branch has been taken."""
    function, by_hand = PAIRS[name]
    compiled, step = torch.compile(function), torch.compile(torch.func.grad(lambda x: function(x).square().sum()))
    for _ in range(4):
        for x in inputs():
            torch.testing.assert_close(compiled(x), by_hand(x))
            torch.testing.assert_close(step(x), torch.func.grad(lambda x: by_hand(x).square().sum())(x))
            x.requires_grad_()
            (g,), (wanted,) = (torch.autograd.grad(f(x).square().sum(), x) for f in (compiled, by_hand))
            torch.testing.assert_close(g, wanted)
    assert compiled.eager is None and step.eager is None


def test_nests():
    state = {"h": torch.zeros(2), "n": torch.tensor(0)}
    xs = (torch.arange(6.0).reshape(3, 2), {"gate": torch.ones(3, 2)})

    def step(state, x):
        return {"h": state["h"] + x[0] * x[1]["gate"], "n": state["n"] + 1}, (x[0], [state["h"]])

    carry, ys = scan(step, state, xs)
    assert carry["n"] == 3 and carry["h"].tolist() == [6.0, 9.0]
    assert ys[0].tolist() == xs[0].tolist() and ys[1][0].tolist() == [[0.0, 0.0], [0.0, 1.0], [2.0, 4.0]]
    assert cond(True, lambda a: {"b": a["c"] + 1}, lambda a: a, ({"c": torch.ones(1)},))["b"].item() == 2.0
    assert while_loop(lambda i: i < 3, lambda i: i + 1, (0,)) == 3


@pytest.mark.parametrize("wrap", [lambda f: f, torch.compile, torch.vmap])
@pytest.mark.parametrize("form", [lambda y: y, lambda y: (y,), lambda y: [y]])
def test_one_carried_value_comes_as_the_body_returns_it_with_turns_and_without(form: Callable, wrap: Callable):
    """PyTorch 2.13 traces the body, and so knows. What the body does beside that is not done without a turn."""
    written, generator = torch.zeros(2), torch.Generator()

    def body(x):
        written.add_(1)
        return form(x * (2 + torch.rand(2, generator=generator)))

    f = lambda x: while_loop(lambda x: x.sum() < 5, body, (x,))
    for _ in range(3):
        y = wrap(f)(torch.full((1, 2), 3.0))
        assert type(y) is type(form(torch.ones(2)))
        assert (y if isinstance(y, torch.Tensor) else y[0]).tolist() == [[3.0, 3.0]]
    assert written.tolist() == [0, 0]
    assert generator.get_state().equal(torch.Generator().get_state())
    assert type(f(torch.ones(2))) is type(form(torch.ones(2)))
    failing = while_loop(lambda A: A.sum() > 0, lambda A: form(torch.linalg.cholesky(A)), (-torch.eye(2),))
    assert isinstance(failing, tuple) and failing[0].equal(-torch.eye(2))


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "predicate": (lambda: cond("a", abs, abs), "cond: expected the predicate .* got str"),
    "predicate of several": (lambda: cond(torch.ones(2), abs, abs), r"cond: .* got shape \[2\]"),
    "branch": (lambda: cond(True, 1, abs), "cond: expected both branches to be callable"),  # type: ignore[arg-type]
    "operands": (lambda: cond(True, abs, abs, torch.ones(2)), "cond: expected operands"),
    "carried": (lambda: while_loop(lambda x: True, abs, torch.ones(1)), "while_loop: expected carried_inputs"),
    "shape": (lambda: while_loop(lambda x: True, lambda x: x.sum(), (torch.ones(2),)), r"float32\[\] for float32\[2\]"),
    "dtype": (lambda: scan(lambda c, x: (c.double(), x), torch.ones(2), torch.ones(1, 2)), r"float64\[2\] for float32\[2\]"),
    "pair": (lambda: scan(lambda c, x: c, torch.ones(2), torch.ones(1, 2)), "scan: .* a carry and a y"),
    "init": (lambda: scan(cell, 0, torch.ones(1, 2)), "scan: expected init to be tensors"),
    "nothing to scan": (lambda: scan(cell, torch.ones(2), torch.ones(0, 2)), r"at least 1, along dim 0, got \[0\]"),
    "lengths": (lambda: map(lambda x: x[0], (torch.ones(2), torch.ones(3))), r"got \[2, 3\]"),
    "dim": (lambda: scan(cell, torch.ones(2), torch.ones(1, 2), dim=2), r"dim 2 is out of range for .* \[1, 2\]"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str):
    call, words = REFUSED[what]
    with pytest.raises(RuntimeError, match=words):
        call()


class Counted(torch.autograd.Function):
    """y = 2 x; counts how often it is computed."""

    count = 0

    @staticmethod
    def forward(ctx, x):
        Counted.count += 1
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2


def network() -> Any:
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Tanh(), torch.nn.Dropout(), torch.nn.Linear(8, 2)
    )


def test_checkpoint_of_a_network():
    """Parameters that are reached, dropout and running averages: all as without it, to the last bit."""

    def step(run: Callable) -> list[Any]:
        net, x = network(), torch.ones(5, 4) + torch.arange(5.0)[:, None]
        x.requires_grad_()
        torch.manual_seed(2)
        y = run(net, x)
        y.square().sum().backward()
        return [y.detach(), x.grad, *(each.grad for each in net.parameters()), *net.buffers(), torch.rand(1)]

    wanted = step(lambda net, x: net(x))
    for run in (checkpoint, lambda net, x: checkpoint_sequential(net, 3, x, use_reentrant=False)):
        for one, other in zip(step(run), wanted):
            torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_checkpoint_keeps_inputs_alone():
    """What is between is gone after the forward pass, and computed again in the backward pass."""
    x = torch.ones(1000, requires_grad=True)
    y = checkpoint(lambda x: x.sin().exp().sin().sum(), x)
    kept = [each for each in y.grad_fn.kept if isinstance(each, torch.Tensor)]
    assert y.grad_fn.y is None and [each is x for each in kept] == [True]
    y.backward()
    torch.testing.assert_close(x.grad, torch.func.grad(lambda x: x.sin().exp().sin().sum())(x.detach()))


def test_checkpoint_notices_a_write():
    x = torch.ones(3, requires_grad=True)
    z = x * 1
    y = checkpoint(lambda z: z.sin(), z)
    z.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def hooked(x):
    y = x * 2
    y.register_hook(lambda g: g * 3)
    return y.tanh()


def with_two_histories(x):
    y = x.sin()
    z = y.detach()
    z.mul_(x)
    return z + y


@pytest.mark.parametrize("function", (hooked, with_two_histories))
def test_checkpoint_of_what_cannot_be_computed_again(function: Callable):
    """It is kept whole: hooks see the cotangents, and no history is lost."""
    x = torch.arange(1.0, 4.0, requires_grad=True)
    found = [torch.autograd.grad(run(x).square().sum(), x)[0] for run in (function, lambda x: checkpoint(function, x))]
    torch.testing.assert_close(found[1], found[0])
