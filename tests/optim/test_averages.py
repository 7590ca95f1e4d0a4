"""Averages of weights, and functions of lists of tensors."""

import pytest

import lineal
from lineal import nn
from lineal.optim import swa_utils
from lineal.tensors import foreach


@pytest.mark.parametrize("size", [3, 300])
def test_averages_of_weights(size):
    model = nn.Linear(size, size)
    mean, moving = (
        swa_utils.AveragedModel(model),
        swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.5)),
    )
    for value in (1.0, 2.0, 6.0):
        for parameter in model.parameters():
            parameter.data.fill_(value)
        for each in (mean, moving):
            each.update_parameters(model)
    assert mean.n_averaged.item() == 3 and mean.module.bias[-1].item() == pytest.approx(3.0)
    assert moving.module.weight[-1, -1].item() == pytest.approx(3.75)
    x = lineal.ones(2, size)
    assert lineal.allclose(mean(x), mean.module(x))


def test_batch_norms_see_the_data_anew():
    model = nn.Sequential(nn.BatchNorm1d(1, momentum=0.3))
    swa_utils.update_bn([(lineal.tensor([[1.0], [3.0]]), None), (lineal.tensor([[5.0], [7.0]]), None)], model)
    assert model[0].running_mean.item() == pytest.approx(4.0) and model[0].momentum == 0.3


def test_lists_of_tensors():
    xs = [lineal.ones(2), lineal.zeros(3)]
    assert [each.tolist() for each in foreach._foreach_add(xs, [1.0, 2.0])] == [[2.0, 2.0], [2.0, 2.0, 2.0]]
    assert foreach._foreach_lerp_(xs, [lineal.zeros(2), lineal.ones(3)], 0.25) is xs
    assert xs[0].tolist() == [0.75, 0.75] and xs[1][0].item() == 0.25
    with pytest.raises(RuntimeError, match="same number of tensors, got 2 and 1"):
        foreach._foreach_mul(xs, xs[:1])
    with pytest.raises(RuntimeError, match="at least one tensor"):
        foreach._foreach_sqrt([])
