"""Loops that end when a number says so, in programs: as many turns as each call takes, whatever was traced."""

from __future__ import annotations

import pytest

import lineal as torch
from lineal._higher_order_ops import while_loop
from lineal.compiler import checking
from lineal.compiler.kernels import native
from lineal.compiler.nodes.turns import Rolled


def iterated(A, b):
    """Richardson's iteration, with the count of its turns."""
    body = lambda x, r, k: (x + r / 4, b - A @ (x + r / 4), k + 1)
    return while_loop(lambda x, r, k: (r.norm() > 1e-9) & (k < 400), body, (torch.zeros_like(b), b, torch.tensor(0)))


def halved(x, y):
    return while_loop(lambda x: x.abs().max() > 1, lambda x: (x / 2,), (x * y,))[0] + y


def swapped(x, y):
    return while_loop(lambda a, b, k: k < x.abs().sum(), lambda a, b, k: (b, a * 0.5 + 1, k + 1), (x, y, torch.tensor(0)))


def unchanged(x, y):
    return while_loop(lambda a, b: (a * b).sum() < 50, lambda a, b: (a + b.exp(), b), (x, y))


def seen_from_the_side(x, y):
    return while_loop(lambda a: a.T[0].sum() < 9, lambda a: (a + (y.T @ a.T).T[:, :1],), (x.reshape(2, 2),))[0].T[1]


def twice(x, y):
    (x,) = while_loop(lambda x: x.abs().max() > 1, lambda x: (x / 2,), (x,))
    (x,) = while_loop(lambda x: x.abs().sum() < 20, lambda x: (x * 1.5 + 0.25,), (x + y * 0,))
    return x


def drawn_in(x, y):
    total = torch.zeros(2)
    total += while_loop(lambda x: x.abs().max() > 1, lambda x: (x / 2,), (x,))[0].sum()
    return total


FUNCTIONS = {
    "halved": (halved, (4,), (4,)),
    "unchanged": (unchanged, (4,), (4,)),
    "seen_from_the_side": (seen_from_the_side, (4,), (2, 2)),
    "twice": (twice, (4,), (4,)),
    "drawn_in": (drawn_in, (4,), (4,)),
}


def endings(compiled):
    """Return the loops of programs that end when a number says so."""
    programs = [each for several in compiled.programs.values() for each in several]
    return [eq.op for each in programs for eq in each.trace.equations if isinstance(eq.op, Rolled) and eq.op.turns is None]


def given(shapes, scale):
    g = torch.Generator().manual_seed(1)
    return tuple(torch.rand(*shape, generator=g) * scale for shape in shapes)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_program_for_any_number_of_turns(name):
    function, *shapes = FUNCTIONS[name]
    compiled = torch.compile(function)
    for scale in (5.0, 5.0, 0.01, 100.0, 0.3, 3000.0):
        torch.testing.assert_close(compiled(*given(shapes, scale)), function(*given(shapes, scale)))
    assert compiled.eager is None
    assert len(endings(compiled)) == 1 or name == "twice"
    assert compiled.compilations <= 3


@pytest.mark.parametrize("name", FUNCTIONS)
def test_in_the_checking_build(name):
    function, *shapes = FUNCTIONS[name]
    compiled = torch.compile(function)
    with checking():
        for scale in (5.0, 5.0, 0.01, 40.0):
            torch.testing.assert_close(compiled(*given(shapes, scale)), function(*given(shapes, scale)))
    assert endings(compiled)


def test_an_iteration_stops_where_eager_code_does():
    A = torch.eye(5, dtype=torch.float64) * 3 + torch.ones(5, 5, dtype=torch.float64) * 0.2
    compiled = torch.compile(iterated)
    for scale in (1.0, 10.0, 1e6, 0.0, 1e-3):
        b = torch.arange(1.0, 6.0, dtype=torch.float64) * scale
        (x, _, turns), (y, _, wanted) = compiled(A, b), iterated(A, b)
        assert abs(int(turns) - int(wanted)) <= 1
        torch.testing.assert_close(x, y)
    assert compiled.compilations <= 2
    assert "as many as it takes" in torch.explain(torch.compile(iterated))(A, b)


