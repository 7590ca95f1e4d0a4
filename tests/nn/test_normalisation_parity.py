"""Layer and batch normalisation, unit length and cosines against PyTorch."""

import numpy as np
import pytest

import lineal
from lineal import nn

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

rng = np.random.default_rng(0)


def agree(mine, theirs, tolerance=2e-5):
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=tolerance, atol=tolerance)


def copied(layer, other):
    """Give both layers the same random parameters."""
    for mine, theirs in zip(layer.parameters(), other.parameters()):
        values = rng.normal(size=tuple(theirs.shape)).astype(np.float32)
        mine.data, theirs.data = lineal.tensor(values), torch.tensor(values)


@pytest.mark.parametrize("shape", [3, (3,), (4, 3)])
@pytest.mark.parametrize("options", [{}, {"bias": False}, {"elementwise_affine": False}, {"eps": 0.1}])
def test_layer_norm(shape, options):
    layers = [library.nn.LayerNorm(shape, **options) for library in (lineal, torch)]
    assert repr(layers[0]) == repr(layers[1])
    copied(*layers)
    x = rng.normal(size=(2, 4, 3)).astype(np.float32)
    leaves = [library.tensor(x, requires_grad=True) for library in (lineal, torch)]
    ys = [layer(leaf) for layer, leaf in zip(layers, leaves)]
    agree(*ys)
    for y in ys:
        (y**3).sum().backward()
    agree(leaves[0].grad, leaves[1].grad, 1e-4)
    for mine, theirs in zip(layers[0].parameters(), layers[1].parameters()):
        agree(mine.grad, theirs.grad, 1e-4)


def test_layer_norm_refuses_other_shapes():
    with pytest.raises(RuntimeError, match=r"layer_norm: .*\[\*, 4\].*got \[2, 3\]"):
        nn.LayerNorm(4)(lineal.ones(2, 3))
    assert nn.functional.layer_norm(lineal.ones(2, 3).half(), 3).dtype is lineal.float16


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 4)])
@pytest.mark.parametrize(
    "options", [{}, {"momentum": None}, {"affine": False}, {"track_running_stats": False}, {"momentum": 0.3, "eps": 0.1}]
)
def test_batch_norm_over_some_batches(shape, options):
    layers = [library.nn.BatchNorm1d(3, **options) for library in (lineal, torch)]
    assert repr(layers[0]) == repr(layers[1])
    assert list(layers[0].state_dict()) == list(layers[1].state_dict())
    copied(*layers)
    for _ in range(3):
        x = rng.normal(2.0, 3.0, size=shape).astype(np.float32)
        leaves = [library.tensor(x, requires_grad=True) for library in (lineal, torch)]
        ys = [layer(leaf) for layer, leaf in zip(layers, leaves)]
        agree(*ys)
        for y in ys:
            (y**3).sum().backward()
        agree(leaves[0].grad, leaves[1].grad, 1e-4)
    for mine, theirs in zip(layers[0].buffers(), layers[1].buffers()):
        agree(mine, theirs)
    agree(*(layer.eval()(leaf) for layer, leaf in zip(layers, leaves)))


def test_batch_norm_refuses():
    layer = nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match=r"BatchNorm1d: expected 2D or 3D input, got 4D"):
        layer(lineal.ones(1, 3, 2, 2))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        layer(lineal.ones(1, 3))
    with pytest.raises(RuntimeError, match="running_mean for each of 4 channels"):
        layer(lineal.ones(2, 4))
    assert layer.eval()(lineal.ones(1, 3)).shape == (1, 3)


def test_batch_norm_forgets():
    layer = nn.BatchNorm1d(2)
    layer(lineal.rand(4, 2) + 5)
    assert int(layer.num_batches_tracked) == 1
    layer.reset_parameters()
    assert int(layer.num_batches_tracked) == 0
    assert lineal.equal(layer.running_mean, lineal.zeros(2))


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_normalize(p, dim):
    x = rng.normal(size=(3, 4)).astype(np.float32)
    x[1] = 0
    agree(*(library.nn.functional.normalize(library.tensor(x), p, dim) for library in (lineal, torch)))


def test_cosine_similarity():
    a, b = rng.normal(size=(3, 4, 2)).astype(np.float32), rng.normal(size=(3, 4, 1)).astype(np.float32)
    a[0, :, 0] = 0
    found = []
    for library in (lineal, torch):
        leaf = library.tensor(a, requires_grad=True)
        y = library.nn.functional.cosine_similarity(leaf, library.tensor(b), dim=1)
        y.sum().backward()
        found.append((y, leaf.grad))
    agree(found[0][0], found[1][0])
    agree(found[0][1][1:], found[1][1][1:])


@pytest.mark.parametrize("p", [1.0, 2.0])
@pytest.mark.parametrize("keepdim", [False, True])
def test_distances_of_pairs(p, keepdim):
    a, b = rng.normal(size=(2, 3, 4)).astype(np.float32)
    found = []
    for library in (lineal, torch):
        layer = library.nn.PairwiseDistance(p, keepdim=keepdim)
        leaf = library.tensor(a, requires_grad=True)
        y = layer(leaf, library.tensor(b))
        y.sum().backward()
        found.append((y, leaf.grad, repr(layer)))
    agree(found[0][0], found[1][0])
    agree(found[0][1], found[1][1])
    assert found[0][2] == found[1][2]


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_padding(mode):
    x = rng.normal(size=(1, 2, 4, 5)).astype(np.float32)
    found = []
    for library in (lineal, torch):
        leaf = library.tensor(x, requires_grad=True)
        y = library.nn.functional.pad(leaf, (1, 2, 3, 0), mode)
        (y * y).sum().backward()
        found.append((y, leaf.grad))
    agree(found[0][0], found[1][0])
    agree(found[0][1], found[1][1])
