"""state_dict and load_state_dict."""

from collections import OrderedDict

import pytest

import lineal
from lineal import nn


def make():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    model.register_buffer("mean", lineal.zeros(1))
    model.register_buffer("scratch", lineal.zeros(1), persistent=False)
    return model


def test_the_state_has_parameters_and_lasting_buffers():
    model = make()
    state = model.state_dict()
    assert isinstance(state, OrderedDict)
    assert list(state) == ["mean", "0.weight", "0.bias", "1.weight", "1.bias"]
    assert not any(tensor.requires_grad for tensor in state.values())
    assert model.state_dict(keep_vars=True)["0.weight"] is model[0].weight
    assert list(model[0].state_dict(prefix="x.")) == ["x.weight", "x.bias"]
    assert state._metadata["0"] == {"version": 1}


def test_the_state_shares_memory_with_the_module():
    model = make()
    state = model.state_dict()
    state["mean"].add_(5)
    assert model.mean.item() == 5.0


def test_loading_copies_the_numbers():
    source, target = make(), make()
    weight = target[0].weight
    keys = target.load_state_dict(source.state_dict())
    assert repr(keys) == "<All keys matched successfully>"
    assert target[0].weight is weight
    assert all(lineal.equal(a, b) for a, b in zip(source.parameters(), target.parameters()))
    with lineal.no_grad():
        source[0].weight.add_(1)
    assert not lineal.equal(source[0].weight, target[0].weight)


def test_loading_casts_to_the_dtype_of_the_module():
    source, target = make().double(), make()
    target.load_state_dict(source.state_dict())
    assert target[0].weight.dtype == lineal.float32


def test_assigned_tensors_are_taken_as_they_are():
    source, target = make().double(), make()
    target.load_state_dict(source.state_dict(), assign=True)
    assert target[0].weight.dtype == lineal.float64
    assert isinstance(target[0].weight, nn.Parameter)
    assert target[0].weight.requires_grad


def test_everything_that_does_not_fit_is_reported_at_once():
    model = make()
    before = [parameter.clone() for parameter in model.parameters()]
    state = model.state_dict()
    del state["1.bias"]
    state["1.other"] = lineal.zeros(1)
    state["0.weight"] = lineal.zeros(4, 4)
    state["top"] = lineal.zeros(1)
    with pytest.raises(RuntimeError) as caught:
        model.load_state_dict(state)
    message = str(caught.value)
    assert message.startswith("Error(s) in loading state_dict for Sequential:\n\t")
    assert 'Missing key(s) in state_dict: "1.bias". ' in message
    assert 'Unexpected key(s) in state_dict: "top", "1.other". ' in message
    assert "size mismatch for 0.weight" in message
    assert "torch.Size([4, 4])" in message
    assert lineal.equal(before[0], model[0].weight)


def test_without_strict_keys_are_returned_but_shapes_still_matter():
    model = make()
    keys = model.load_state_dict({"mean": lineal.ones(1), "more": lineal.ones(1)}, strict=False)
    assert keys.unexpected_keys == ["more"]
    assert keys.missing_keys == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert model.mean.item() == 1.0
    with pytest.raises(RuntimeError, match="size mismatch"):
        model.load_state_dict({"mean": lineal.ones(2)}, strict=False)


def test_refused_states():
    with pytest.raises(TypeError, match="dict-like"):
        make().load_state_dict([1])
    with pytest.raises(RuntimeError, match="expected a Tensor"):
        make().load_state_dict({"mean": 3}, strict=False)


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def get_extra_state(self):
        return {"calls": self.calls}

    def set_extra_state(self, state):
        self.calls = state["calls"]


def test_extra_state_travels_with_the_tensors():
    source, target = nn.Sequential(Counting()), nn.Sequential(Counting())
    source[0].calls = 7
    state = source.state_dict()
    assert state["0._extra_state"] == {"calls": 7}
    target.load_state_dict(state)
    assert target[0].calls == 7
    with pytest.raises(RuntimeError, match=r"Missing key\(s\).*_extra_state"):
        target.load_state_dict({})
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\).*_extra_state"):
        nn.Sequential(nn.ReLU()).load_state_dict(state)


def test_hooks_around_the_state():
    model = make()
    events = []
    model.register_state_dict_pre_hook(lambda m, prefix, keep: events.append("pre"))
    model.register_state_dict_post_hook(lambda m, state, prefix, meta: state.__delitem__("mean"))
    model.register_load_state_dict_pre_hook(lambda m, state, *rest: state.update(mean=lineal.ones(1)))
    model.register_load_state_dict_post_hook(lambda m, keys: events.append(list(keys.missing_keys)))
    state = model.state_dict()
    assert "mean" not in state
    model.load_state_dict(state)
    assert model.mean.item() == 1.0
    assert events == ["pre", []]
