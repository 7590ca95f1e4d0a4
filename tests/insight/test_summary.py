"""The table of a model's layers, and the numbers behind it."""

from __future__ import annotations

import pytest

import lineal
from lineal import nn


def network():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(144, 3))


def test_layers_have_shapes_parameters_and_costs():
    told = lineal.summary(network(), lineal.randn(2, 1, 8, 8))
    kinds = [each.kind for each in told.layers]
    assert kinds == ["Sequential", "Conv2d", "BatchNorm2d", "ReLU", "Flatten", "Dropout", "Linear"]
    convolution, dense = told.layers[1], told.layers[-1]
    assert (convolution.name, convolution.input_shapes, convolution.output_shapes) == ("0", [[2, 1, 8, 8]], [[2, 4, 6, 6]])
    assert convolution.flops == 2 * 4 * 36 * (2 * 9 + 1) and dense.flops == 2 * 3 * (2 * 144 + 1)
    assert told.layers[0].flops == told.flops == sum(each.flops for each in told.layers[1:])
    assert told.parameters == told.trainable == 40 + 8 + 435


def test_the_table_is_text():
    text = str(lineal.summary(network(), (2, 1, 8, 8), depth=0))
    assert "Total params: 483" in text and "Conv2d" not in text
    assert "├─Linear: 1-6" in str(lineal.summary(network(), (2, 1, 8, 8)))


def test_a_model_stays_as_it_was():
    model, state = network(), lineal.get_rng_state()
    model[4].eval()
    lineal.summary(model, (2, 1, 8, 8))
    assert [each.training for each in model] == [True, True, True, True, False, True] and model.training
    assert model[1].num_batches_tracked.item() == 0 and lineal.equal(lineal.get_rng_state(), state)
    with pytest.raises(RuntimeError):
        lineal.summary(model, (2, 9))
    assert model.training and not model._forward_hooks


def test_modules_that_are_called_again_or_never():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.spare = nn.Linear(2, 2, bias=False), nn.Linear(2, 5, bias=False)

        def forward(self, x, scale=1.0):
            return self.inner(self.inner(x)) * scale

    told = lineal.summary(Twice(), lineal.randn(1, 2), scale=2.0)
    assert [each.again for each in told.layers] == [False, False, True] and told.unused == 10
    assert "(recursive)" in str(told) and "not called: 10" in str(told)


def test_a_function_has_no_layers():
    with pytest.raises(TypeError, match="expected a module"):
        lineal.summary(lineal.exp, lineal.ones(1))
