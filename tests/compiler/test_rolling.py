"""Equal turns as one loop: what was traced turn by turn gives the same numbers, gradients, writes and errors as eager code."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import lineal as torch
from lineal.compiler import checking
from lineal.compiler.nodes.turns import Rolled
from lineal.compiler.rewrites.rolling import matching

TURNS = 20


def cell(x, h, W, U, b):
    return torch.tanh(x @ W + h @ U + b)


def stacked(xs, h, W, U, b):
    hs = []
    for x in xs:
        h = cell(x, h, W, U, b)
        hs.append(h)
    return torch.stack(hs), h


def by_index(xs, h, W, U, b):
    hs = []
    for n in range(TURNS):
        h = cell(xs[n], h, W, U, b)
        hs.append(h)
    return torch.stack(hs, 1)


def backwards(xs, h, W, U, b):
    hs = []
    for n in reversed(range(TURNS)):
        h = cell(xs[n], h, W, U, b)
        hs.insert(0, h)
    return torch.cat(hs, 1)


def two_layers(xs, h, W, U, b):
    g, hs = h, []
    for x in xs:
        h = cell(x, h, W, U, b)
        g = cell(h, g, U, W, b)
        hs.append(g)
    return torch.cat(hs), h, g


def one_after_the_other(xs, h, W, U, b):
    hs = []
    for x in xs:
        h = cell(x, h, W, U, b)
        hs.append(h)
    return [cell(x, h, U, W, b) for x in hs]


def two_back(xs, h, W, U, b):
    before = xs[0] * 0
    for x in xs:
        before, h = h, torch.tanh(h @ W - 0.5 * before + x)
    return h, before


def last_alone(xs, h, W, U, b):
    for x in xs:
        y = x @ W
        h = torch.relu(h + y)
    return h, y


def some_turns(xs, h, W, U, b):
    hs = []
    for x in xs:
        h = cell(x, h, W, U, b)
        hs.append(h)
    return hs[3] + hs[7], hs[-2]


def no_carry(xs, h, W, U, b):
    return torch.stack([(x @ W).softmax(-1) for x in xs])


def columns(xs, h, W, U, b):
    total = 0
    for n in range(TURNS):
        total = total + (xs[:, :, n % 4] @ xs[n]).sum() if n % 4 == n else total + (xs[n, 1:3] @ W).exp().mean()
    return total


def slices(xs, h, W, U, b):
    flat, found = xs.reshape(-1, 4), h
    for n in range(TURNS):
        found = torch.tanh(flat[3 * n : 3 * n + 3] @ W + found)
    return found


def transposed(xs, h, W, U, b):
    turned, h = xs.transpose(0, 1), h.T
    for n in range(TURNS):
        h = torch.tanh(W @ h + turned[:, n].T)
    return h


def newton(xs, h, W, U, b):
    A = W @ W.T + 3 * torch.eye(4)
    X = A / (A * A).sum()
    for _ in range(TURNS):
        X = X @ (2 * torch.eye(4) - A @ X)
    return X


def power(xs, h, W, U, b):
    v = b + 1
    for _ in range(TURNS):
        v = W @ v
        v = v / v.norm()
    return v, v @ W @ v


def written(xs, h, W, U, b):
    out = torch.zeros(TURNS, 3, 4)
    for n in range(TURNS):
        h = cell(xs[n], h, W, U, b)
        out[n] = h
    return out


def windows(xs, h, W, U, b):
    return torch.stack([(xs[n : n + 3] @ W).amax(0) for n in range(TURNS - 2)])


def overlapping(xs, h, W, U, b):
    for n in range(4, TURNS - 1):
        h = torch.tanh(h @ U + (xs[n - 2 : n + 1] @ W).amax(0) + xs[n + 1])
    return h


def strided_windows(xs, h, W, U, b):
    flat, found = xs.reshape(2, -1, 4), 0
    for n in range(13):
        found = found + torch.cosh(flat[:, 1 + 2 * n : 4 + 2 * n] @ W).sum() + (flat[:, 2 * n : 2 * n + 2] @ U).exp().mean()
    return found


def expanded(xs, h, W, U, b):
    for n in range(TURNS):
        h = (h + b.expand(3, 4)) @ U.T + xs[n, :, :1]
    return h


def losses(xs, h, W, U, b):
    total = torch.zeros(())
    for x in xs:
        h = cell(x, h, W, U, b)
        total = total + (h - x).pow(2).mean()
    return total / TURNS


def counted(xs, h, W, U, b):
    for n, x in enumerate(xs):
        h = torch.tanh(h @ W + x * (n / 7) + n)
    return h


def by_turns(xs, h, W, U, b):
    for n, x in enumerate(xs):
        h = torch.tanh(h @ (W, U)[n % 2] + x)
    return h


def begun_otherwise(xs, h, W, U, b):
    for n, x in enumerate(xs):
        h = torch.tanh(x @ (U if n < 6 else W) + h)
    return h


def shuffled_at_first(xs, h, W, U, b):
    for n in (3, 1, 2, 0, *range(4, TURNS)):
        h = cell(xs[n], h, W, U, b)
    return h


def nested(xs, h, W, U, b):
    hs = []
    for x in xs:
        for _ in range(12):
            h = cell(x, h, W, U, b)
        h = h / (1 + h.norm())
        hs.append(h)
    return torch.stack(hs)


def nested_slices(xs, h, W, U, b):
    ys, hs = xs.reshape(TURNS, 12, 1), []
    for n in range(TURNS):
        for k in range(12):
            h = torch.tanh(h @ W + ys[n][k] * (k / 12))
            hs.append(h)
        h = h + b * (n / 9)
    return h, torch.stack(hs, 1)


def nested_pairs(xs, h, W, U, b):
    ys, hs = xs.reshape(TURNS, 12, 1), []
    for n in range(TURNS):
        for k in range(12):
            h = torch.tanh(h @ W + ys[n, k])
        hs.append(h)
    return torch.stack(hs)


def nested_turned_pairs(xs, h, W, U, b):
    ys, total = xs.reshape(12, TURNS), 0
    for n in range(TURNS):
        for k in range(12):
            h = torch.tanh(h @ W * ys[k, n])
        total = total + (h + b * ys[2:5, n].unsqueeze(1)).mean()
    return total


def nested_windows(xs, h, W, U, b):
    ys = xs.reshape(TURNS, 12)
    for n in range(TURNS):
        for k in range(9):
            h = torch.tanh(h @ W + ys[n, k : k + 4] * ys[n, k : k + 3].unsqueeze(1))
        h = h - b
    return h


def nested_writes(xs, h, W, U, b):
    out, total = torch.zeros(9, 3, 4), 0
    for n in range(9):
        y = h
        for k in range(8):
            y = torch.tanh(y @ W + xs[n + k])
            total = total + y.mean()
        h = (h + y) @ U
        out[n] = h
    return out, total


FUNCTIONS = [
    stacked, by_index, backwards, two_layers, one_after_the_other, two_back, last_alone, some_turns, no_carry, columns, slices,
    transposed, newton, power, written, windows, expanded, losses, counted, by_turns, begun_otherwise, shuffled_at_first,
    nested, nested_slices, nested_writes, overlapping, strided_windows, nested_pairs, nested_turned_pairs, nested_windows,
]  # fmt: skip


def arguments(grad: bool, dtype: Any = torch.float64) -> tuple:
    """Return the same arguments at each call."""
    g = torch.Generator().manual_seed(0)
    made = [torch.randn(*shape, generator=g, dtype=dtype) * 0.4 for shape in ((TURNS, 3, 4), (3, 4), (4, 4), (4, 4), (4,))]
    return tuple(x.requires_grad_(grad) for x in made)


def results(f: Callable[..., Any], given: tuple) -> list[np.ndarray]:
    """Return what a function gives, and the gradients of all arguments if they require grad."""
    ys = f(*given)
    ys = list(ys) if isinstance(ys, (tuple, list)) else [ys]
    found = [y.detach().numpy().copy() for y in ys]
    if given[0].requires_grad:
        sum((y * torch.arange(1.0, y.numel() + 1, dtype=y.dtype).reshape(y.shape)).sum() for y in ys).backward()
        found += [np.zeros(x.shape) if x.grad is None else x.grad.numpy() for x in given]
    return found


def loops(compiled: Any) -> list[Rolled]:
    """Return the loops in the programs of a compiled function."""
    programs = [each for several in compiled.programs.values() for each in several]
    parts = [part for each in programs for part in ((each.ahead, each.back) if hasattr(each, "ahead") else (each,))]
    return [each.op for part in parts for each in part.trace.equations if isinstance(each.op, Rolled)]


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_loops_give_what_eager_code_gives(function, grad):
    wanted = results(function, arguments(grad))
    compiled = torch.compile(function)
    for _ in range(3):
        for a, b in zip(results(compiled, arguments(grad)), wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    assert compiled.eager is None
    assert loops(compiled)


@pytest.mark.parametrize(
    "function",
    [stacked, two_back, by_turns, begun_otherwise, *[pytest.param(f, marks=pytest.mark.slow) for f in (nested, nested_writes)]],
)
def test_loops_give_the_same_batched(function):
    """Compiled over `vmap`, over Python's loop over the slices, and eagerly slice by slice, with gradients."""

    def over_slices(xs, h, W, U, b):
        made = [function(x, h, W, U, b) for x in xs]
        return [torch.stack(ys) for ys in zip(*made)] if isinstance(made[0], tuple) else torch.stack(made)

    def batched(grad):
        xs, *others = arguments(grad)
        xs = torch.stack([xs.detach() * scale for scale in (1, 0.5, -0.7)])
        return xs.requires_grad_(grad), *others

    wanted = results(over_slices, batched(True))
    for form in (torch.vmap(function, (0, None, None, None, None)), over_slices):
        compiled = torch.compile(form)
        for _ in range(2):
            for a, b in zip(results(compiled, batched(True)), wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)
        assert compiled.eager is None
        assert loops(compiled)


