"""Starting values: ranges, moments, structure."""

import math

import numpy as np
import pytest

import lineal
from lineal import nn
from lineal.nn import init


@pytest.fixture(autouse=True)
def _seed():
    lineal.manual_seed(0)


def test_constants():
    x = lineal.empty(2, 3)
    assert init.constant_(x, 4.0) is x
    assert x.unique().tolist() == [4.0]
    assert init.ones_(x).sum().item() == 6.0
    assert init.zeros_(x).abs().sum().item() == 0.0
    assert init.eye_(x).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def test_parameters_are_filled_without_history():
    weight = nn.Parameter(lineal.zeros(3, 3))
    init.uniform_(weight, 2.0, 3.0)
    assert weight.is_leaf
    assert weight.requires_grad
    assert weight.min().item() >= 2.0
    assert weight.max().item() < 3.0


def test_the_generator_decides():
    draws = [init.normal_(lineal.empty(5), generator=lineal.Generator().manual_seed(3)) for _ in range(2)]
    assert lineal.equal(*draws)


@pytest.mark.parametrize(
    ("fill", "std", "bound"),
    [
        (lambda x: init.normal_(x, 0.0, 0.3), 0.3, math.inf),
        (init.xavier_uniform_, math.sqrt(2 / 500), math.sqrt(6 / 500)),
        (lambda x: init.xavier_normal_(x, gain=2.0), 2 * math.sqrt(2 / 500), math.inf),
        (lambda x: init.kaiming_uniform_(x, nonlinearity="relu"), math.sqrt(2 / 200), math.sqrt(6 / 200)),
        (lambda x: init.kaiming_normal_(x, mode="fan_out", nonlinearity="relu"), math.sqrt(2 / 300), math.inf),
        (lambda x: init.kaiming_uniform_(x, a=math.sqrt(5)), 1 / math.sqrt(600), 1 / math.sqrt(200)),
    ],
)
def test_spreads(fill, std, bound):
    x = fill(lineal.empty(300, 200))
    assert abs(x.mean().item()) < 4 * std / math.sqrt(60000)
    assert x.std().item() == pytest.approx(std, rel=0.02)
    assert x.abs().max().item() <= bound * 1.000001


def test_fans_of_convolutions_count_the_field():
    x = init.kaiming_uniform_(lineal.empty(8, 4, 3, 3), nonlinearity="relu")
    assert x.abs().max().item() <= math.sqrt(6 / 36)
    assert x.abs().max().item() > 0.9 * math.sqrt(6 / 36)


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0.0, 1.0, -2.0, 2.0), (0.0, 1.0, -0.1, 0.1), (0.0, 0.02, 0.1, 0.5), (1.0, 2.0, -10.0, 0.0), (0.0, 1.0, 3.0, 1e9)],
)
def test_truncated_normal_draws_have_the_truncated_mean(mean, std, a, b):
    x = init.trunc_normal_(lineal.empty(100, 100, dtype=lineal.float64), mean, std, a, b)
    assert a <= x.min().item() <= x.max().item() <= b
    left, right = (a - mean) / std, (b - mean) / std
    density = lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    upper = lambda z: math.erfc(z / math.sqrt(2)) / 2
    expected = mean + std * (density(left) - density(right)) / (upper(left) - upper(right))
    assert abs(x.mean().item() - expected) < 5 * x.std().item() / 100


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 2, 3)])
def test_orthogonal(shape):
    x = init.orthogonal_(lineal.empty(*shape, dtype=lineal.float64), gain=2.0).reshape(shape[0], -1).numpy()
    gram = x @ x.T if x.shape[0] <= x.shape[1] else x.T @ x
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-12)


def test_dirac_passes_channels_on():
    x = init.dirac_(lineal.empty(4, 2, 3), groups=2)
    assert x[:, :, 1].tolist() == [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    assert x.sum().item() == 4.0


def test_sparse_zeroes_a_fraction_of_each_column():
    x = init.sparse_(lineal.empty(10, 6), 0.25)
    assert x.eq(0).sum(0).tolist() == [3] * 6


def test_gains():
    assert init.calculate_gain("linear") == 1.0
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("leaky_relu", 2.0) == pytest.approx(math.sqrt(2 / 5))
    for arguments in [("swish",), ("leaky_relu", "x")]:
        with pytest.raises(ValueError, match="calculate_gain"):
            init.calculate_gain(*arguments)


@pytest.mark.parametrize("fill", [init.xavier_uniform_, init.kaiming_normal_, init.eye_, init.orthogonal_, init.dirac_])
def test_vectors_are_refused(fill):
    with pytest.raises(ValueError, match=r"dimensions|matrix"):
        fill(lineal.ones(3))
