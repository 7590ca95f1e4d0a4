"""Sparse gradients of embeddings: steps are those along the same gradients made dense, at the rows looked up."""

import pytest

import lineal
from lineal import nn, optim
from lineal.testing import assert_close

INDICES = [[1, 2, 1], [4, 0, 3]]


def table(sparse, **options):
    weight = lineal.arange(15.0, dtype=lineal.float64).reshape(5, 3).sin()
    return nn.Embedding.from_pretrained(weight.clone(), freeze=False, sparse=sparse, **options)


def loss(layer, indices):
    return (layer(lineal.tensor(indices)) ** 2).sum()


@pytest.mark.parametrize("padding", [None, 1])
def test_a_sparse_gradient_is_the_dense_one(padding):
    one, other = table(True, padding_idx=padding), table(False, padding_idx=padding)
    for _ in range(2):
        loss(one, INDICES).backward()
        loss(other, INDICES).backward()
        assert one.weight.grad.is_sparse
        assert_close(one.weight.grad.to_dense(), other.weight.grad)
    (one.weight**2).sum().backward()
    (other.weight**2).sum().backward()
    assert not one.weight.grad.is_sparse
    assert_close(one.weight.grad, other.weight.grad)


def test_a_sparse_gradient_has_a_derivative():
    one, other = table(True), table(False)
    found = []
    for layer in (one, other):
        (g,) = lineal.autograd.grad(loss(layer, INDICES), layer.weight, create_graph=True)
        found.append(lineal.autograd.grad((g.to_dense() ** 3).sum(), layer.weight)[0])
    assert_close(found[0].to_dense(), found[1])


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags_have_sparse_gradients(mode):
    found = []
    for sparse in (True, False):
        layer = nn.EmbeddingBag.from_pretrained(table(False).weight.detach(), freeze=False, mode=mode, sparse=sparse)
        loss(layer, INDICES).backward()
        found.append(layer.weight.grad)
    assert found[0].is_sparse
    assert_close(found[0].to_dense(), found[1])


@pytest.mark.parametrize(
    ("kinds", "options", "every"),
    [
        ((optim.SGD, optim.SGD), {"lr": 0.1}, False),
        ((optim.SGD, optim.SGD), {"lr": 0.1, "momentum": 0.9, "nesterov": True}, False),
        ((optim.SGD, optim.SGD), {"lr": 0.1, "maximize": True}, False),
        ((optim.Adagrad, optim.Adagrad), {"lr": 0.1, "lr_decay": 0.1}, False),
        ((optim.SparseAdam, optim.Adam), {"lr": 0.1, "eps": 1e-30}, True),
    ],
)
def test_steps_along_sparse_gradients_are_those_along_dense_ones(kinds, options, every):
    layers = table(True), table(False)
    optimizers = [kind(layer.parameters(), **options) for kind, layer in zip(kinds, layers)]
    # Adam moves rows that were not looked up, SparseAdam does not
    for indices in (INDICES, INDICES if every else [[1, 1, 3]], INDICES):
        for layer, optimizer in zip(layers, optimizers):
            optimizer.zero_grad()
            loss(layer, indices).backward()
            optimizer.step()
        assert_close(layers[0].weight, layers[1].weight)


def test_sparse_adam_leaves_other_rows_alone():
    layer = table(True)
    before, optimizer = layer.weight.detach().clone(), optim.SparseAdam(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss(layer, [1, 3]).backward()
        optimizer.step()
    assert [bool((a != b).any()) for a, b in zip(layer.weight, before)] == [False, True, False, True, False]
    assert optimizer.state[layer.weight]["step"] == 3


def test_optimizers_that_need_dense_gradients_say_so():
    refusals = {optim.Adam: "consider SparseAdam instead", optim.RMSprop: "RMSprop does not support sparse gradients"}
    for kind, message in refusals.items():
        layer = table(True)
        loss(layer, INDICES).backward()
        with pytest.raises(RuntimeError, match=message):
            kind(layer.parameters()).step()
    layer = table(True, scale_grad_by_freq=True)
    with pytest.raises(RuntimeError, match="scale_grad_by_freq not supported with sparse gradients"):
        loss(layer, INDICES).backward()


@pytest.mark.filterwarnings("ignore")
def test_compiled_steps_take_sparse_gradients_as_eager_ones():
    def trained(compiled):
        layer = table(True)
        optimizer = optim.SGD(layer.parameters(), lr=0.1)

        def step(indices):
            optimizer.zero_grad()
            value = (layer(indices) ** 2).sum()
            value.backward()
            optimizer.step()
            return value

        run = lineal.compile(step) if compiled else step
        for _ in range(3):
            run(lineal.tensor(INDICES))
        return layer.weight.detach()

    assert lineal.equal(trained(True), trained(False))
