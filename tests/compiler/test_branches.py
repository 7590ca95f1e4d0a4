"""Functions that branch by numbers: each call takes the branch that it would take eagerly, and does nothing of another one."""

import copy
import warnings

import numpy as np
import pytest

import lineal as torch
from lineal import nn, optim


@pytest.fixture(autouse=True)
def strict():
    """Let a function that is left to run eagerly fail the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def alike(f, inputs, state=()):
    """Compare calls of `f` compiled with eager ones, each over a copy of the `state`; return the compiled function."""
    twin = copy.deepcopy(state)
    compiled = torch.compile(lambda *args: f(*args, *state))
    for given in inputs:
        torch.manual_seed(7)
        expected = f(*copy.deepcopy(given), *twin)
        after = torch.get_rng_state()
        torch.manual_seed(7)
        found = compiled(*given)
        assert torch.equal(torch.get_rng_state(), after)
        np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-5, atol=1e-6)
        for x, y in zip(state, twin):
            np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-5, atol=1e-6)
    assert compiled.eager is None
    return compiled


def signs(*numbers):
    return [(torch.full((3,), each),) for each in numbers]


def test_an_if_takes_the_branch_of_the_call():
    f = alike(lambda x: x * 2 if (x > 0).all() else x - 1, signs(1.0, -1.0, 2.0, -2.0, -3.0, 3.0))
    assert f.compilations == 2


def test_the_other_branch_is_traced_when_it_first_happens():
    f = torch.compile(lambda x: x * 2 if x.sum() > 0 else x - 1)
    for _ in range(3):
        f(torch.ones(3))
    assert f.compilations == 1
    assert f(-torch.ones(3)).tolist() == [-2, -2, -2]
    assert f.compilations == 2


def test_a_branch_in_a_branch_is_known_by_both():
    def f(x):
        if x[0] > 0:
            return x + 1 if x[1] > 0 else x + 2
        return x + 3 if x[2] > 0 else x + 4

    rows = [[a, b, c] for a in (1.0, -1.0) for b in (1.0, -1.0) for c in (1.0, -1.0)]
    found = alike(f, [(torch.tensor(each),) for each in rows * 2 + rows[::-1]])
    assert found.compilations == 4


def test_a_loop_runs_as_often_as_the_call_says():
    def f(x, n):
        for _ in range(int(n)):
            x = torch.tanh(x) * 1.5
        return x

    found = alike(f, [(torch.randn(4), torch.tensor(n)) for n in (0, 1, 2, 3, 2, 1, 0, 3, 4, 4)])
    assert found.compilations == 5


def test_a_while_loop_stops_where_eager_code_does():
    def newton(a, x):
        while ((x * x - a).abs() > 1e-6).any():
            x = (x + a / x) / 2
        return x

    alike(
        newton, [(torch.tensor([2.0, n], dtype=torch.float64), torch.ones(2, dtype=torch.float64)) for n in (3, 50, 4, 900, 3)]
    )


@pytest.mark.parametrize(
    "f",
    [
        lambda x, n: x[int(n)],
        lambda x, n: x[n.item() :].sum(),
        lambda x, n: x * n.item(),
        lambda x, n: torch.stack([x] * int(n)),
        lambda x, n: x.sum() if n.bool() else x.prod(),
        lambda x, n: x[: n.tolist()],
        lambda x, n: x.repeat(*torch.stack([n, n + 1]).tolist()),
        lambda x, n: x if n else -x,
        lambda x, n: x + list(range(9))[n],
        lambda x, n: x if not n - 2 else -x,
        lambda x, n: x * int(n.float() * 1.7),
        lambda x, n: x if n.float() - 2 else -x,
        lambda x, n: x if torch.equal(n, torch.tensor(2)) else -x,
        lambda x, n: x if torch.allclose(x * n, x * 2) else -x,
    ],
)
def test_what_reads_whole_numbers_is_compared(f):
    alike(f, [(torch.randn(5), torch.tensor(n)) for n in (1, 2, 3, 2, 1, 2)])


def test_what_is_drawn_and_written_before_and_after_is_right():
    def f(x, n, buffer, count):
        buffer += torch.rand(3)
        buffer[0] *= 2
        count += 1
        if (count % 3 == 0).item():
            buffer.zero_()
        if buffer.sum() + x.sum() > n:
            buffer[1:].mul_(0.5)
            return buffer + torch.rand(3)
        count += int(n)
        return x * torch.randn(3)

    state = (torch.zeros(3), torch.tensor(0))
    alike(f, [(torch.randn(3), torch.tensor(n % 3)) for n in range(20)], state)


def test_steps_that_are_skipped_leave_everything_as_it_was():
    def build():
        torch.manual_seed(1)
        net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        opt = optim.Adam(net.parameters(), lr=0.01)

        def step(x, limit):
            opt.zero_grad()
            loss = (net(x) ** 2).mean()
            loss.backward()
            norm = sum((p.grad**2).sum() for p in net.parameters())
            if norm > limit:
                return loss, norm
            opt.step()
            return loss, norm

        return net, step

    (net, eager), (twin, step) = build(), build()
    step = torch.compile(step)
    for n in range(12):
        x, limit = torch.randn(5, 4), torch.tensor(0.0 if n % 3 == 2 else 1e9)
        before = [(p.detach().clone(), p.grad) for p in twin.parameters()]
        held = [None if g is None else (g, g.clone()) for _, g in before]
        for a, b in zip(step(x, limit), eager(x, limit)):
            assert torch.allclose(a, b, rtol=1e-4)
        for p, q, (old, _), grad in zip(twin.parameters(), net.parameters(), before, held):
            assert torch.allclose(p, q, rtol=1e-4, atol=1e-6)
            assert torch.allclose(p.grad, q.grad, rtol=1e-4, atol=1e-6)
            assert n % 3 != 2 or torch.equal(p, old)
            assert grad is None or torch.equal(*grad)
    assert step.compilations == 2


def test_grads_that_were_not_reached_are_kept():
    w = torch.tensor([1.0, 2.0], requires_grad=True)

    @torch.compile
    def f(x):
        if x.sum() > 0:
            w.grad = None
            (w * x).sum().backward()
        return x * 2

    for sign in (1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0):
        f(torch.full((2,), sign))
        assert w.grad.tolist() == [1, 1]


def test_results_of_branches_can_be_differentiated_outside():
    def f(x, w):
        y = torch.tanh(x * w)
        return (y * y).sum() if y.sum() > 0 else (y * 3).sum()

    compiled = torch.compile(f)
    w, v = (torch.tensor([0.5, 2.0, 1.0], requires_grad=True) for _ in range(2))
    for sign in (1.0, -1.0, 1.0, -1.0, -1.0, 1.0):
        x = torch.full((3,), sign)
        w.grad = v.grad = None
        compiled(x, w).backward()
        f(x, v).backward()
        assert torch.allclose(w.grad, v.grad)
    y, z = compiled(x, w), f(x, v)
    (g,), (h,) = (torch.autograd.grad(each, leaf, create_graph=True) for each, leaf in ((y, w), (z, v)))
    for a, b in zip(torch.autograd.grad(g.sum(), w), torch.autograd.grad(h.sum(), v)):
        assert torch.allclose(a, b)
    assert compiled.compilations == 2
    assert compiled.eager is None


def test_the_numbers_of_captured_tensors_are_compared():
    flag = torch.tensor(True)
    f = torch.compile(lambda x: x + 1 if flag else x - 1)
    for on in (True, True, False, False, True, False):
        flag.fill_(on)
        assert f(torch.zeros(2)).tolist() == [1 if on else -1] * 2
    assert f.compilations == 2


def test_many_branches_are_reported_and_the_oldest_forgotten():
    f = torch.compile(lambda x, n: x * int(n))
    with pytest.warns(UserWarning, match="compiled for the 9th time"):
        for n in range(9):
            f(torch.ones(2), torch.tensor(n))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in (*range(70), *range(70)):
            assert f(torch.ones(2), torch.tensor(n)).tolist() == [n, n]
    assert sum(map(len, f.programs.values())) <= 64


def test_large_numbers_are_told_apart():
    f = torch.compile(lambda x, n: x + int(n) % 7)
    for n in (1 << 40, 3 - (1 << 50), (1 << 40) + 1, 1 << 40, 3 - (1 << 50), (1 << 40) + 1):
        assert f(torch.zeros(1), torch.tensor(n)).item() == n % 7
    assert f.compilations == 3


def test_a_fraction_that_is_read_is_refused_with_the_line():
    f = torch.compile(lambda x: x if x.sum().item() > 0 else -x)
    with pytest.warns(UserWarning, match=r"runs eagerly: a float is read from a tensor .*test_branches\.py"):
        assert f(torch.ones(2)).tolist() == [1, 1]
    assert f(-torch.ones(2)).tolist() == [1, 1]


def test_compiled_functions_in_compiled_functions():
    inner = torch.compile(lambda x: x * 2 if x.sum() > 0 else x * 3)
    alike(lambda x: inner(inner(x)) + 1, signs(1.0, 2.0, -1.0, 1.0, -1.0))
    for sign in (1.0, -1.0, 1.0):
        inner(torch.full((3,), sign))
    alike(lambda x: inner(inner(x)) + 1, signs(1.0, 2.0, -1.0, 1.0, -1.0))
