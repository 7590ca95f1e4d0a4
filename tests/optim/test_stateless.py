"""Steps on parameters and a state from outside."""

import pytest

import lineal
from lineal import nn, optim
from lineal.optim import swap_in_optimizer_params_and_state as swapped


def make():
    model = nn.Linear(2, 1)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    for each in model.parameters():
        each.grad = lineal.ones_like(each)
    optimizer.step()
    return model, optimizer


def test_a_step_changes_what_was_swapped_in_alone():
    (model, optimizer), (other, twin) = make(), make()
    before = [each.detach().clone() for each in model.parameters()]
    state = twin.state_dict()
    state["param_groups"][0]["lr"] = 0.5
    start = other.bias.detach().clone()
    with swapped(optimizer, dict(other.named_parameters()), state):
        optimizer.step()
        assert optimizer.param_groups[0]["params"][0] is other.weight
    assert (start - other.bias).item() == pytest.approx(0.5, rel=1e-5)
    assert twin.state[other.bias]["step"].item() == 2 and optimizer.state[model.bias]["step"].item() == 1
    assert optimizer.param_groups[0]["lr"] == 0.1 and optimizer.param_groups[0]["params"][1] is model.bias
    assert all(lineal.equal(a, b) for a, b in zip(before, model.parameters()))


BAD = [
    lambda state: None,
    lambda state: {**state, "state": {9: {}}},
    lambda state: {**state, "state": {0: 1}},
    lambda state: {**state, "param_groups": []},
    lambda state: {**state, "param_groups": [{**state["param_groups"][0], "params": [0]}]},
    lambda state: {**state, "param_groups": [{**state["param_groups"][0], "more": 1}]},
]


@pytest.mark.parametrize("spoilt", BAD)
def test_refused_states(spoilt):
    model, optimizer = make()
    parameters, state = dict(model.named_parameters()), spoilt(optimizer.state_dict())
    with pytest.raises(RuntimeError, match="swap_in"), swapped(optimizer, parameters, state):
        pass
    assert optimizer.param_groups[0]["params"][0] is model.weight


def test_refused_parameters():
    model, optimizer = make()
    with pytest.raises(RuntimeError, match="at least 2 parameters"), swapped(optimizer, {}, optimizer.state_dict()):
        pass
    with pytest.raises(RuntimeError, match="no state"), swapped(optim.SGD(model.parameters()), {}, {}):
        pass
