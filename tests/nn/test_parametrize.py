"""Parametrizations: what is read is computed, what is written is undone, and modules come back as they were."""

import copy
import pickle

import pytest

import lineal
from lineal import nn
from lineal.nn.utils import parametrizations, parametrize
from lineal.testing import assert_close, gradcheck, gradgradcheck

ORTHOGONAL = [(name, trivial) for name in ("matrix_exp", "cayley", "householder") for trivial in (True, False)]


class Symmetric(nn.Module):
    """The upper triangle, reflected."""

    def forward(self, X):
        return X.triu() + X.triu(1).mT

    def right_inverse(self, A):
        return A.triu()


class Product(nn.Module):
    """A column times a row."""

    def forward(self, x, y):
        return x.unsqueeze(-1) * y

    def right_inverse(self, A):
        return A[:, 0], A[0]


def square():
    lineal.manual_seed(0)
    return nn.Linear(3, 3, dtype=lineal.float64)


def symmetric():
    return parametrize.register_parametrization(square(), "weight", Symmetric())


def checked(module):
    """Check first and second derivatives of a module's weight by its originals."""
    originals = dict(module.parametrizations.weight.named_parameters(recurse=False))

    def weight(*given):
        tensors = {f"module.parametrizations.weight.{name}": each for name, each in zip(originals, given)}
        return lineal.func.functional_call(Reading(module), tensors, ())

    given = tuple(each.detach().clone().requires_grad_() for each in originals.values())
    assert gradcheck(weight, given)
    assert gradgradcheck(weight, given)


