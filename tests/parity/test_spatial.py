"""Pooling, padding and resizing as layers: the same words, parameters and numbers as PyTorch's."""

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

LAYERS = {
    "MaxPool2d": [(3,), {"stride": 2, "padding": 1, "ceil_mode": True}],
    "AvgPool2d": [(3,), {"stride": 2, "padding": 1, "count_include_pad": False}],
    "LPPool2d": [(2, 2), {}],
    "AdaptiveAvgPool2d": [((None, 2),), {}],
    "AdaptiveMaxPool2d": [(3,), {}],
    "ConstantPad2d": [((1, 2, 0, 1), 0.5), {}],
    "ZeroPad2d": [(1,), {}],
    "ReflectionPad2d": [(2,), {}],
    "ReplicationPad2d": [((1, 0, 2, 1),), {}],
    "CircularPad2d": [(1,), {}],
    "PixelShuffle": [(2,), {}],
    "PixelUnshuffle": [(2,), {}],
    "ChannelShuffle": [(2,), {}],
    "Upsample": [(), {"scale_factor": 1.5, "mode": "bicubic"}],
    "UpsamplingNearest2d": [(), {"size": (5, 9)}],
    "UpsamplingBilinear2d": [(), {"scale_factor": 2}],
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_agree(name):
    args, options = LAYERS[name]
    layers = [getattr(library.nn, name)(*args, **options) for library in (lineal, torch)]
    assert repr(layers[0]) == repr(layers[1])
    assert list(layers[0].state_dict()) == list(layers[1].state_dict())
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 8))
    leaves = [library.tensor(x, requires_grad=True) for library in (lineal, torch)]
    ys = [layer(leaf) for layer, leaf in zip(layers, leaves)]
    # PyTorch wraps around by writes into slices
    assert name == "CircularPad2d" or type(ys[0].grad_fn).__name__ == type(ys[1].grad_fn).__name__
    for y in ys:
        (y * y).sum().backward()
    np.testing.assert_allclose(ys[0].detach().numpy(), ys[1].detach().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(leaves[0].grad.numpy(), leaves[1].grad.numpy(), rtol=1e-12, atol=1e-12)
