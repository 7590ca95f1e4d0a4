"""The same numbers as PyTorch: losses over many options, layers, printed modules, messages."""

import numpy as np
import pytest

import lineal
from lineal import nn

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

rng = np.random.default_rng(0)
SCORES = rng.normal(size=(6, 4, 3)).astype(np.float32)
LABELS = rng.integers(0, 4, size=(6, 3))
PROBABILITIES = rng.dirichlet(np.ones(4), size=(6, 3)).transpose(0, 2, 1).astype(np.float32)
IGNORE = pytest.mark.filterwarnings("ignore:.*batchmean")
WEIGHT = rng.uniform(0.5, 2.0, size=4).astype(np.float32)


def both(function, x, *constants):
    """Return value and gradient of `function(library, x, *constants)` in lineal and in PyTorch."""
    results = []
    for library in (lineal, torch):
        leaf = library.tensor(x, requires_grad=True)
        y = function(library, leaf, *(None if c is None else library.tensor(c) for c in constants))
        y.sum().backward()
        results.append((y.detach().numpy(), leaf.grad.numpy()))
    return results


def check(function, x, *constants):
    (mine, my_grad), (theirs, their_grad) = both(function, x, *constants)
    assert mine.dtype == theirs.dtype
    np.testing.assert_allclose(mine, theirs, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(my_grad, their_grad, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("ignored", [-100, 2])
def test_cross_entropy_of_indices(reduction, smoothing, weight, ignored):
    def loss(library, x, labels, weight):
        return library.nn.functional.cross_entropy(
            x, labels, weight, ignore_index=ignored, reduction=reduction, label_smoothing=smoothing
        )

    check(loss, SCORES, LABELS, weight)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_cross_entropy_of_probabilities(reduction, smoothing, weight):
    def loss(library, x, targets, weight):
        return library.nn.functional.cross_entropy(x, targets, weight, reduction=reduction, label_smoothing=smoothing)

    check(loss, SCORES, PROBABILITIES, weight)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weight", [None, WEIGHT[:, None]], ids=["plain", "weighted"])
def test_losses_of_pairs(name, reduction, weight):
    check(
        lambda library, x, t, w: getattr(library.nn.functional, name)(x, t, weight=w, reduction=reduction),
        PROBABILITIES,
        PROBABILITIES[::-1].copy(),
        weight if weight is None or "loss" not in name else np.broadcast_to(weight, SCORES.shape).copy(),
    )


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("smooth_l1_loss", {}),
        ("smooth_l1_loss", {"beta": 0.2}),
        ("smooth_l1_loss", {"beta": 0.0}),
        ("huber_loss", {"delta": 0.3}),
    ],
)
def test_robust_losses(name, options, reduction):
    check(
        lambda library, x, t: getattr(library.nn.functional, name)(x, t, reduction=reduction, **options),
        SCORES,
        SCORES[::-1].copy(),
    )
    layers = [
        getattr(library.nn, "HuberLoss" if name == "huber_loss" else "SmoothL1Loss")(reduction=reduction, **options)
        for library in (lineal, torch)
    ]
    mine, theirs = (
        float(layer(library.tensor(SCORES), library.tensor(SCORES + 1)).sum())
        for layer, library in zip(layers, (lineal, torch))
    )
    assert mine == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("reduction", ["none", "batchmean", "sum", pytest.param("mean", marks=IGNORE)])
@pytest.mark.parametrize("log_target", [False, True])
def test_divergence(reduction, log_target):
    target = np.log(PROBABILITIES) if log_target else PROBABILITIES * (PROBABILITIES > 0.1)

    def loss(library, x, t):
        return library.nn.KLDivLoss(reduction=reduction, log_target=log_target)(x, t)

    check(loss, SCORES, target)