CHECKED = [(f, False) for f in FUNCTIONS] + [(f, True) for f in (stacked, backwards, two_back, power, written, losses, nested)]


@pytest.mark.parametrize(("function", "grad"), CHECKED)
@pytest.mark.slow
def test_loops_in_the_checking_build(function, grad):
    wanted = results(function, arguments(grad))
    compiled = torch.compile(function)
    with checking():
        for _ in range(2):
            for a, b in zip(results(compiled, arguments(grad)), wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    assert loops(compiled)


LOOPED = [(f, each) for f in (nested, nested_pairs, nested_turned_pairs, nested_windows) for each in (False, True)]
LOOPED += [(nested_slices, False)]


@pytest.mark.parametrize(("function", "grad"), LOOPED)
def test_loops_of_loops_are_loops(function, grad):
    compiled = torch.compile(function)
    for _ in range(2):
        results(compiled, arguments(grad))
    outer = [loop for loop in loops(compiled) if any(isinstance(each.op, Rolled) for each in loop.turn.equations)]
    assert len(outer) == 1 + grad


def test_turns_with_steps_of_the_host_stay_apart():
    x = torch.randn(16, 3, 3, dtype=torch.float64)
    compiled = torch.compile(lambda x: torch.stack([torch.linalg.matrix_exp(each) for each in x]))
    for _ in range(3):
        torch.testing.assert_close(compiled(x), torch.linalg.matrix_exp(x))
    assert compiled.eager is None
    assert not loops(compiled)


@pytest.mark.parametrize("seed", range(16))
def test_turns_among_others_are_a_loop_if_eight_follow_one_another(seed):
    chance = random.Random(seed)
    turns: list[tuple[int, int]] = []
    while len(turns) < 40:
        which, place, step = chance.randrange(2), chance.randrange(TURNS), chance.choice((0, 1, 1, 1))
        turns += [(which, (place + n * step) % TURNS) for n in range(chance.randrange(1, 14))]

    def f(xs, h, W, U, b):
        for which, place in turns:
            h = torch.tanh(xs[place] @ W if which else xs[place] @ U) + h
        return h

    follows = [a[0] == b[0] and b[1] - a[1] == 1 for a, b in pairwise(turns)]
    compiled = torch.compile(f)
    for _ in range(2):
        for a, b in zip(results(compiled, arguments(True)), results(f, arguments(True)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    assert compiled.eager is None
    if any(all(follows[n : n + 7]) for n in range(len(follows) - 6)):
        assert loops(compiled)


def trained(turns: int) -> tuple[Callable[..., Any], torch.nn.Module]:
    """Return a step of training a recurrent cell, and the cell."""
    torch.manual_seed(0)
    ways = torch.nn.ModuleList([torch.nn.Linear(4, 4, dtype=torch.float64) for _ in range(2)])
    optimizer = torch.optim.SGD(ways.parameters(), lr=0.1)

    def step(xs, h):
        optimizer.zero_grad()
        for n in range(turns):
            h = torch.tanh(ways[0](xs[n]) + ways[1](h))
        loss = h.square().mean()
        loss.backward()
        optimizer.step()
        return loss

    return step, ways


def test_a_step_of_training_is_a_loop_ahead_and_one_back():
    found = []
    for wrap in (torch.compile, lambda f: f):
        step, ways = trained(TURNS)
        run = wrap(step)
        found.append([[run(*arguments(False)[:2]) for _ in range(4)], *ways.parameters(), *(p.grad for p in ways.parameters())])
        if wrap is torch.compile:
            assert run.eager is None
            assert [loop.turns for loop in loops(run)] == [TURNS, TURNS - 2]
    torch.testing.assert_close(*found, rtol=1e-10, atol=1e-12)


def biased(xs, h, W, U, b):
    for x in xs:
        h = torch.tanh(x @ W + torch.nn.functional.linear(h, U, b))
    return h


def turned(xs, h, W, U, b):
    for x in xs:
        h = torch.tanh(x @ W.mT + h @ U.mT + b)
    return h


@pytest.mark.parametrize("function", [biased, turned])
def test_gradients_that_turns_add_up_are_one_product_and_one_sum(function):
    compiled = torch.compile(function)
    for _ in range(2):
        for a, b in zip(results(compiled, arguments(True)), results(function, arguments(True)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    _, back = loops(compiled)
    assert [tuple(var.spec.shape) for var, _ in back.turn.carried] == [(3, 4)]
    with checking():
        results(torch.compile(function), arguments(True))


@pytest.mark.parametrize("turns", [50, 200])
def test_how_often_turns_are_looked_at_does_not_grow_with_them(turns, monkeypatch):
    """That turns repeat and do not read alike is seen at once, as of the way back before the way ahead is a loop."""
    looked = []
    kinds_of = matching.kinds_of
    monkeypatch.setattr(matching, "kinds_of", lambda *given: looked.append(given) or kinds_of(*given))
    compiled = torch.compile(trained(turns)[0])
    compiled(torch.ones(turns, 3, 4, dtype=torch.float64), torch.ones(3, 4, dtype=torch.float64))
    assert loops(compiled)
    assert len(looked) < 12


SLICED = [stacked, by_index, backwards, two_back, transposed, written, slices, windows, overlapping, strided_windows]


@pytest.mark.parametrize("function", SLICED)
def test_the_way_back_of_slices_is_a_loop_too(function):
    compiled = torch.compile(function)
    for _ in range(2):
        results(compiled, arguments(True))
    (program,) = compiled.programs.values()
    for part in (program[0].ahead, program[0].back):
        assert any(isinstance(each.op, Rolled) for each in part.trace.equations)
        assert len(part.trace.equations) < 4 * TURNS


def test_long_element_by_element_loops_read_memory_once_for_many_turns():
    def f(x, y):
        for _ in range(1000):
            x = x * 0.5 + y
        return x

    compiled = torch.compile(f)
    x, y = torch.rand(40, dtype=torch.float64), torch.rand(40, dtype=torch.float64)
    for _ in range(3):
        torch.testing.assert_close(compiled(x, y), f(x, y), rtol=1e-14, atol=0)
    (loop,) = loops(compiled)
    assert len(loop.turn.equations) == 128
    assert loop.turns == 1000 // 64


def test_sequences_of_any_length_and_batches_of_any_size_share_code():
    def f(xs, h, W):
        hs = []
        for x in xs:
            h = torch.tanh(x @ W + h)
            hs.append(h)
        return torch.stack(hs)

    compiled, W = torch.compile(f), torch.rand(8, 8)
    for turns, batch in [(n, b) for n in (9, 12, 20, 33, 57, 80) for b in (2, 3, 5, 8)] * 2:
        xs, h = torch.rand(turns, batch, 8), torch.rand(batch, 8)
        torch.testing.assert_close(compiled(xs, h, W), f(xs, h, W))
    assert compiled.compilations <= 8
    assert compiled.eager is None
