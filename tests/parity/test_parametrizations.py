"""Parametrizations, pruning and fusion with the same states as PyTorch's: outputs, gradients, printed modules, keys, errors."""

import importlib
import warnings

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
importlib.import_module("torch.nn.utils.prune")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning")]

rng = np.random.default_rng(0)
LIBRARIES = (lineal, torch)
WEIGHT = rng.normal(size=(3, 4))
IMAGES = rng.normal(size=(2, 2, 5, 5))


def agree(make, shape, names=True):
    """Hold `make(library)`, a module, to PyTorch's: text, keys, output, gradients, with PyTorch's state in both."""
    mine, theirs = (make(library) for library in LIBRARIES)
    assert repr(mine) == repr(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    state = theirs.state_dict()
    mine.load_state_dict({name: lineal.tensor(value.numpy().copy()) for name, value in state.items()})
    x = rng.normal(size=shape)
    results = []
    for library, module in zip(LIBRARIES, (mine, theirs)):
        leaf = library.tensor(x, requires_grad=True)
        y = module(leaf)
        (y * library.cos(library.arange(y.numel()).to(y.dtype)).reshape(y.shape)).sum().backward()
        named = dict(module.named_parameters())
        grads = [each.grad for each in named.values() if each.grad is not None]
        results.append((list(named), [each.detach().numpy() for each in (y, leaf.grad, *grads)]))
    assert results[0][0] == results[1][0]
    for found, expected in zip(results[0][1], results[1][1]):
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)
    return mine, theirs


def linear(library):
    return library.nn.Linear(4, 3).double()


def convolution(library):
    return library.nn.Conv2d(2, 4, 3).double()


def transposed(library):
    return library.nn.ConvTranspose2d(2, 4, 3).double()