def test_thousands_of_turns():
    compiled = torch.compile(
        lambda n: while_loop(lambda k, t: k < n, lambda k, t: (k + 1, t + k), (torch.tensor(0), torch.tensor(0)))
    )
    for n in (600, 3, 20_000, 0, 0, 1):
        k, total = compiled(torch.tensor(n))
        assert (int(k), int(total)) == (n, n * (n - 1) // 2)
    assert compiled.compilations == 2


def test_without_a_turn_the_result_is_what_was_given():
    f = lambda x: while_loop(lambda x: x.sum() > 1, lambda x: (x / 2,), (x,))[0]
    compiled = torch.compile(f)
    for numbers in ([8.0, 1.0], [8.0, 1.0], [0.1, 0.2], [0.1, 0.2], [30.0, 1.0], [0.1, 0.1]):
        x = torch.tensor(numbers)
        assert (compiled(x) is x) == (f(x) is x)


def test_a_loop_that_takes_too_long_is_left_to_eager_code(monkeypatch):
    monkeypatch.setattr(native, "longest", lambda node: 50)
    compiled = torch.compile(lambda n: while_loop(lambda k: k < n, lambda k: (k + 1,), (torch.tensor(0),))[0])
    for n in (5, 10, 80, 49):
        assert int(compiled(torch.tensor(n))) == n


def test_what_cannot_be_one_loop_stays_as_traced():
    def swapped_once(x):
        return swapped(x, x + 1)

    def kept(x):
        seen = []
        (y,) = while_loop(lambda x: x.sum() < 30, lambda x: (seen.append(x * 2) or x + 1,), (x,))
        return y + sum(seen)

    def counted(x):
        count = [0]

        def grown(x):
            count[0] += 1
            return (x * 2,)

        return while_loop(lambda x: x.sum() < 30, grown, (x,))[0] + count[0]

    class Kept:
        turns = 0

        def grown(self, x):
            self.turns += 1
            return (x * 2,)

    def counted_by_an_object(x):
        kept = Kept()
        return while_loop(lambda x: x.sum() < 30, kept.grown, (x,))[0] + kept.turns

    def rebound(x):
        turns = 0

        def grown(x):
            nonlocal turns
            turns += 1
            return (x * 2,)

        return while_loop(lambda x: x.sum() < 30, grown, (x,))[0] + turns

    def nested(x):
        inner = lambda x: while_loop(lambda x: x.max() > 2, lambda x: (x / 3,), (x,))[0]
        return while_loop(lambda x, k: k < 3, lambda x, k: (inner(x) * 5, k + 1), (x, torch.tensor(0)))[0]

    def derived(x):
        x = x.detach().requires_grad_()
        (y,) = while_loop(lambda y: y.sum() < 30, lambda y: (y * 1.5,), (x,))
        return torch.autograd.grad(y.sum(), x)[0]

    for function in (kept, swapped_once, counted, counted_by_an_object, rebound, nested, derived):
        compiled = torch.compile(function)
        for scale in (1.0, 1.0, 3.0, 9.0, 1.0):
            x = torch.tensor([1.0, 2.0]) * scale
            torch.testing.assert_close(compiled(x), function(x))


def test_derivatives_go_back_through_the_turns_that_were():
    compiled = torch.compile(halved)
    for scale in (5.0, 5.0, 70.0, 0.1):
        found = []
        for function in (compiled, halved):
            x, y = (each.requires_grad_() for each in given(((4,), (4,)), scale))
            function(x, y).square().sum().backward()
            found.append((x.grad, y.grad))
        torch.testing.assert_close(*found)


def settled(W, x, tolerance):
    """A state that does not change any more, and one step more with a history."""

    def step(z, change):
        found = torch.tanh(z @ W + x)
        return found, (found - z).abs().amax()

    with torch.no_grad():
        z, change = while_loop(lambda z, change: change > tolerance, step, (torch.zeros_like(x), torch.ones(())))
    z = torch.tanh(z @ W + x)
    return z.square().mean() + z.sum(), change


def test_a_loop_without_history_before_what_is_differentiated_takes_as_many_turns_as_it_does():
    compiled = torch.compile(settled)
    for scale in (1.0, 1.0, 1.5, 3.0, 0.2, 0.0):
        found = []
        for function in (compiled, settled):
            W, x = (each.requires_grad_() for each in given(((6, 6), (4, 6)), 0.1))
            y, change = function(W * scale, x, torch.tensor(1e-5))
            (first,) = torch.autograd.grad(y, x, create_graph=True)
            (y + first.square().sum()).backward()
            found.append((y, change, W.grad, x.grad))
        torch.testing.assert_close(*found)
    assert compiled.eager is None
    (programs,) = compiled.programs.values()
    assert len(programs) == 1
    W, x = (each.requires_grad_() for each in given(((6, 6), (4, 6)), 0.1))
    torch.testing.assert_close(compiled(W * 1.0, x, torch.tensor(2.0)), settled(W * 1.0, x, torch.tensor(2.0)))


def test_loops_in_a_loop():
    def iterated(x, W):
        def step(x, k):
            for _ in range(10):
                x = torch.tanh(x @ W) + 0.1
            return x, k - x.norm()

        return while_loop(lambda x, k: k > 0, step, (x, torch.tensor(20.0)))

    compiled = torch.compile(iterated)
    for scale in (1.0, 1.0, 0.5, 3.0):
        x, W = given(((3, 4), (4, 4)), scale)
        torch.testing.assert_close(compiled(x, W), iterated(x, W))
    (programs,) = compiled.programs.values()
    (loop,) = [each.op for each in programs[0].trace.equations if isinstance(each.op, Rolled)]
    assert len(programs) == 1
    assert any(isinstance(each.op, Rolled) for each in loop.turn.equations)


def test_premises_in_a_loop():
    def shrunk(A, turns):
        step = lambda A, k: (torch.linalg.cholesky(A) + 2 * torch.eye(3), k + 1)
        return while_loop(lambda A, k: k < turns, step, (A, torch.tensor(0)))[0]

    compiled = torch.compile(shrunk)
    A, bad = torch.eye(3) * 4 + 0.5, torch.eye(3) * -1
    for turns in (3, 3, 5, 1):
        torch.testing.assert_close(compiled(A, torch.tensor(turns)), shrunk(A, torch.tensor(turns)))
    with pytest.raises(torch.linalg.LinAlgError):
        compiled(bad, torch.tensor(2))
    torch.testing.assert_close(compiled(bad, torch.tensor(0)), bad)
