"""Clipping of grads, and parameters as one vector."""

import math

import pytest

import lineal
from lineal import nn
from lineal.nn import utils


def with_grads(*grads):
    parameters = []
    for grad in grads:
        parameter = nn.Parameter(lineal.zeros(len(grad)))
        parameter.grad = lineal.tensor(grad)
        parameters.append(parameter)
    return [*parameters, nn.Parameter(lineal.zeros(1))]


@pytest.mark.parametrize(
    ("order", "norm"), [(2.0, 5.0), (1.0, 7.0), (math.inf, 4.0), (3.0, 91 ** (1 / 3)), (-math.inf, 0.0), (0.0, 2.0)]
)
def test_the_norm_is_that_of_all_grads_together(order, norm):
    parameters = with_grads([3.0, 0.0], [-4.0])
    total = utils.clip_grad_norm_(parameters, 100.0, order)
    assert total.item() == pytest.approx(norm, rel=1e-6)
    assert parameters[0].grad.tolist() == [3.0, 0.0]


def test_long_grads_are_shortened():
    parameters = with_grads([3.0], [4.0])
    utils.clip_grad_norm_(parameters, 1.0)
    assert parameters[0].grad.item() == pytest.approx(0.6, rel=1e-5)
    assert parameters[1].grad.item() == pytest.approx(0.8, rel=1e-5)


def test_grads_that_are_not_finite():
    parameters = with_grads([math.inf])
    with pytest.raises(RuntimeError, match="non-finite"):
        utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
    assert parameters[0].grad.item() == math.inf
    assert utils.clip_grad_norm_(parameters, 1.0).item() == math.inf


def test_without_grads_the_norm_is_zero():
    assert utils.clip_grad_norm_([nn.Parameter(lineal.ones(2))], 1.0).item() == 0.0


def test_values_are_clamped():
    parameters = with_grads([3.0, -0.5, -7.0])
    utils.clip_grad_value_(parameters, 1.0)
    assert parameters[0].grad.tolist() == [1.0, -0.5, -1.0]


def test_parameters_as_a_vector_and_back():
    layer = nn.Linear(2, 3)
    vector = utils.parameters_to_vector(layer.parameters())
    assert vector.shape == (9,)
    vector.sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 1.0]] * 3
    utils.vector_to_parameters(lineal.arange(9.0), layer.parameters())
    assert layer.weight.tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert layer.bias.tolist() == [6.0, 7.0, 8.0]
    assert isinstance(layer.weight, nn.Parameter)
    with pytest.raises(TypeError, match="tensor"):
        utils.vector_to_parameters([1.0], layer.parameters())
