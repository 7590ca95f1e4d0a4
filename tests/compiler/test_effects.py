"""Ops with an effect run as often as the function runs them, in its order, on every way that a call can take."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lineal as torch
from lineal import compiler
from lineal.compiler.calling.function import CompiledFunction
from lineal.core import Effect, apply
from lineal.tracing import trace

log: list[str] = []
"""What ran, in order."""


@pytest.fixture(autouse=True)
def fresh_log():
    log.clear()


class Send(Effect):
    """y = 2 x, and a line in the log; so is the derivative."""

    label: str = ""

    def eager(self, xp, x):
        if self.label == "broken" and log.count("broken"):
            raise RuntimeError("the line is down")
        log.append(self.label)
        return x * 2

    def vjp(self, needs, g, y, x):
        return (apply(Send(self.label + "'"), g),)


class Swap(Effect):
    """Two outputs: y, x and a line in the log."""

    width = 2

    def eager(self, xp, x, y):
        log.append("swap")
        return y.copy(), x.copy()

    def outline(self, x, y):
        return y.copy(), x.copy()

    def vjp(self, needs, g, y, *xs):
        a, b = (torch.zeros(each.shape) if each is None else each for each in g)
        return apply(Swap(), a, b)


def send(x: Any, label: str = "a") -> Any:
    return apply(Send(label), x)


def counted(function: Callable, *args: Any) -> list[str]:
    """Return what a call of the function puts down."""
    log.clear()
    function(*args)
    return list(log)


def unread(x):
    send(x)
    return x + 1


def twice(x):
    return send(x) + send(x)


def crossed(x):
    a = send(x, "a")
    b = send(x * 3, "b")
    send(b, "c")
    return send(a, "d")


def several(x):
    y, z = apply(Swap(), x, x * 2)
    return y - send(z)


def written(x):
    y = x.clone()
    y.add_(send(y))
    send(y, "b")
    return y


def refused(x):
    """A matrix that has to be positive definite, looked at after an effect that it does not depend on."""
    y = send(x, "a")
    return torch.linalg.cholesky(x * 1.0), y


FUNCTIONS = {"unread": unread, "twice": twice, "crossed": crossed, "several": several, "written": written, "refused": refused}


def matrix() -> Any:
    return torch.eye(3) * 2 + 0.1


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_call_does_the_same(name: str):
    function = FUNCTIONS[name]
    expected, compiled = counted(function, matrix()), torch.compile(function)
    for _ in range(5):
        assert counted(compiled, matrix()) == expected
    assert compiled.eager is None and compiled.programs
    torch.testing.assert_close(compiled(matrix()), function(matrix()))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_checking_build(name: str):
    function = FUNCTIONS[name]
    expected = counted(function, matrix())
    with compiler.checking():
        compiled = torch.compile(function)
        for _ in range(4):
            assert counted(compiled, matrix()) == expected


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sizes_that_vary(name: str):
    function, compiled = FUNCTIONS[name], torch.compile(FUNCTIONS[name])
    for size in (3, 3, 4, 5, 6, 7, 8, 6):
        x = torch.eye(size) * 2 + 0.1
        assert counted(compiled, x) == counted(function, x)
        torch.testing.assert_close(compiled(x), function(x))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_given_back(name: str):
    """A guard that fails in a native call lets the function run instead, once."""
    function, compiled = FUNCTIONS[name], torch.compile(FUNCTIONS["refused"])
    for _ in range(3):
        compiled(matrix())
    with pytest.raises(torch.linalg.LinAlgError):
        counted(compiled, -matrix())
    assert log == ["a"]
    guarded = torch.compile(lambda x: (function(x), bool(x.sum() > 0)))
    for sign in (1, 1, -1, 1, -1, -1):
        if name != "refused" or sign > 0:
            assert counted(guarded, matrix() * sign) == counted(function, matrix() * sign)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nested(name: str):
    function, inner = FUNCTIONS[name], torch.compile(FUNCTIONS[name])
    outer = torch.compile(lambda x: inner(x * 1))
    for _ in range(5):
        assert counted(outer, matrix()) == counted(function, matrix())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_differentiated(name: str):
    """Forward and backward, whether the function or its caller goes back, and twice."""
    function, compiled = FUNCTIONS[name], torch.compile(FUNCTIONS[name])

    def total(f: Callable, x: Any) -> Any:
        y = f(x)
        return sum(each.sum() for each in y) if isinstance(y, tuple) else (y * y).sum()

    def once(f: Callable) -> Any:
        x = matrix().requires_grad_()
        total(f, x).backward()
        return x.grad

    def again(f: Callable) -> Any:
        x = matrix().requires_grad_()
        (g,) = torch.autograd.grad(total(f, x), x, create_graph=True)
        return torch.autograd.grad((g * g).sum(), x, allow_unused=True)[0]

    inside = torch.compile(lambda x: torch.autograd.grad(total(function, x), x)[0])
    for _ in range(4):
        assert counted(once, compiled) == counted(once, function)
        assert counted(again, compiled) == counted(again, function)
        x = matrix().requires_grad_()
        assert counted(inside, x) == counted(once, function)
    torch.testing.assert_close(once(compiled), once(function))
    torch.testing.assert_close(again(compiled), again(function))
    assert compiled.eager is None and inside.eager is None


def test_backward_given_back():
    """The backward program meets numbers that it was not made for: the forward effects are not done again."""

    def f(x, scale):
        return torch.linalg.solve(x, send(x) * scale)

    def g(f, x, scale):
        x = x.clone().requires_grad_()
        f(x, scale).backward(torch.full((3, 3), float("inf")))
        return x.grad

    compiled = torch.compile(f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(4):
            assert counted(g, compiled, matrix(), torch.ones(())) == counted(g, f, matrix(), torch.ones(()))


def test_step_of_an_optimizer():
    def training(prepare: Callable) -> list[float]:
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)

        def step(x):
            optimizer.zero_grad()
            loss = (model(x) ** 2).mean()
            loss.backward()
            for each in model.parameters():
                each.grad = send(each.grad, "reduced")
            optimizer.step()
            return loss

        step = prepare(step)
        log.clear()
        losses = [step(torch.ones(4, 3)).item() for _ in range(8)]
        assert log == ["reduced"] * 16 and getattr(step, "eager", None) is None
        return losses

    assert training(torch.compile) == pytest.approx(training(lambda step: step))


@pytest.mark.parametrize("size", (0, 1, 4))
def test_vmap_is_a_loop(size: int):
    x = torch.arange(size * 3.0).reshape(size, 3)

    def f(row):
        a = send(row, "a")
        return send(a, "b")

    y = torch.vmap(f)(x)
    assert log == ["a", "b"] * size
    torch.testing.assert_close(y, x * 4)
    compiled = torch.compile(torch.vmap(f))
    for _ in range(4):
        assert counted(compiled, x) == ["a", "b"] * size


def test_vmap_of_a_derivative():
    x = torch.arange(6.0).reshape(2, 3)
    y = torch.vmap(torch.func.grad(lambda row: (send(row) ** 2).sum()))(x)
    assert log == ["a", "a'"] * 2
    torch.testing.assert_close(y, x * 8)


def test_graph():
    """A graph does what the function did, at each call; what is not needed goes, effects stay."""
    _, graph = trace(unread, torch.ones(3))
    log.clear()
    for each in (graph, graph.needed()):
        each(torch.ones(3))
    assert log == ["a", "a"]


def test_numbers_that_an_effect_gave():
    """What is done next depends on an effect: no guard can stand behind it, so the function runs eagerly and says why."""

    def f(x):
        y = send(x)
        return y * 3 if y.sum() > 0 else y

    compiled = torch.compile(f)
    with pytest.warns(UserWarning, match=r"numbers .* that an op with an effect gave"):
        for sign in (1, -1, 1, -1):
            assert counted(compiled, torch.ones(3) * sign) == ["a"]
    assert isinstance(compiled, CompiledFunction) and compiled.eager is not None


def test_shape_that_numbers_decide_behind_an_effect():
    compiled = torch.compile(lambda x: torch.bincount(send(x).long(), minlength=4))
    with pytest.warns(UserWarning, match="that an op with an effect gave"):
        for largest in (1, 1, 3, 1):
            assert counted(compiled, torch.tensor([0.0, largest])) == ["a"]
    assert compiled(torch.tensor([3.0])).shape == (7,)


def test_error():
    """An effect that fails is not tried again; what it raises is the caller's."""
    compiled = torch.compile(lambda x: send(send(x, "a"), "broken") + 1)

    def loud(x: Any) -> str:
        log[:] = [each for each in log if each != "broken"]
        compiled(x)
        log.append("broken")
        with pytest.raises(RuntimeError, match="the line is down"):
            compiled(x)
        return ""

    for _ in range(4):
        log.clear()
        loud(torch.ones(2))
        assert log == ["a", "broken", "broken", "a"]


def test_host_step_behind_an_effect():
    """An op of the host's that fails behind an effect raises what eager code raises, and the effect is not done again."""

    def f(x, i):
        y = send(x.to(torch.complex64), "a")
        return y[i]

    compiled, x, i = torch.compile(f), torch.ones(3), torch.tensor([0, 2])
    for _ in range(4):
        assert counted(compiled, x, i) == ["a"]
    log.clear()
    with pytest.raises(IndexError, match="out of bounds"):
        compiled(x, torch.tensor([0, 7]))
    assert log == ["a"]


def test_shape_that_changes():
    """The shape of what an effect gives is what it was, or the call fails: it cannot be given back."""

    class Grow(Effect):
        def eager(self, xp, x):
            return np.zeros(int(x[0]), np.float32)

        def vjp(self, needs, g, y, x):
            raise NotImplementedError

    compiled = torch.compile(lambda x: apply(Grow(), x) + 1)
    for _ in range(3):
        compiled(torch.tensor([2.0]))
    with pytest.raises(RuntimeError, match=r"gave the shape \[3\]"):
        compiled(torch.tensor([3.0]))
