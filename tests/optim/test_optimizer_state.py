"""An optimizer's state: its layout, its way into another optimizer, what is refused."""

import copy

import pytest

import lineal
from lineal import nn, optim


def make(kind=optim.Adam, **options):
    lineal.manual_seed(1)
    model = nn.Linear(3, 2)
    return model, kind(model.parameters(), lr=0.1, **options)


def train(model, optimizer, steps):
    for step in range(steps):
        optimizer.zero_grad()
        (model(lineal.full((4, 3), 1.0 + step)) ** 2).mean().backward()
        optimizer.step()


def test_layout():
    model, optimizer = make()
    assert optimizer.state_dict()["state"] == {}
    train(model, optimizer, 2)
    state = optimizer.state_dict()
    assert sorted(state["state"]) == [0, 1]
    assert sorted(state["state"][0]) == ["exp_avg", "exp_avg_sq", "step"]
    assert state["state"][0]["step"].item() == 2.0
    assert state["state"][0]["step"].dtype == lineal.float32
    assert state["param_groups"][0]["params"] == [0, 1]
    assert state["param_groups"][0]["betas"] == (0.9, 0.999)
    assert "momentum_buffer" not in make(optim.SGD)[1].state_dict()["state"]


@pytest.mark.parametrize(
    ("kind", "options"), [(optim.SGD, {"momentum": 0.9}), (optim.Adam, {"amsgrad": True}), (optim.AdamW, {})]
)
def test_training_goes_on_as_if_never_stopped(kind, options):
    straight, optimizer = make(kind, **options)
    train(straight, optimizer, 3)
    saved = copy.deepcopy((straight.state_dict(), optimizer.state_dict()))
    train(straight, optimizer, 3)
    resumed, fresh = make(kind, **options)
    resumed.load_state_dict(saved[0])
    fresh.load_state_dict(saved[1])
    train(resumed, fresh, 3)
    for a, b in zip(straight.parameters(), resumed.parameters()):
        assert lineal.equal(a, b)


def test_loading_takes_options_and_copies_tensors():
    model, optimizer = make()
    train(model, optimizer, 1)
    other_model, other = make()
    other.param_groups[0]["lr"] = 7.0
    state = optimizer.state_dict()
    other.load_state_dict(state)
    assert other.param_groups[0]["lr"] == 0.1
    assert other.param_groups[0]["params"][0] is other_model.weight
    mine = other.state[other_model.weight]["exp_avg"]
    assert lineal.equal(mine, state["state"][0]["exp_avg"])
    mine.add_(1)
    assert not lineal.equal(mine, state["state"][0]["exp_avg"])


def test_loaded_state_takes_the_dtype_of_the_parameters():
    model, optimizer = make()
    train(model, optimizer, 1)
    other_model = nn.Linear(3, 2).double()
    other = optim.Adam(other_model.parameters())
    other.load_state_dict(optimizer.state_dict())
    state = other.state[other_model.weight]
    assert state["exp_avg"].dtype == lineal.float64
    assert state["step"].dtype == lineal.float32


@pytest.mark.parametrize(
    ("groups", "message"), [([], "different number of parameter groups"), ([{"params": [0]}], "doesn't match the size")]
)
def test_refused_states(groups, message):
    model, optimizer = make()
    train(model, optimizer, 1)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict({"state": {}, "param_groups": groups})
    assert model.weight in optimizer.state


def test_representation():
    assert repr(make(optim.SGD)[1]) == (
        "SGD (\n"
        "Parameter Group 0\n"
        "    dampening: 0\n"
        "    differentiable: False\n"
        "    foreach: None\n"
        "    fused: None\n"
        "    lr: 0.1\n"
        "    maximize: False\n"
        "    momentum: 0\n"
        "    nesterov: False\n"
        "    weight_decay: 0\n"
        ")"
    )


def test_an_optimizer_of_ones_own():
    class Sign(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def _update_(self, parameter, grad, group):
            parameter.sub_(grad.sign() * group["lr"])

    p = nn.Parameter(lineal.tensor([1.0, 1.0]))
    p.grad = lineal.tensor([5.0, -0.1])
    Sign([p], 0.5).step()
    assert p.tolist() == [0.5, 1.5]


def test_names_of_a_subclass_do_not_meet_those_of_its_base():
    class Named(optim.Adam):
        counts = rule = heard = None

        def update(self, group):
            raise AssertionError("nobody calls it")

        begin = step_of = state_of = sparse_update = update

    own, other = (nn.Parameter(lineal.tensor([1.0, 2.0])) for _ in range(2))
    for parameter, kind in ((own, Named), (other, optim.Adam)):
        optimizer = kind([parameter], lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            parameter.square().sum().backward()
            optimizer.step()
    assert lineal.equal(own, other)