LAYERS = {"linear": (linear, (2, 4)), "convolution": (convolution, (2, 2, 5, 5)), "transposed": (transposed, (2, 2, 5, 5))}
WAYS = {
    "weight norm": lambda utils, m: utils.parametrizations.weight_norm(m),
    "weight norm in all": lambda utils, m: utils.parametrizations.weight_norm(m, dim=None),
    "weight norm of columns": lambda utils, m: utils.parametrizations.weight_norm(m, dim=1),
    "weight norm of the bias": lambda utils, m: utils.parametrizations.weight_norm(m, "bias"),
    "spectral norm": lambda utils, m: utils.parametrizations.spectral_norm(m),
    "spectral norm of three steps": lambda utils, m: utils.parametrizations.spectral_norm(m, n_power_iterations=3, dim=-1),
    "spectral norm of the bias": lambda utils, m: utils.parametrizations.spectral_norm(m, "bias", dim=0),
    "orthogonal": lambda utils, m: utils.parametrizations.orthogonal(m),
    "matrix_exp": lambda utils, m: utils.parametrizations.orthogonal(m, orthogonal_map="matrix_exp"),
    "cayley": lambda utils, m: utils.parametrizations.orthogonal(m, orthogonal_map="cayley", use_trivialization=False),
    "householder": lambda utils, m: utils.parametrizations.orthogonal(m, use_trivialization=False),
    "older weight norm": lambda utils, m: utils.weight_norm(m),
    "older spectral norm": lambda utils, m: utils.spectral_norm(m),
    "pruned": lambda utils, m: utils.prune.random_unstructured(m, "weight", 5),
    "pruned twice": lambda utils, m: utils.prune.ln_structured(
        utils.prune.l1_unstructured(m, "weight", 0.3), "weight", 1, 2, 1
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("training", [True, False])
def test_what_a_layer_does(layer, way, training):
    build, shape = LAYERS[layer]
    agree(lambda library: WAYS[way](library.nn.utils, build(library)).train(training), shape)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_in_other_dtypes(dtype, dim):
    values = []
    for library in LIBRARIES:
        layer = library.nn.Linear(4, 3)
        with library.no_grad():
            layer.weight.copy_(library.tensor(WEIGHT))
        layer = library.nn.utils.parametrizations.weight_norm(layer.to(getattr(library, dtype)), dim=dim)
        (layer.weight.float() ** 2 * library.arange(12.0).reshape(3, 4)).sum().backward()
        found = [layer.weight.detach(), *[each.grad for each in layer.parametrizations.weight.parameters()]]
        assert all(str(each.dtype) == f"torch.{dtype}" for each in found)
        values.append([layer.weight.grad_fn.name(), *[each.float().numpy() for each in found]])
    assert values[0][0] == values[1][0]
    for found, expected in zip(values[0][1:], values[1][1:]):
        # PyTorch rounds after each of several ops where there is one norm
        tolerance = {"float16": 4e-3, "bfloat16": 3e-2, "float32": 1e-5}[dtype] * (8 if dim is None else 1)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_masks_of_pruning():
    def masks(library):
        prune, layer = library.nn.utils.prune, linear(library)
        with library.no_grad():
            layer.weight.copy_(library.tensor(WEIGHT))
        for step in (
            lambda: prune.l1_unstructured(layer, "weight", 3),
            lambda: prune.ln_structured(layer, "weight", 1, 2, 0),
            lambda: prune.l1_unstructured(layer, "weight", 0.3),
            lambda: prune.ln_structured(layer, "weight", 0.5, float("inf"), -1),
            lambda: prune.custom_from_mask(layer, "weight", library.ones(3, 4)),
        ):
            step()
            yield layer.weight_mask.tolist()
        prune.remove(layer, "weight")
        yield layer.weight.tolist()

    assert list(masks(lineal)) == list(masks(torch))


class Map:
    """Makes modules of two functions, there and back."""

    def __init__(self, library, there, back=None):
        class Mapped(library.nn.Module):
            """A parametrization."""

            def forward(self, *xs):
                return there(*xs)

        self.module = Mapped()
        if back is not None:
            self.module.right_inverse = back


REFUSED = {
    "no such name": lambda lib, P, m: P.register_parametrization(m, "foo", lib.nn.Identity()),
    "dtype": lambda lib, P, m: P.register_parametrization(m, "weight", Map(lib, lambda x: x.float()).module),
    "shape": lambda lib, P, m: P.register_parametrization(m, "weight", Map(lib, lambda x: x[0]).module),
    "no tensor": lambda lib, P, m: P.register_parametrization(m, "weight", Map(lib, lambda x: 3).module),
    "no tensor back": lambda lib, P, m: P.register_parametrization(m, "weight", Map(lib, lambda x: x, lambda x: 3).module),
    "dtype back": lambda lib, P, m: P.register_parametrization(m, "weight", Map(lib, lambda x: x, lambda x: x.float()).module),
    "no tensor among several": lambda lib, P, m: P.register_parametrization(
        m, "weight", Map(lib, lambda x, y: x, lambda x: (x, 3)).module
    ),
    "second dtype": lambda lib, P, m: P.register_parametrization(
        P.register_parametrization(m, "weight", lib.nn.Identity()), "weight", Map(lib, lambda x: x.float()).module
    ),
    "second shape back": lambda lib, P, m: P.register_parametrization(
        P.register_parametrization(m, "weight", lib.nn.Identity()), "weight", Map(lib, lambda x: x, lambda x: x[0]).module
    ),
    "assigned": lambda lib, P, m: setattr(
        P.register_parametrization(m, "weight", Map(lib, lambda x: x).module), "weight", m.weight
    ),
    "nothing to remove": lambda lib, P, m: P.remove_parametrizations(m, "weight"),
    "orthogonal vector": lambda lib, P, m: lib.nn.utils.parametrizations.orthogonal(m, "bias"),
    "no such map": lambda lib, P, m: lib.nn.utils.parametrizations.orthogonal(m, orthogonal_map="x"),
    "dimension": lambda lib, P, m: lib.nn.utils.parametrizations.spectral_norm(m, dim=2),
    "no steps": lambda lib, P, m: lib.nn.utils.parametrizations.spectral_norm(m, n_power_iterations=0),
    "negative amount": lambda lib, P, m: lib.nn.utils.prune.l1_unstructured(m, "weight", -1),
    "too many": lambda lib, P, m: lib.nn.utils.prune.l1_unstructured(m, "weight", 13),
    "no amount": lambda lib, P, m: lib.nn.utils.prune.l1_unstructured(m, "weight", "x"),
    "slices of a vector": lambda lib, P, m: lib.nn.utils.prune.ln_structured(m, "bias", 1, 2, 0),
    "slices elsewhere": lambda lib, P, m: lib.nn.utils.prune.ln_structured(m, "weight", 1, 2, 2),
    "not pruned": lambda lib, P, m: lib.nn.utils.prune.remove(m, "weight"),
    "twice": lambda lib, P, m: lib.nn.utils.weight_norm(lib.nn.utils.weight_norm(m)),
    "no hook": lambda lib, P, m: lib.nn.utils.remove_spectral_norm(m),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    errors = []
    for library in LIBRARIES:
        with pytest.raises(Exception) as caught:
            REFUSED[name](library, library.nn.utils.parametrize, linear(library))
        errors.append((caught.type, str(caught.value)))
    assert errors[0] == errors[1]


FUSED = {
    "groups": (lambda nn: nn.Conv2d(2, 4, 3, groups=2), lambda nn: nn.BatchNorm2d(4), (2, 2, 5, 5), False),
    "no bias": (lambda nn: nn.Conv1d(2, 3, 2, bias=False), lambda nn: nn.BatchNorm1d(3, affine=False), (2, 2, 5), False),
    "transposed": (lambda nn: nn.ConvTranspose2d(2, 3, 2), lambda nn: nn.BatchNorm2d(3), (1, 2, 3, 3), True),
}


@pytest.mark.parametrize("name", FUSED)
def test_fused_layers(name):
    conv, bn, shape, turned = FUSED[name]

    def make(library):
        library.manual_seed(0)
        layers = [each(library.nn).double().eval() for each in (conv, bn)]
        with library.no_grad():
            for layer in layers:
                for place, value in enumerate(each for each in layer.state_dict().values() if each.ndim):
                    value.copy_(library.arange(value.numel()).reshape(value.shape) * 0.1 + place + 0.5)
        return library.nn.utils.fuse_conv_bn_eval(*layers, turned)

    mine, theirs = make(lineal), make(torch)
    for found, expected in zip(mine.parameters(), theirs.parameters()):
        np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-12)
    agree(make, shape)


PADDED = {
    "wider": [("float32", 2), ("float64", 3)],
    "whole first": [("int64", 2), ("float32", 3)],
    "whole last": [("float32", 3), ("int64", 2)],
    "halves": [("float16", 2), ("bfloat16", 3)],
}


@pytest.mark.parametrize("name", PADDED)
def test_sequences_of_several_dtypes(name):
    found = []
    for library in LIBRARIES:
        given = [library.ones(count, dtype=getattr(library, dtype)) for dtype, count in PADDED[name]]
        y = library.nn.utils.rnn.pad_sequence(given, padding_value=2.5, padding_side="left")
        found.append((str(y.dtype), y.tolist()))
    assert found[0] == found[1]


def test_a_state_of_the_older_weight_norm():
    old = torch.nn.utils.weight_norm(linear(torch))
    state = {name: lineal.tensor(value.numpy()) for name, value in old.state_dict().items()}
    layer = lineal.nn.utils.parametrizations.weight_norm(linear(lineal))
    layer.load_state_dict(state)
    x = rng.normal(size=(2, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = layer(lineal.tensor(x)).detach().numpy()
    np.testing.assert_allclose(found, old(torch.tensor(x)).detach().numpy(), rtol=1e-12)
