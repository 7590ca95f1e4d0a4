"""Modules as functions of their parameters."""

import pytest

import lineal as torch
from lineal import nn
from lineal.func import functional_call, grad, stack_module_state, vmap


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def test_call_with_other_parameters_leaves_the_module_alone():
    model = network()
    before = {name: each.clone() for name, each in model.named_parameters()}
    zeros = {name: torch.zeros_like(each) for name, each in model.named_parameters()}
    assert functional_call(model, zeros, torch.ones(3)).tolist() == [0.0, 0.0]
    torch.testing.assert_close({name: each.detach() for name, each in model.named_parameters()}, before)
    assert functional_call(model, {"nothing": torch.ones(1)}, torch.ones(3)).shape == (2,)
    assert not hasattr(model, "nothing")
    with pytest.raises(AttributeError, match="submodule '7'"):
        functional_call(model, {"7.weight": torch.ones(1)}, torch.ones(3))
    with pytest.raises(RuntimeError, match="unexpected"):
        functional_call(model, {**zeros, "nothing": torch.ones(1)}, torch.ones(3), strict=True)
    with pytest.raises(RuntimeError, match="Missing"):
        functional_call(model, {"0.bias": torch.ones(4)}, torch.ones(3), strict=True)


def test_per_sample_gradients_of_a_network():
    model = network()
    params = {name: each.detach() for name, each in model.named_parameters()}
    x, y = torch.randn(6, 3), torch.tensor([0, 1, 0, 1, 1, 0])

    def loss(params, x, y):
        scores = functional_call(model, params, (x.unsqueeze(0),))
        return nn.functional.cross_entropy(scores, y.unsqueeze(0))

    found = vmap(grad(loss), in_dims=(None, 0, 0))(params, x, y)
    for place in range(6):
        model.zero_grad()
        nn.functional.cross_entropy(model(x[place : place + 1]), y[place : place + 1]).backward()
        for name, each in model.named_parameters():
            torch.testing.assert_close(found[name][place], each.grad)


def test_ensemble():
    models = [network() for _ in range(3)]
    parameters, buffers = stack_module_state(models)
    x = torch.randn(5, 3)
    found = vmap(lambda p, b: functional_call(models[0], (p, b), x))(parameters, buffers)
    torch.testing.assert_close(found, torch.stack([model(x) for model in models]))