class Reading(nn.Module):
    """Returns the weight of a module."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self):
        return self.module.weight


def test_a_parameter_is_computed_and_stays_the_object_that_optimizers_know():
    layer = square()
    weight = layer.weight
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert layer.parametrizations.weight.original is weight
    assert_close(layer.weight, layer.weight.mT)
    assert type(layer).__name__ == "ParametrizedLinear"
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    layer.weight = lineal.ones(3, 3, dtype=lineal.float64)
    assert layer.weight.tolist() == [[1.0] * 3] * 3
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is weight
    assert type(layer) is nn.Linear
    assert list(layer.state_dict()) == ["bias", "weight"]


def test_several_originals_and_buffers():
    layer = square()
    layer.register_buffer("scale", lineal.ones(2, 2))
    parametrize.register_parametrization(layer, "weight", Product())
    parametrize.register_parametrization(layer, "scale", Symmetric())
    assert [name for name, _ in layer.named_buffers()] == ["parametrizations.scale.original"]
    assert [each.shape for each in layer.parametrizations.weight.parameters()] == [(3,), (3,)]
    with pytest.raises(ValueError, match="parametrized in terms of a sequence"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    now = layer.weight.detach()
    parametrize.remove_parametrizations(layer, "weight")
    assert_close(layer.weight.detach(), now)
    assert parametrize.is_parametrized(layer, "scale")
    assert not parametrize.is_parametrized(layer, "weight")


def test_an_original_may_be_parametrized():
    layer = symmetric()
    inner = layer.parametrizations.weight
    parametrize.register_parametrization(inner, "original", nn.Tanh())
    root = inner.parametrizations.original.original
    assert_close(layer.weight, root.tanh().triu() + root.tanh().triu(1).mT)
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.parametrizations.original.original"]
    parametrize.remove_parametrizations(inner, "original", leave_parametrized=False)
    assert type(inner) is parametrize.ParametrizationList
    assert inner.original is root


def test_a_refusal_leaves_the_original_as_it_was():
    layer = square()
    before = layer.weight.detach().clone()
    wrong = Symmetric()
    wrong.forward = lambda X: X[0]
    with pytest.raises(ValueError, match="may not change the shape of the tensor"):
        parametrize.register_parametrization(layer, "weight", wrong)
    assert_close(layer.weight.detach(), before)
    assert type(layer) is nn.Linear


def test_cached_values_last_for_the_block():
    layer = symmetric()
    with parametrize.cached():
        first = layer.weight
        with parametrize.cached():
            assert layer.weight is first
        assert layer.weight is first
    assert layer.weight is not first


def test_copies_are_independent_and_pickling_is_refused():
    layer = symmetric()
    copied = copy.deepcopy(layer)
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert_close(copied.weight, copied.weight.mT)
    assert copied.parametrizations.weight.original is not layer.weight
    copied.load_state_dict(symmetric().state_dict())
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        pickle.dumps(copied)
    assert copied.to(lineal.float32).weight.dtype == lineal.float32


def test_modules_parametrized_alike_can_be_stacked():
    models = [symmetric(), symmetric()]
    parameters, _ = lineal.func.stack_module_state(models)
    assert parameters["parametrizations.weight.original"].shape == (2, 3, 3)


def test_a_program_computes_the_weight_anew():
    layer = symmetric()
    compiled = lineal.compile(lambda x: layer(x))
    x = lineal.ones(2, 3, dtype=lineal.float64)
    for step in range(3):
        with lineal.no_grad():
            layer.parametrizations.weight.original.mul_(1.0 + step)
        assert_close(compiled(x), layer(x))
    with parametrize.cached():
        assert_close(compiled(x), layer(x))
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert_close(compiled(x), layer(x))


def test_a_program_that_reads_the_weight_sees_what_becomes_of_it():
    layer = symmetric()
    compiled = lineal.compile(lambda x: x @ layer.weight)
    x = lineal.ones(2, 3, dtype=lineal.float64)
    for change in (
        lambda: parametrize.register_parametrization(layer, "bias", nn.Identity()),
        lambda: parametrize.register_parametrization(layer, "weight", nn.Tanh()),
        lambda: parametrize.remove_parametrizations(layer, "weight"),
        lambda: parametrize.register_parametrization(layer, "weight", nn.Sigmoid()),
    ):
        for _ in range(3):
            assert_close(compiled(x), x @ layer.weight)
        change()
    assert_close(compiled(x), x @ layer.weight)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm(dim):
    layer = square()
    before = layer.weight.detach().clone()
    parametrizations.weight_norm(layer, dim=dim)
    assert_close(layer.weight.detach(), before)
    checked(layer)
    old = {"bias": layer.bias, "weight_g": layer.parametrizations.weight.original0, "weight_v": before}
    layer.load_state_dict(old)


def test_spectral_norm():
    layer = parametrizations.spectral_norm(square())
    for _ in range(200):
        norm = lineal.linalg.matrix_norm(layer.weight, 2)
    assert norm.item() == pytest.approx(1.0, abs=1e-6)
    checked(layer.eval())
    kept = layer.parametrizations.weight[0]._u.clone()
    layer.weight  # noqa: B018
    assert_close(layer.parametrizations.weight[0]._u, kept)


def test_a_program_takes_steps_of_the_power_method():
    layers = [parametrizations.spectral_norm(square()) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    x = lineal.ones(2, 3, dtype=lineal.float64)
    compiled = lineal.compile(lambda x: layers[0](x))
    for _ in range(4):
        assert_close(compiled(x), layers[1](x))
    assert_close(layers[0].state_dict(), layers[1].state_dict())


@pytest.mark.parametrize(("name", "trivial"), ORTHOGONAL)
@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 2)])
def test_orthogonal(name, trivial, shape):
    lineal.manual_seed(1)
    layer = nn.Linear(*reversed(shape), dtype=lineal.float64)
    parametrizations.orthogonal(layer, orthogonal_map=name, use_trivialization=trivial)
    tall = layer.weight if shape[0] >= shape[1] else layer.weight.mT
    assert_close(tall.mT @ tall, lineal.eye(min(shape), dtype=lineal.float64))
    if name != "householder" and shape != (2, 3):
        # the diagonal is cast to whole numbers for reflections, so that differences see steps there
        checked(layer)
    if trivial or name == "householder":
        wanted = nn.init.orthogonal_(lineal.empty(shape, dtype=lineal.float64))
        layer.weight = wanted
        assert_close(layer.weight.detach(), wanted)
