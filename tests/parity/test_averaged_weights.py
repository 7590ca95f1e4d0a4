"""Averages of weights, and the rate that goes with them, as PyTorch's."""

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

WAYS = {
    "mean": lambda swa: {},
    "mean of all": lambda swa: {"multi_avg_fn": swa.get_swa_multi_avg_fn()},
    "mean of each": lambda swa: {"avg_fn": swa.get_swa_avg_fn()},
    "exponential": lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.9)},
    "exponential, of each": lambda swa: {"avg_fn": swa.get_ema_avg_fn(0.9)},
    "of the user": lambda swa: {"avg_fn": lambda mean, value, n: mean * 0.5 + value * 0.5 + n},
}


def model(library):
    random = np.random.default_rng(0)
    layers = library.nn.Sequential(library.nn.Linear(3, 4), library.nn.BatchNorm1d(4), library.nn.Linear(4, 2))
    for each in layers.parameters():
        each.data.copy_(library.from_numpy(random.normal(size=tuple(each.shape)).astype("float32")))
    return layers


def data(library):
    random = np.random.default_rng(1)
    return [library.from_numpy(random.normal(size=(5, 3)).astype("float32")) for _ in range(6)]


def averaged(library, way, use_buffers):
    swa, layers = library.optim.swa_utils, model(library)
    average = swa.AveragedModel(layers, use_buffers=use_buffers, **WAYS[way](swa))
    optimizer = library.optim.SGD(layers.parameters(), lr=0.1)
    for x in data(library):
        optimizer.zero_grad()
        (layers(x) ** 2).mean().backward()
        optimizer.step()
        average.update_parameters(layers)
    before = {key: value.numpy().copy() for key, value in average.state_dict().items()}
    swa.update_bn([(x, None) for x in data(library)], average)
    after = {key: value.numpy() for key, value in average.state_dict().items()}
    return before, after, average(data(library)[0]).detach().numpy()


@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_averages(way, use_buffers):
    if (way, use_buffers) == ("mean of all", True):
        pytest.skip("PyTorch divides whole numbers by addcdiv, which it refuses")
    mine, theirs = (averaged(library, way, use_buffers) for library in (lineal, torch))
    for found, wanted in zip(mine[:2], theirs[:2]):
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():
            assert found[key].dtype == value.dtype
            np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(mine[2], theirs[2], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"anneal_strategy": "linear", "anneal_epochs": 3}, {"anneal_epochs": 0}], ids=str)
def test_the_rate_goes_to_its_end(options):
    courses = []
    for library in (lineal, torch):
        optimizer = library.optim.SGD([library.zeros(1, requires_grad=True)], lr=0.5)
        scheduler = library.optim.swa_utils.SWALR(optimizer, swa_lr=0.05, **options)
        rates = []
        for _ in range(14):
            optimizer.step()
            scheduler.step()
            rates += scheduler.get_last_lr()
        courses.append((rates, scheduler.state_dict().keys()))
    assert courses[0][0] == pytest.approx(courses[1][0], rel=1e-12)
    assert courses[0][1] == courses[1][1]


@pytest.mark.parametrize("decay", [-0.1, 1.1])
def test_refused_decays(decay):
    for library in (lineal, torch):
        for name in ("get_ema_avg_fn", "get_ema_multi_avg_fn"):
            with pytest.raises(ValueError, match="Invalid decay"):
                getattr(library.optim.swa_utils, name)(decay)
