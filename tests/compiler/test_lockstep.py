"""A compiled function beside the same function run eagerly, call by call: results, what they share, and what is left."""

from __future__ import annotations

import copy
import itertools
import warnings
from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest

import lineal as torch
from lineal import nn, optim

CALLS = 7


def plain(given):
    """Return a nest with arrays, copied, in place of tensors."""
    if isinstance(given, torch.Tensor):
        return given.detach().numpy().copy()
    if isinstance(given, (list, tuple)):
        return [plain(each) for each in given]
    return given


def equal(a, b) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and np.allclose(a, b, 1e-4, 1e-6)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return a == b


def lockstep(build, calls: int = CALLS) -> list[str]:
    """Compare the calls of `build(compile)` and `build(identity)`; return the warnings of the former."""
    heard = []
    seen = []
    for wrap in (lambda f: f, torch.compile):
        torch.manual_seed(0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            run = build(wrap)
            seen.append([plain(run(k)) for k in range(calls)])
        heard = [str(each.message) for each in caught]
    for k, (eager, compiled) in enumerate(zip(*seen)):
        assert equal(eager, compiled), f"call {k}: {eager} and {compiled}"
    return heard


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x,
        lambda x: (x, x * 2),
        lambda x: x.view(-1),
        lambda x: x[1:].T,
        lambda x: x.detach(),
        lambda x: x.contiguous().float(),
        lambda x: x.mul_(2),
        lambda x: (x.mul_(2).view(-1), x[0]),
    ],
)
def test_results_that_are_arguments_stay_them(function):
    def build(wrap):
        f = wrap(function)

        def run(k):
            x = torch.full((3, 2), float(k))
            y = f(x)
            first = y[0] if isinstance(y, tuple) else y
            first.add_(1)
            x[0] = 9.0
            return y, x, first is x

        return run

    assert not lockstep(build)


@pytest.mark.parametrize(
    "function", [lambda y: (y, y), lambda y: (y, y[0], y.T), lambda y: (y[0:2], y[1:3]), lambda y: [y.detach(), (y, y)]]
)
def test_results_that_share_memory_share_it(function):
    def build(wrap):
        f = wrap(lambda x: function(x * 2))

        def run(k):
            made = f(torch.ones(3, 3) * k)
            made[0].add_(5)
            return made, made[0] is made[1]

        return run

    assert not lockstep(build)


def test_captured_tensors_and_grads_are_returned_themselves():
    def build(wrap):
        w = torch.ones(3, requires_grad=True)
        state = torch.zeros(3)

        def f(x):
            w.grad = None
            (x * w).sum().backward()
            state.add_(x)
            return w, w.grad, w.grad[1:], state, state[0], w.detach()

        f = wrap(f)

        def run(k):
            found = f(torch.ones(3) * k)
            found[1].mul_(2)
            found[3].add_(1)
            return found, w.grad, state, found[0] is w, found[1] is w.grad, found[3] is state

        return run

    assert not lockstep(build)


def test_views_that_are_returned_lead_back():
    def build(wrap):
        w = torch.ones(3, requires_grad=True)

        def f(x):
            with torch.no_grad():
                silent = w[0]
            y = x * w
            return x.view(-1), w[1:], y, y[0], silent

        f = wrap(f)

        def run(k):
            w.grad = None
            x = (torch.ones(2, 3) * k).requires_grad_()
            a, b, y, z, silent = f(x)
            (a.sum() + 2 * b.sum() + y.sum() + (z**2).sum()).backward()
            return x.grad, w.grad, silent.requires_grad

        return run

    assert not lockstep(build)


