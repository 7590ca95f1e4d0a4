"""The older weight and spectral normalisation: hooks that compute the weight before every call."""

import pytest

import lineal
from lineal import nn
from lineal.nn import utils
from lineal.testing import assert_close

OLD = pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")


def layer():
    lineal.manual_seed(0)
    return nn.Linear(4, 3, dtype=lineal.float64)


@OLD
@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_is_the_parametrization(dim):
    old, new = utils.weight_norm(layer(), dim=dim), utils.parametrizations.weight_norm(layer(), dim=dim)
    assert list(old.state_dict()) == ["bias", "weight_g", "weight_v"]
    x = lineal.ones(2, 4, dtype=lineal.float64)
    for each in (old, new):
        each(x).square().sum().backward()
    for a, b in zip(old.parameters(), new.parameters()):
        assert_close(a.grad, b.grad)
    weight = old.weight.detach()
    utils.remove_weight_norm(old)
    assert_close(old.weight.detach(), weight)
    assert list(old.state_dict()) == ["bias", "weight"]
    with pytest.raises(ValueError, match="weight_norm of 'weight' not found"):
        utils.remove_weight_norm(old)


def test_weight_norm_warns():
    with pytest.warns(FutureWarning, match="in favor of `torch.nn.utils.parametrizations.weight_norm`"):
        utils.weight_norm(layer())


def test_spectral_norm():
    normed = utils.spectral_norm(layer())
    assert list(normed.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    x = lineal.ones(2, 4, dtype=lineal.float64)
    for _ in range(100):
        y = normed(x)
    assert lineal.linalg.matrix_norm(normed.weight, 2).item() == pytest.approx(1.0, abs=1e-6)
    y.sum().backward()
    state = normed.state_dict()
    assert state._metadata[""] == {"version": 1, "spectral_norm": {"weight.version": 1}}
    other = utils.spectral_norm(layer())
    other.load_state_dict(state)
    assert_close(other.eval()(x), normed.eval()(x))
    utils.remove_spectral_norm(other)
    assert list(other.state_dict()) == ["bias", "weight"]
    assert_close(other(x), normed(x))


def test_a_state_of_the_first_version_of_spectral_norm():
    normed = utils.spectral_norm(layer())
    x = lineal.ones(2, 4, dtype=lineal.float64)
    for _ in range(100):
        normed(x)
    state = dict(normed.state_dict(), weight=normed.weight.detach())
    del state["weight_v"]
    other = utils.spectral_norm(layer())
    other.load_state_dict(state)
    assert_close(other.eval()(x), normed.eval()(x))


@OLD
@pytest.mark.filterwarnings("ignore:compile.*runs eagerly. every call changes")
@pytest.mark.parametrize("normed", [utils.weight_norm, utils.spectral_norm])
def test_programs_follow_the_hooks(normed):
    made, twin = normed(layer()), normed(layer())
    twin.load_state_dict(made.state_dict())
    compiled = lineal.compile(lambda x: made(x))
    x = lineal.ones(2, 4, dtype=lineal.float64)
    for _ in range(3):
        assert_close(compiled(x), twin(x))
        with lineal.no_grad():
            for each in (made, twin):
                next(iter(each.parameters())).add_(1.0)
