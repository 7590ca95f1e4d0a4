"""Tables of vectors: values, gradients, padding, shortening; against PyTorch where it is installed."""

import numpy as np
import pytest

import lineal
from lineal import nn

INDICES = [[1, 2, 1], [4, 0, 1]]


def test_rows_by_index():
    layer = nn.Embedding(5, 3)
    y = layer(lineal.tensor(INDICES))
    assert y.shape == (2, 3, 3)
    assert lineal.equal(y[1, 0], layer.weight[4])
    assert repr(layer) == "Embedding(5, 3)"


def test_the_padding_row_is_zero_and_gets_no_gradient():
    layer = nn.Embedding(5, 3, padding_idx=-4)
    assert layer.padding_idx == 1
    assert not layer.weight[1].any()
    layer(lineal.tensor(INDICES)).sum().backward()
    assert layer.weight.grad.sum(1).tolist() == [3.0, 0.0, 3.0, 0.0, 3.0]


def test_a_pretrained_table_is_frozen():
    table = lineal.arange(6.0).reshape(3, 2)
    layer = nn.Embedding.from_pretrained(table)
    assert not layer.weight.requires_grad
    assert lineal.equal(layer(lineal.tensor(2)), table[2])
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad


@pytest.mark.parametrize("index", [-1, 5])
def test_an_index_outside_is_refused(index):
    with pytest.raises(IndexError, match="embedding: index out of range: expected 0 to 4"):
        nn.Embedding(5, 3)(lineal.tensor([0, index]))


def test_other_refusals():
    layer = nn.Embedding(5, 3)
    with pytest.raises(RuntimeError, match=r"embedding: expected indices .* got torch\.float32|float32"):
        layer(lineal.ones(2))
    with pytest.raises(AssertionError, match="padding_idx 5"):
        nn.Embedding(5, 3, padding_idx=5)


@pytest.mark.parity
@pytest.mark.parametrize("options", [{}, {"padding_idx": 1}, {"max_norm": 0.5}, {"scale_grad_by_freq": True}])
def test_as_in_pytorch(options):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    table = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    results = []
    for library in (lineal, torch):
        layer = library.nn.Embedding(5, 3, **options)
        layer.weight.data = library.tensor(table.copy())
        y = layer(library.tensor(INDICES))
        (y * y).sum().backward()
        results.append([each.detach().numpy() for each in (y, layer.weight.grad, layer.weight)] + [repr(layer)])
    for mine, theirs in zip(results[0][:3], results[1][:3]):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)
    assert results[0][3] == results[1][3]