def test_arguments_differ_by_form_sign_and_order():
    x, y = torch.arange(3.0), torch.ones(3)
    calls = [
        lambda f: f((x, y), (x,)),
        lambda f: f((x,), (y, x)),
        lambda f: f([x], (y, x)),
        lambda f: f({"a": x, "b": y}, 0.0),
        lambda f: f({"b": x, "a": y}, 0.0),
        lambda f: f({"b": x, "a": y}, -0.0),
        lambda f: f((x,), ([],)),
        lambda f: f((x,), ((),)),
        lambda f: f((x,), np.ones(2)),
        lambda f: f((x,), np.zeros(2)),
    ]

    def function(a, b):
        made = a["a"] * 2 - a["b"] if isinstance(a, dict) else a[0] * (2 if isinstance(a, list) else 3)
        if isinstance(b, float):
            return made * np.copysign(1.0, b).item()
        if isinstance(b, np.ndarray):
            return made + float(b.sum())
        return made + (b[-1] if isinstance(b[-1], torch.Tensor) else 5 if isinstance(b[-1], list) else 7)

    def build(wrap):
        f = wrap(function)
        return lambda k: calls[k % len(calls)](f)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lockstep(build, 3 * len(calls))


def test_an_object_that_died_gives_its_place_to_no_other():
    f = torch.compile(lambda x, options: x * sum(options.numbers))

    class Options:
        __hash__ = None

        def __init__(self, number):
            self.numbers = [number]

    for number in (1.0, 2.0, 3.0):
        assert f(torch.ones(1), Options(number)).item() == number


def scaled(x, options):
    return x * options.scale


