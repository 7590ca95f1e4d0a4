"""Loops of any number of turns that are differentiated: one program ahead and one back, whatever was traced."""

from __future__ import annotations

import pytest

import lineal as torch
from lineal._higher_order_ops import while_loop
from lineal.compiler import checking
from lineal.compiler.capturing import taping
from lineal.compiler.capturing.taping import Taped
from lineal.compiler.nodes.turns import Rolled


def iterated(x, y):
    """Richardson's iteration, whose count of turns goes into the result."""
    A, b = torch.outer(x, x) * 0.1 + torch.eye(4) * 3, y * 3
    step = lambda z, r, k: (z + r / 4, b - A @ (z + r / 4), k + 1)
    z, _, k = while_loop(lambda z, r, k: r.norm() > 1e-3, step, (torch.zeros_like(b), b, torch.tensor(0)))
    return z * k


def swapped(x, y):
    step = lambda a, b, k: (b * y.cos(), (a * 0.5).tanh() + x, k + 1)
    return while_loop(lambda a, b, k: k < x.abs().sum(), step, (x, y, torch.tensor(0)))[1]


def nested(x, y):
    W = torch.outer(y, y) * 0.2

    def step(a, k):
        for _ in range(8):
            a = torch.tanh(a.unsqueeze(0) @ W)[0] + 0.1 * x
        return a, k - a.norm() - 1

    return while_loop(lambda a, k: k > 0, step, (x, x.detach().abs().sum() + 8))[0]


def partly(x, y):
    """History comes in by what is the same in all turns; some of it is left behind."""

    def step(a, b, c):
        with torch.no_grad():
            d = a * 2
        return a * 0.5 + y, b + a.detach() * x, c + d.sum() * 0.1 + 1

    first = (torch.zeros(4), torch.ones(4), torch.zeros(()))
    a, b, c = while_loop(lambda a, b, c: c < x.detach().abs().sum() * 2, step, first)
    return a * 2 + b + c


def factored(x, y):
    step = lambda A, k: (torch.linalg.cholesky(A @ A.T + torch.eye(4)) * y.sin(), k + 1)
    return while_loop(lambda A, k: k < x.detach().abs().sum(), step, (torch.outer(x, y), torch.tensor(0)))[0].sum(0)


FUNCTIONS = (iterated, swapped, nested, partly, factored)


@pytest.fixture(autouse=True)
def doubles():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def derivatives(function, scale, second=True):
    """Return a result with its derivatives."""
    g = torch.Generator().manual_seed(1)
    x, y = ((torch.rand(4, generator=g) * each + 1).requires_grad_() for each in (scale, 1.0))
    z = function(x, y)
    found = [z, *torch.autograd.grad(z.square().sum(), (x, y), retain_graph=True)]
    if second:
        gs = torch.autograd.grad(z.sin().sum(), (x, y), create_graph=True)
        found += torch.autograd.grad(sum(g.square().sum() for g in gs), (x, y))
    return [each.detach() for each in found]


def taped(compiled):
    """Return the loops on tapes of the only program that there is."""
    ((program,),) = compiled.programs.values()
    return [each.op for each in program.trace.equations if isinstance(each.op, Taped)]


@pytest.mark.parametrize("rows", [None, 4])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_program_ahead_and_one_back_for_any_number_of_turns(function, rows, monkeypatch):
    if rows is not None:
        monkeypatch.setattr(taping, "rows_for", lambda carried: rows)
        monkeypatch.setattr("lineal.compiler.rewrites.rolling.whiles.rows_for", lambda carried: rows)
    compiled = torch.compile(function)
    # the first two calls are eager code's; 4 rows are good for 15 turns
    for scale in (1.0, 1.0, 3.0, 0.2, 0.7):
        torch.testing.assert_close(derivatives(compiled, scale), derivatives(function, scale), rtol=1e-7, atol=1e-9)
    assert compiled.eager is None and compiled.compilations == 1
    assert len(taped(compiled)) == 1


@pytest.mark.parametrize("function", (swapped, partly))
def test_in_the_checking_build(function, monkeypatch):
    monkeypatch.setattr("lineal.compiler.rewrites.rolling.whiles.rows_for", lambda carried: 4)
    compiled = torch.compile(function)
    with checking():
        for scale in (1.0, 1.0, 3.0):
            torch.testing.assert_close(derivatives(compiled, scale, False), derivatives(function, scale, False))
    assert compiled.eager is None and taped(compiled)


def test_turns_are_gone_back_through_that_have_no_row(monkeypatch):
    monkeypatch.setattr("lineal.compiler.rewrites.rolling.whiles.rows_for", lambda carried: 4)
    step = lambda x: lambda k, z: (k + 1, z * x + k.sin())
    counted = lambda n, x: while_loop(lambda k, z: k < n, step(x), (torch.zeros(()), x))[1]
    compiled = torch.compile(counted)
    for n in (3, 3, 4, 5, 8, 9, 15):
        x, y = (torch.tensor(1.01, requires_grad=True) for _ in range(2))
        compiled(torch.tensor(float(n)), x).backward()
        counted(torch.tensor(float(n)), y).backward()
        torch.testing.assert_close(x.grad, y.grad)
        # from here on, nothing is left to eager code
        compiled.function = None
    compiled.function = counted
    compiled(torch.tensor(16.0), x).backward()
    assert compiled.compilations == 1


def test_loops_in_the_turns_are_loops_ahead_and_back():
    compiled = torch.compile(nested)
    derivatives(compiled, 1.0)
    ((program,),) = compiled.programs.values()
    for half in (program.joint.ahead, program.joint.back):
        (loop,) = [each.op for each in half if isinstance(each.op, Rolled)]
        assert any(isinstance(each.op, Rolled) for each in loop.turn.equations)
    assert "as many as it takes, backwards" in program.explain()


def test_loops_of_which_there_is_no_code_are_traced_turn_by_turn():
    step = lambda x: ((x * (0.5 + 0.1j)).real * x.sin(),)
    halved = lambda x: while_loop(lambda x: x.abs().max() > 0.2, step, (x,))[0]
    compiled = torch.compile(halved)
    for scale in (1.0, 1.0, 0.5):
        found = []
        for function in (compiled, halved):
            x = (torch.arange(1.0, 4.0) * scale).requires_grad_()
            function(x).sum().backward()
            found.append(x.grad)
        torch.testing.assert_close(*found)
    assert compiled.eager is None


def test_what_is_too_large_for_a_tape_is_traced_turn_by_turn(monkeypatch):
    monkeypatch.setattr(taping, "MOST_MEMORY", 64 * 4 * 8)
    compiled = torch.compile(swapped)
    for scale in (1.0, 1.0, 3.0):
        torch.testing.assert_close(derivatives(compiled, scale), derivatives(swapped, scale))
    assert compiled.eager is None and compiled.compilations == 2


def test_a_step_that_goes_back_itself_is_for_as_many_turns_as_there_were():
    def step(x, y):
        z, _ = while_loop(lambda z, k: k < x.sum(), lambda z, k: ((z * y).tanh(), k + 1), (x, torch.tensor(0)))
        return torch.autograd.grad(z.sum(), y, create_graph=True)[0] + z

    compiled = torch.compile(step)
    for scale in (1.0, 1.0, 0.3, 2.0, 1.0):
        torch.testing.assert_close(derivatives(compiled, scale), derivatives(step, scale))
    assert compiled.eager is None