def make(library):
    layers = library.nn
    return layers.Sequential(
        layers.Flatten(),
        layers.Linear(12, 5),
        layers.ModuleDict({"a": layers.ReLU(inplace=True), "b": layers.Dropout(0.2)}),
        layers.ModuleList([layers.Linear(2, 2), layers.ReLU(), layers.ReLU(), layers.Linear(2, 2), layers.Linear(2, 2)]),
        layers.ModuleList(),
        layers.ParameterList([library.ones(2, 3), 5]),
        layers.ModuleList([layers.Softmax(dim=1), layers.LogSoftmax(-1), layers.Sigmoid(), layers.Identity()]),
        layers.Unflatten(1, (5, 1)),
        layers.Conv1d(4, 6, 3, padding="same"),
        layers.Conv2d(4, 6, (3, 2), 2, 1, 2, 2, False, "reflect"),
        layers.ConvTranspose3d(4, 6, 3, 2, 1, 1, 2, dilation=2),
        layers.Sequential(layers.Unfold(3, padding=(1, 0)), layers.Fold((4, 4), 2)),
        layers.CrossEntropyLoss(label_smoothing=0.1),
        layers.Sequential(),
    )


def test_modules_print_alike():
    assert repr(make(lineal)) == repr(make(torch))


def test_state_dicts_have_the_same_keys():
    assert list(make(lineal).state_dict()) == list(make(torch).state_dict())


def test_messages_of_load_state_dict():
    messages = []
    for library in (lineal, torch):
        model = library.nn.Linear(2, 3)
        with pytest.raises(RuntimeError) as caught:
            model.load_state_dict({"weight": library.ones(2, 2), "x": library.ones(1)})
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("rows", [(), (2,), (2, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(rows, bias):
    W, b = rng.normal(size=(4, 5)).astype(np.float32), rng.normal(size=4).astype(np.float32)
    x = rng.normal(size=(*rows, 5)).astype(np.float32)
    check(lambda library, x, W, b: library.nn.functional.linear(x, W, b), x, W, b if bias else None)


@pytest.mark.parametrize("rows", [(), (2,), (2, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_bilinear(rows, bias):
    W, b = rng.normal(size=(4, 5, 3)).astype(np.float32), rng.normal(size=4).astype(np.float32)
    x, z = (rng.normal(size=(*rows, size)).astype(np.float32) for size in (5, 3))
    check(lambda library, x, z, W, b: library.nn.functional.bilinear(x, z, W, b), x, z, W, b if bias else None)
    layers = [library.nn.Bilinear(5, 3, 4, bias=bias) for library in (lineal, torch)]
    assert repr(layers[0]) == repr(layers[1])
    assert layers[0](lineal.tensor(x), lineal.tensor(z)).shape == (*rows, 4)
    with pytest.raises(RuntimeError, match=r"bilinear: .*\[5\], \[5\] and \[4, 5, 3\]"):
        layers[0](lineal.ones(5), lineal.ones(5))


def test_targets_of_whole_numbers_are_refused():
    for library in (lineal, torch):
        for name in ("binary_cross_entropy", "binary_cross_entropy_with_logits"):
            with pytest.raises(RuntimeError):
                getattr(library.nn.functional, name)(library.rand(2), library.tensor([0, 1]))


def test_every_public_name_is_pytorchs():
    for mine, theirs in [(nn, torch.nn), (nn.functional, torch.nn.functional), (nn.utils, torch.nn.utils)]:
        assert [name for name in mine.__all__ if not hasattr(theirs, name)] == []


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [1, "same"])
def test_convolutional_layers_pad_alike(mode, padding):
    layers = [library.nn.Conv2d(3, 4, (4, 3), padding=padding, padding_mode=mode) for library in (lineal, torch)]
    layers[1].load_state_dict({name: torch.tensor(each.numpy()) for name, each in layers[0].state_dict().items()})
    for shape in ((2, 3, 6, 5), (3, 6, 5)):
        x = rng.standard_normal(shape).astype(np.float32)
        y, wanted = (layer(library.tensor(x)).detach().numpy() for library, layer in zip((lineal, torch), layers))
        np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)
