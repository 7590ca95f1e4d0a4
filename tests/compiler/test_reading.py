"""What a compiled function reads of Python's state may change between calls: numbers, flags, tensors, modules, functions."""

import copy
import functools
import random
import warnings

import numpy as np
import pytest

import lineal
from lineal import nn

X = lineal.arange(6.0).reshape(2, 3)
SCALE = 1.0
CONFIG = {"scale": 1.0, "layers": [{"power": 1}]}


def follows(function, changes):
    """Hold that `function` does what it says after each of some changes, several times, and is compiled."""
    compiled = lineal.compile(function)
    compiled.compilations = -len(changes)
    for change in changes:
        change()
        for _ in range(3):
            assert lineal.allclose(compiled(X), function(X))
    assert compiled.eager is None


def setter(things, key, values):
    return [lambda value=value: things.__setitem__(key, value) for value in values]


def test_globals():
    follows(lambda x: x * SCALE, setter(globals(), "SCALE", (1.0, 2.0, 2.0, 3, 1.0)))
    globals()["SCALE"] = 1.0


def test_entries_of_dicts_and_lists():
    follows(lambda x: x * CONFIG["scale"], setter(CONFIG, "scale", (1.0, 2.0, 5.0)))
    follows(lambda x: x ** CONFIG["layers"][0]["power"], setter(CONFIG["layers"][0], "power", (1, 2, 3)))


def test_variables_of_an_enclosing_function():
    scale, weight = 1.0, lineal.ones(3)

    def function(x):
        return x * weight * scale

    def change(number, tensor):
        nonlocal scale, weight
        scale, weight = number, tensor

    changes = [(1.0, weight), (2.0, weight), (2.0, lineal.zeros(3)), (1.0, lineal.arange(3.0))]
    follows(function, [functools.partial(change, *each) for each in changes])


def test_functions_that_are_called_are_looked_through():
    inner = {"scale": 1.0}

    def helper(x):
        return x * inner["scale"]

    follows(lambda x: helper(x) + 1, setter(inner, "scale", (1.0, 4.0)))


def test_a_function_held_in_a_variable():
    act = lineal.relu

    def change(other):
        nonlocal act
        act = other

    follows(lambda x: act(x - 2), [functools.partial(change, each) for each in (lineal.relu, lineal.tanh, lambda x: x * 2)])


class Model:
    def __init__(self):
        self.scale = 1.0
        self.weight = lineal.ones(3)

    def shifted(self, x):
        return x + self.weight

    def __call__(self, x):
        return self.shifted(x) * self.scale


def test_attributes_of_objects_and_their_methods():
    model = Model()
    changes = [lambda: None, lambda: setattr(model, "scale", 2.0), lambda: setattr(model, "weight", lineal.zeros(3))]
    follows(model, changes)
    follows(model.shifted, [lambda k=k: setattr(model, "weight", lineal.ones(3) * k) for k in range(3)])
    follows(lambda x: model(x) * 2, changes)
    step = lineal.compile(lambda x, which: which.shifted(x))
    for k in range(4):
        model.weight = lineal.full((3,), float(k // 2))
        assert step(X, model).tolist() == model.shifted(X).tolist()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.drop = nn.Dropout(0.0)
        self.scale, self.tanh, self.unrelated = 1.0, False, 0
        self.options = {"power": 1}

    def forward(self, x):
        y = self.drop(self.linear(x)) * self.scale
        return (y.tanh() if self.tanh else y) ** self.options["power"]


@pytest.mark.filterwarnings("ignore:compile. .* is compiled for the")
def test_attributes_of_modules():
    net = nn.Sequential(Net(), nn.Identity()).requires_grad_(False)
    changes = [
        lambda: None,
        lambda: setattr(net[0], "scale", 3.0),
        lambda: setattr(net[0], "tanh", True),
        lambda: net[0].options.update(power=2),
        lambda: setattr(net[0].drop, "p", 1.0),
        lambda: net.eval(),
        lambda: net.register_forward_hook(lambda module, given, y: y + 1),
        lambda: net._forward_hooks.clear() or setattr(net[0], "scale", 1.0),
        lambda: setattr(net[0], "linear", nn.Linear(3, 3).requires_grad_(False)),
    ]
    follows(lambda x: net(x), changes)


def test_what_no_method_names_does_not_matter():
    net = Net().requires_grad_(False)
    compiled = lineal.compile(lambda x: net(x))
    for k in range(12):
        net.unrelated = net.epoch = k
        assert lineal.allclose(compiled(X), net(X))
    assert compiled.compilations == 1


def test_parameters_that_are_frozen():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))

    @lineal.compile
    def step(x):
        net.zero_grad()
        loss = net(x).sum()
        loss.backward()
        return loss

    for k in range(9):
        net[0].requires_grad_(k % 3 != 1)
        step(X)
        grads = [p.grad for p in net.parameters()]
        net.zero_grad()
        net(X).sum().backward()
        for found, p in zip(grads, net.parameters()):
            assert (found is None) == (p.grad is None)
            assert found is None or lineal.allclose(found, p.grad)