@pytest.mark.parametrize(
    "held, change, read",
    [
        ({1.0}, lambda s, k: s.add(float(k)), sum),
        (deque([1.0], maxlen=2), lambda s, k: s.append(float(k // 2)), sum),
        ([[1.0, 2.0], [3.0]], lambda s, k: s[0].__setitem__(1, float(k // 2)), lambda s: sum(map(sum, s))),
        ({"a": {"b": 1.0}}, lambda s, k: s["a"].__setitem__("b", float(k // 2)), lambda s: s["a"]["b"]),
        (np.ones(2), lambda s, k: s.__setitem__(0, k // 2), lambda s: float(s.sum())),
        (SimpleNamespace(a=1.0), lambda s, k: setattr(s, "a", k // 2), lambda s: sum(getattr(s, name) for name in ("a",))),
    ],
)  # fmt: skip
def test_what_containers_hold_is_compared(held, change, read):
    def build(wrap):
        mine = copy.deepcopy(held)
        f = wrap(lambda x: x * read(mine))

        def run(k):
            change(mine, k)
            return f(torch.ones(2))

        return run

    lockstep(build)


def test_an_object_handed_on_is_compared():
    def build(wrap):
        options = SimpleNamespace(scale=1.0, unread=0)
        f = wrap(lambda x: scaled(x, options))

        def run(k):
            options.scale, options.unread = float(k // 3), k
            return f(torch.ones(2))

        return run

    assert not lockstep(build)


def test_iterators_from_outside_are_eager():
    def build(wrap):
        count = itertools.count()
        f = wrap(lambda x: x * next(count))
        return lambda k: f(torch.ones(2))

    assert "goes on at each call" in lockstep(build)[0]


def test_a_generator_is_eager():
    def numbers(x):
        yield x
        yield x * 2

    def build(wrap):
        f = wrap(numbers)
        return lambda k: list(f(torch.ones(2) * k))

    assert "iterator" in lockstep(build)[0]


def test_default_dtype_decides():
    def build(wrap):
        f = wrap(lambda x: torch.zeros(2).sum() + x.double())

        def run(k):
            torch.set_default_dtype(torch.float64 if k > 3 else torch.float32)
            try:
                return f(torch.ones(2)), torch.compile(lambda: torch.zeros(2))()
            finally:
                torch.set_default_dtype(torch.float32)

        return run

    lockstep(build)


def test_history_turned_on_inside():
    f = torch.compile(torch.enable_grad()(lambda w: w * 3))
    w = torch.ones(2, requires_grad=True)
    for _ in range(4):
        with torch.no_grad():
            assert f(w).requires_grad


def test_writing_into_a_history_is_eager():
    def build(wrap):
        def triple(x):
            x.mul_(3)

        f = wrap(triple)

        def run(k):
            w = torch.ones(2, requires_grad=True)
            x = w * 2
            f(x)
            x.sum().backward()
            return w.grad

        return run

    assert "has a history" in lockstep(build)[0]


def test_an_input_changed_before_the_way_back_is_an_error():
    f = torch.compile(lambda x: x * x)
    for k in range(4):
        x = torch.ones(2, requires_grad=True) * 2
        y = f(x)
        if k > 1:
            x.mul_(5)
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                y.sum().backward()
        else:
            y.sum().backward()


def test_state_written_on_the_way_is_differentiated_as_it_was():
    def build(wrap):
        w, state = torch.ones(2, requires_grad=True), torch.ones(2)

        def f(x):
            y = (state.clone() * w * w * x).sum()
            state.add_(1)
            return y

        f = wrap(f)

        def run(k):
            w.grad = None
            y = f(torch.ones(2))
            (g,) = torch.autograd.grad(y, w, create_graph=True)
            g.sum().backward()
            return y, g, w.grad

        return run

    assert not lockstep(build)


def test_hooks_that_come_and_go():
    def build(wrap):
        w, seen, hooks = torch.ones(2, requires_grad=True), [], []

        def f(x):
            w.grad = None
            (x * w).sum().backward()

        f = wrap(f)

        def run(k):
            if k == 2:
                hooks.append(w.register_hook(lambda g: g * 2))
            if k == 4:
                hooks.pop().remove()
            if k == 5:
                w.register_hook(lambda g: seen.append(1))
            f(torch.ones(2))
            return w.grad, len(seen)

        return run

    lockstep(build)


def test_optimizers_whose_state_is_touched():
    def build(wrap):
        net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        optimizer = optim.Adam(net.parameters(), lr=0.1)

        def step(x):
            optimizer.zero_grad()
            loss = (net(x) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss.detach()

        step = wrap(step)

        def run(k):
            if k == 3:
                optimizer.state.clear()
            if k == 5:
                optimizer.param_groups[0]["lr"] = 1
            if k == 6:
                optimizer.param_groups[0]["lr"] = 2
            if k == 8:
                optimizer.param_groups[0]["params"].pop()
            return step(torch.ones(3, 2)), list(net.parameters())

        return run

    assert not lockstep(build, 11)


def test_lists_of_modules_that_grow():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 2)])

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    def build(wrap):
        net = Net()
        f = wrap(net)

        def run(k):
            if k == 3:
                net.layers.append(nn.Linear(2, 2))
            return f(torch.ones(1, 2))

        return run

    assert not lockstep(build)


def test_an_argument_that_is_captured_too():
    def build(wrap):
        w = torch.arange(4.0)
        f = wrap(lambda x: x + w.sum())
        return lambda k: f(w) if k < 3 else f(torch.ones(4))

    assert not lockstep(build)


def test_a_compiled_module_is_still_one():
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    f = torch.compile(net)
    f.eval()
    assert (
        not net.training
        and not f.training
        and len(list(f.parameters())) == 2
        and f.state_dict().keys() == net.state_dict().keys()
    )
    f(torch.ones(1, 2))
    other = copy.deepcopy(f)
    with torch.no_grad():
        net[0].weight.add_(1.0)
    assert not torch.equal(other(torch.ones(1, 2)), f(torch.ones(1, 2)))


def test_anomaly_mode_names_the_op():
    f = torch.compile(lambda x: (x / 0 * 0).sum())
    for k in range(4):
        x = torch.zeros(2, requires_grad=True)
        with torch.autograd.set_detect_anomaly(k > 1):
            y = f(x)
            if k > 1:
                with pytest.raises(RuntimeError, match="DivBackward"):
                    y.backward()
            else:
                y.backward()


def test_an_argument_that_looks_into_what_is_written():
    def build(wrap):
        state = torch.arange(6.0)

        def f(x):
            state.copy_(state.flip(0))
            return x + 1

        f = wrap(f)
        return lambda k: (f(state[1:4] if k > 2 else torch.ones(3)), state)

    assert not lockstep(build)
