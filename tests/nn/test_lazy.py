"""Layers that learn their sizes from their first input."""

import copy

import pytest

import lineal
from lineal import nn

LAYERS = {
    "Linear": (lambda: nn.LazyLinear(4), (2, 3)),
    "Conv1d": (lambda: nn.LazyConv1d(6, 2, groups=3), (2, 3, 5)),
    "ConvTranspose2d": (lambda: nn.LazyConvTranspose2d(6, 2, groups=3, bias=False), (2, 3, 4, 5)),
    "BatchNorm1d": (nn.LazyBatchNorm1d, (2, 3)),
    "BatchNorm2d": (lambda: nn.LazyBatchNorm2d(affine=False), (2, 3, 2, 2)),
    "InstanceNorm1d": (nn.LazyInstanceNorm1d, (3, 5)),
    "InstanceNorm2d": (nn.LazyInstanceNorm2d, (2, 3, 5, 2)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_lazy_layer_becomes_its_plain_one_with_the_first_input_or_state(name):
    make, shape = LAYERS[name]
    layer, other = make(), copy.deepcopy(make())
    x = lineal.rand(*shape)
    assert layer.has_uninitialized_params() and layer(x).shape[0] == shape[0]
    assert type(layer) is getattr(nn, name) and all(type(each) is nn.Parameter for each in layer.parameters())
    other.load_state_dict(layer.state_dict())
    assert lineal.equal(other.eval()(x), layer.eval()(x))
    assert type(other) is getattr(nn, name)
    assert [tuple(each.shape) for each in other.buffers()] == [tuple(each.shape) for each in layer.buffers()]


def test_the_state_of_a_lazy_layer_is_saved_as_it_waits():
    layer = nn.LazyLinear(2)
    assert isinstance(layer.state_dict()["weight"], nn.UninitializedParameter)
    assert repr(layer) == "LazyLinear(in_features=0, out_features=2, bias=True)"
    nn.LazyLinear(2).load_state_dict(layer.state_dict())


def test_lazy_convolutions_refuse_what_they_cannot_take():
    with pytest.raises(RuntimeError, match=r"LazyConv2d: Expected 3D .* or 4D .*\[2, 3\]"):
        nn.LazyConv2d(4, 2)(lineal.ones(2, 3))
    with pytest.raises(ValueError, match="in_channels must be divisible by groups, got 3 and 2"):
        nn.LazyConv1d(4, 2, groups=2)(lineal.ones(2, 3, 5))