@pytest.mark.parametrize("kind", ["attribute", "entry", "global", "tensor"])
def test_a_function_that_changes_what_it_reads_runs_eagerly_with_one_warning(kind):
    model, state = Model(), {"count": 0, "h": lineal.zeros(3)}

    def counted(x):
        if kind == "attribute":
            model.scale += 1
            return x * model.scale
        if kind == "entry":
            state["count"] += 1
            return x * state["count"]
        if kind == "global":
            globals()["SCALE"] = SCALE + 1
            return x * SCALE
        state["h"] = state["h"] + x[0]
        return state["h"]

    model.scale = 0.0
    globals()["SCALE"] = 0.0
    compiled = lineal.compile(counted)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(1, 8):
            expected = X[0] * k if kind == "tensor" else X * k
            assert compiled(X).tolist() == expected.tolist()
    globals()["SCALE"] = 1.0
    assert len(caught) == 1
    assert "every call" in str(caught[0].message)


def test_what_is_set_once_does_not_keep_a_function_from_being_compiled():
    cache = Model()
    cache.mask = None

    @lineal.compile
    def masked(x):
        if cache.mask is None:
            cache.mask = lineal.ones(3)
        return x * cache.mask

    for _ in range(5):
        assert masked(X).tolist() == X.tolist()
    assert masked.compilations == 1


def test_what_is_in_lists_and_dicts():
    factors, table = [1.0, 2.0], {"a": 1.0, "b": lineal.ones(3)}
    changes = [*setter(factors, 0, (1.0, 5.0)), lambda: factors.append(2.0), *setter(table, "b", (lineal.zeros(3), 2.0))]
    follows(lambda x: x * sum(factors) + sum(table.values()), [*changes, lambda: table.pop("a")])


def test_a_list_that_grows_at_each_call():
    seen = []

    @lineal.compile
    def logged(x):
        seen.append(x.shape)
        return x * 2

    with pytest.warns(UserWarning, match="every call changes what is in seen"):
        for _ in range(6):
            logged(X)
    assert len(seen) == 6


def test_what_a_trace_cannot_follow_runs_eagerly():
    numbers = np.random.default_rng(0)
    noisy = lineal.compile(lambda x: x + lineal.from_numpy(numbers.normal(size=3)))
    with pytest.warns(UserWarning, match="array of NumPy's"):
        assert not lineal.equal(noisy(X), noisy(X))

    for draw in (random.random, numbers.normal, lambda: np.random.rand()):
        drawn = lineal.compile(lambda x, draw=draw: x * draw())
        with pytest.warns(UserWarning, match="draws numbers"):
            assert not lineal.equal(drawn(X), drawn(X))

    weight = lineal.ones(3, requires_grad=True)

    @lineal.compile
    def hooked(x):
        y = x * weight
        y.register_hook(lambda g: g * 3)
        return y.sum()

    with pytest.warns(UserWarning, match="the backward pass runs a hook"):
        for _ in range(3):
            weight.grad = None
            hooked(X).backward()
            assert weight.grad.tolist() == (3 * X.sum(0)).tolist()

    rate = lineal.optim.SGD([weight], lr=1.0)
    decay = lineal.optim.lr_scheduler.StepLR(rate, 1)

    @lineal.compile
    def scheduled(x):
        rate.zero_grad()
        (x * weight).sum().backward()
        rate.step()
        decay.step()
        return weight.sum()

    with pytest.warns(UserWarning, match="every call changes 'lr'"):
        for k in range(5):
            before = weight.detach().clone()
            scheduled(X)
            assert lineal.allclose(before - weight, X.sum(0) * 0.1**k, atol=1e-5)


def test_a_tensor_made_of_a_tensor_follows_it():
    follows_it = lineal.compile(lambda x: (lineal.tensor(x) * 2, copy.deepcopy(x) + 1))
    for k in range(4):
        a, b = follows_it(X * k)
        assert a.tolist() == (X * k * 2).tolist()
        assert b.tolist() == (X * k + 1).tolist()
