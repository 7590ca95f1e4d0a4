"""Layers against their formulas."""

import math

import numpy as np
import pytest

import lineal
import lineal.nn.functional as F
from lineal import nn


def test_linear_is_a_matrix_product():
    layer = nn.Linear(3, 2)
    x = lineal.randn(4, 5, 3)
    expected = x.numpy() @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-5, atol=1e-6)
    assert nn.Linear(3, 2, bias=False).bias is None
    assert nn.Linear(3, 2, dtype=lineal.float64).weight.dtype == lineal.float64


def test_linear_starts_within_its_bounds():
    layer = nn.Linear(100, 200)
    for parameter in layer.parameters():
        assert parameter.abs().max().item() <= 0.1
        assert abs(parameter.std().item() - 0.1 / math.sqrt(3)) < 0.01


def test_linear_refuses_what_does_not_fit():
    with pytest.raises(RuntimeError, match=r"linear: .*4x5 and 3x2"):
        nn.Linear(3, 2)(lineal.ones(4, 5))
    with pytest.raises(RuntimeError, match=r"linear: .*float64.*float32"):
        nn.Linear(3, 2)(lineal.ones(4, 3, dtype=lineal.float64))
    for given in ([1.0, 2.0, 3.0], np.ones(3, np.float32), None):
        with pytest.raises(TypeError, match=f"linear.*must be Tensor, not {type(given).__name__}"):
            nn.Linear(3, 2)(given)


def test_gradients_of_linear():
    layer = nn.Linear(3, 2)
    x = lineal.randn(4, 3, requires_grad=True)
    layer(x).sum().backward()
    np.testing.assert_allclose(layer.weight.grad.numpy(), np.tile(x.detach().numpy().sum(0), (2, 1)), rtol=1e-5)
    assert layer.bias.grad.tolist() == [4.0, 4.0]
    np.testing.assert_allclose(x.grad.numpy(), np.tile(layer.weight.detach().numpy().sum(0), (4, 1)), rtol=1e-5)


def test_activations():
    x = lineal.tensor([[-1.0, 0.0, 2.0]])
    a = x.numpy()
    assert nn.ReLU()(x).tolist() == [[0.0, 0.0, 2.0]]
    np.testing.assert_allclose(nn.Sigmoid()(x).numpy(), 1 / (1 + np.exp(-a)), rtol=1e-6)
    np.testing.assert_allclose(nn.Tanh()(x).numpy(), np.tanh(a), rtol=1e-6)
    np.testing.assert_allclose(nn.Softmax(1)(x).numpy(), np.exp(a) / np.exp(a).sum(), rtol=1e-6)
    np.testing.assert_allclose(nn.LogSoftmax(1)(x).numpy(), a - np.log(np.exp(a).sum()), rtol=1e-6)
    assert F.softmax(x, 1, dtype=lineal.float64).dtype == lineal.float64


def test_relu_in_place():
    x = lineal.tensor([-1.0, 1.0])
    assert nn.ReLU(inplace=True)(x) is x
    assert x.tolist() == [0.0, 1.0]


def test_softmax_without_a_dimension_warns():
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax"):
        y = nn.Softmax()(lineal.zeros(2, 4))
    assert y.tolist() == [[0.25] * 4] * 2


def test_dropout_zeroes_and_scales_only_in_training():
    lineal.manual_seed(0)
    x = lineal.ones(10000, requires_grad=True)
    layer = nn.Dropout(0.25)
    y = layer(x)
    kept = y.detach().ne(0)
    assert abs(kept.float().mean().item() - 0.75) < 0.03
    np.testing.assert_allclose(y.detach()[kept].numpy(), 1 / 0.75, rtol=1e-6)
    y.sum().backward()
    assert lineal.equal(x.grad, y.detach())
    assert layer.eval()(x) is x
    assert F.dropout(x, 1.0).detach().abs().sum().item() == 0.0
    for make in (nn.Dropout, lambda p: F.dropout(x, p)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            make(1.5)


def test_flatten_and_unflatten_undo_each_other():
    x = lineal.arange(24.0).reshape(2, 3, 4)
    flat = nn.Flatten()(x)
    assert flat.shape == (2, 12)
    assert lineal.equal(nn.Unflatten(1, (3, 4))(flat), x)
    assert nn.Flatten(0, 1)(x).shape == (6, 4)
    with pytest.raises(TypeError, match="ints"):
        nn.Unflatten(1, 3)


def test_identity_ignores_its_arguments():
    x = lineal.ones(2)
    assert nn.Identity(3, anything=4)(x) is x


def test_one_hot():
    assert F.one_hot(lineal.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert F.one_hot(lineal.tensor([[1]]), 3).tolist() == [[[0, 1, 0]]]
    assert F.one_hot(lineal.zeros(0, dtype=lineal.int64), 3).shape == (0, 3)
    for indices, classes, message in [([3], 3, "smaller"), ([-1], -1, "at least 0"), ([0], 0, "positive")]:
        with pytest.raises(RuntimeError, match=message):
            F.one_hot(lineal.tensor(indices), classes)
    with pytest.raises(RuntimeError, match="int64"):
        F.one_hot(lineal.ones(2))
