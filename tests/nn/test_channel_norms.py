"""Normalisations against their formulas: values, names of nodes, derivatives, batches, statistics, layouts for native loops."""

import numpy as np
import pytest

import lineal
from lineal import nn
from lineal.nn import functional as F

rng = np.random.default_rng(0)
x, w, b = rng.normal(3, 2, (4, 6, 5)), rng.normal(size=6), rng.normal(size=6)


def standardised(x, axes):
    rest = x - x.mean(axes, keepdims=True)
    return rest / np.sqrt((rest * rest).mean(axes, keepdims=True) + 1e-5)


def variable(x):
    return lineal.tensor(x, requires_grad=True)


NORMS = {
    "NativeBatchNormBackward0": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), standardised(x, (0, 2))),
    "NativeGroupNormBackward0": (
        lambda x, w, b: F.group_norm(x, 3, w, b),
        standardised(x.reshape(4, 3, 10), (2,)).reshape(x.shape),
    ),
    "ViewBackward0": (lambda x, w, b: F.instance_norm(x, None, None, w, b), standardised(x, (2,))),
}


@pytest.mark.parametrize("name", NORMS)
def test_a_norm_of_channels_is_its_formula_one_node_and_a_loop_over_slices(name):
    norm, wanted = NORMS[name]
    xs = [variable(each) for each in (x, w, b)]
    y = norm(*xs)
    np.testing.assert_allclose(y.detach().numpy(), wanted * w[:, None] + b[:, None], rtol=1e-12, atol=1e-12)
    assert type(y.grad_fn).__name__ == name
    quick, slow = (lineal.autograd.grad((norm(*xs) ** 3).sum(), xs, create_graph=again) for again in (False, True))
    for one, other in zip(quick, slow):
        np.testing.assert_allclose(one.numpy(), other.detach().numpy(), rtol=1e-10, atol=1e-10)
    pairs = [lineal.tensor(np.stack([each, 2 * each])) for each in (x, w, b)]
    together = lineal.vmap(norm)(*pairs)
    for n in range(2):
        np.testing.assert_allclose(together[n].numpy(), norm(*[each[n] for each in pairs]).numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NORMS)
def test_both_derivatives_of_a_norm_of_channels(name):
    xs = [variable(each) for each in (x[:2, :, :2], w, b)]
    assert lineal.autograd.gradcheck(NORMS[name][0], xs)
    assert lineal.autograd.gradgradcheck(NORMS[name][0], xs, atol=1e-4)


@pytest.mark.parametrize("terms", ["", "w", "b", "wb"])
def test_large_norms_of_channels_give_what_double_precision_gives(terms):
    large = rng.normal(5, 2, (64, 8, 700))
    given = [rng.normal(size=8) if name in terms else None for name in "wb"]
    for norm in (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), lambda x, w, b: F.group_norm(x, 4, w, b)):
        found = []
        for dtype in (np.float32, np.float64):
            xs = [None if each is None else variable(each.astype(dtype)) for each in (large, *given)]
            y = norm(*xs)
            grads = lineal.autograd.grad((y * y * y).sum(), [each for each in xs if each is not None])
            found.append([each.detach().numpy() for each in (y, *grads)])
        for one, other in zip(*found):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())


def test_running_statistics_of_batches_and_instances():
    for layer, mean, var in (
        (nn.BatchNorm1d(6, momentum=0.5), x.mean((0, 2)), x.var((0, 2), ddof=1)),
        (nn.InstanceNorm1d(6, momentum=0.5, track_running_stats=True), x.mean((0, 2)), x.var(2, ddof=1).mean(0)),
    ):
        layer(lineal.tensor(x, dtype=lineal.float32))
        np.testing.assert_allclose(layer.running_mean.numpy(), 0.5 * mean, rtol=1e-5)
        np.testing.assert_allclose(layer.running_var.numpy(), 0.5 + 0.5 * var, rtol=1e-5)
        old = {key: each for key, each in layer.state_dict().items() if key != "num_batches_tracked"}
        layer.load_state_dict(old)


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.InstanceNorm1d])
def test_an_empty_batch_leaves_running_statistics(kind):
    layer = kind(2, track_running_stats=True)
    assert layer(lineal.ones(0, 2, 3)).shape == (0, 2, 3)
    assert layer.running_mean.tolist() == [0, 0] and layer.running_var.tolist() == [1, 1]


def test_second_derivative_of_an_empty_batch():
    x, w = lineal.zeros(0, 2, 3, requires_grad=True), lineal.ones(2, requires_grad=True)
    (g,) = lineal.autograd.grad(F.batch_norm(x, None, None, w, training=True).square().sum(), x, create_graph=True)
    assert lineal.autograd.grad(g.square().sum(), w)[0].tolist() == [0, 0]


def test_groups_of_one_element():
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        F.group_norm(lineal.ones(1, 3), 3)
    bias = lineal.tensor([1.0, 2.0, 3.0])
    assert F.group_norm(lineal.ones(2, 3), 3, bias=bias).tolist() == [[1, 2, 3]] * 2


def test_what_norms_of_channels_refuse():
    with pytest.raises(RuntimeError, match="divisible by num_groups"):
        F.group_norm(lineal.ones(2, 3), 2)
    with pytest.raises(ValueError, match="more than 1 spatial element"):
        F.instance_norm(lineal.ones(2, 3, 1))
    with pytest.raises(ValueError, match="InstanceNorm2d: expected 3D or 4D input, got 5D"):
        nn.InstanceNorm2d(3)(lineal.ones(1, 3, 2, 2, 2))
    with pytest.raises(NotImplementedError, match="layer_norm: expected a floating dtype"):
        F.layer_norm(lineal.ones(2, 3, dtype=lineal.int64), 3)
