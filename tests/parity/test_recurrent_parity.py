"""Recurrent nets, attention and transformers with the same weights as PyTorch's: outputs, gradients, printed modules, keys."""

import itertools
import warnings

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

rng = np.random.default_rng(0)
LIBRARIES = (lineal, torch)


def normal(*shape):
    return rng.normal(size=shape)


def leaves(tree):
    """Return the tensors of nested tuples."""
    if isinstance(tree, (tuple, list)):
        return [leaf for part in tree for leaf in leaves(part)]
    return [] if tree is None else [tree]


def agree(make, run, *arrays):
    """Hold `run(library, module, *tensors)` of modules with one state to PyTorch's: text, keys, outputs, all gradients."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*nested tensor.*|.*nested_tensor.*|.*num_layers greater than 1.*")
        modules = [make(library).double() for library in LIBRARIES]
    mine, theirs = modules
    assert repr(mine) == repr(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    state = {name: normal(*value.shape) * 0.5 for name, value in theirs.state_dict().items()}
    results = []
    for library, module in zip(LIBRARIES, modules):
        module.load_state_dict({name: library.tensor(value) for name, value in state.items()})
        inputs = [library.tensor(each, requires_grad=True) for each in arrays]
        ys = [y for y in leaves(run(library, module, *inputs)) if y.dtype == library.float64]
        sum((y * library.cos(library.arange(y.numel()).to(y.dtype)).reshape(y.shape)).sum() for y in ys).backward()
        grads = [each.grad for each in (*inputs, *module.parameters())]
        results.append([each.detach().numpy() for each in (*ys, *[grad for grad in grads if grad is not None])])
    assert len(results[0]) == len(results[1])
    for found, expected in zip(*results):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)


OPTIONS = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"bias": False, "batch_first": True, "bidirectional": True},
    {"num_layers": 3, "bias": False, "dropout": 0.0},
]
KINDS = [
    *itertools.product(["RNN", "GRU", "LSTM"], OPTIONS),
    ("RNN", {"nonlinearity": "relu", "num_layers": 2}),
    ("LSTM", {"proj_size": 2, "num_layers": 2, "bidirectional": True}),
    ("LSTM", {"proj_size": 3, "bias": False, "batch_first": True}),
]


def start(kind, options, batch=None):
    """Return the first states as arrays."""
    count = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    lead = (count,) if batch is None else (count, batch)
    widths = [options.get("proj_size") or 4, 4][: 1 + (kind == "LSTM")]
    return [normal(*lead, width) for width in widths]


@pytest.mark.parametrize(("kind", "options"), KINDS, ids=str)
def test_recurrent_nets(kind, options):
    def make(library):
        return getattr(library.nn, kind)(3, 4, **options)

    def run(library, net, x, *state):
        return net(x, state if kind == "LSTM" else state[0]) if state else net(x)

    agree(make, run, normal(5, 2, 3))
    agree(make, run, normal(2, 5, 3), *start(kind, options, 2 if options.get("batch_first") else 5))
    agree(make, run, normal(5, 3), *start(kind, options))


@pytest.mark.parametrize(("kind", "options"), KINDS, ids=str)
@pytest.mark.parametrize("lengths", [[5, 3, 3, 1], [2, 5, 1, 4]])
def test_packed_sequences(kind, options, lengths):
    given = {**options, "batch_first": False}

    def run(library, net, x, *state):
        packed = library.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        y, last = net(packed, state if kind == "LSTM" else state[0])
        padded, counts = library.nn.utils.rnn.pad_packed_sequence(y, padding_value=2.0, total_length=6)
        assert counts.tolist() == lengths
        return padded, y.data, last

    agree(lambda library: getattr(library.nn, kind)(3, 4, **given), run, normal(5, 4, 3), *start(kind, given, 4))


CELLS = [("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu"}), ("GRUCell", {}), ("LSTMCell", {"bias": False})]


@pytest.mark.parametrize(("kind", "options"), CELLS)
def test_cells(kind, options):
    def run(library, cell, x, *state):
        return cell(x, state if kind == "LSTMCell" else state[0]) if state else cell(x)

    make = lambda library: getattr(library.nn, kind)(3, 4, **options)
    count = 1 + (kind == "LSTMCell")
    agree(make, run, normal(2, 3))
    agree(make, run, normal(3), *[normal(4) for _ in range(count)])
    agree(make, run, normal(2, 3), *[normal(2, 4) for _ in range(count)])


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize("batch_sizes", [None, [3, 2, 1]])
def test_functions_of_recurrent_nets(name, batch_sizes):
    gates = {"lstm": 4, "gru": 3}.get(name, 1)
    params = [normal(gates * 4, 3), normal(gates * 4, 4), normal(gates * 4), normal(gates * 4)]
    x, state = normal(*((6, 3) if batch_sizes else (2, 3, 3))), [normal(1, 3, 4) for _ in range(1 + (name == "lstm"))]
    found = []
    for library in LIBRARIES:
        weights, hx = ([library.tensor(each) for each in group] for group in (params, state))
        lead = (library.tensor(x), library.tensor(batch_sizes)) if batch_sizes else (library.tensor(x),)
        rest = (True, 1, 0.0, False, False, *(() if batch_sizes else (False,)))
        found.append(getattr(library, name)(*lead, hx if name == "lstm" else hx[0], weights, *rest))
    for mine, theirs in zip(*found):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-9)


SEEN = rng.random((4, 5)) < 0.4
SEEN[:, 0] = False
PADDING = np.array([[False] * 5, [False] * 3 + [True] * 2])
HEADS = [
    ({}, {}),
    ({}, {"need_weights": False}),
    ({"bias": False}, {"average_attn_weights": False, "attn_mask": SEEN}),
    ({"add_bias_kv": True}, {"key_padding_mask": PADDING, "attn_mask": SEEN}),
    ({"add_zero_attn": True, "kdim": 3, "vdim": 2}, {"attn_mask": normal(4, 4, 5)}),
    ({"add_zero_attn": True, "add_bias_kv": True}, {"key_padding_mask": PADDING, "need_weights": False}),
    ({"vdim": 3, "bias": False}, {"need_weights": False, "attn_mask": normal(4, 5)}),
]


@pytest.mark.parametrize(("options", "call"), HEADS)
@pytest.mark.parametrize("batch_first", [False, True])
def test_attention_of_several_heads(options, call, batch_first):
    query, key, value = normal(4, 2, 6), normal(5, 2, options.get("kdim", 6)), normal(5, 2, options.get("vdim", 6))
    arrays = [each.swapaxes(0, 1).copy() if batch_first else each for each in (query, key, value)]

    def run(library, layer, *xs):
        masks = {name: library.tensor(each) if isinstance(each, np.ndarray) else each for name, each in call.items()}
        return layer(*xs, **masks)

    agree(lambda library: library.nn.MultiheadAttention(6, 2, batch_first=batch_first, **options), run, *arrays)


def test_attention_to_oneself_and_without_a_batch():
    make = lambda library: library.nn.MultiheadAttention(6, 2)
    agree(make, lambda library, layer, x: layer(x, x, x), normal(4, 2, 6))
    agree(make, lambda library, layer, x, y: layer(x, y, y), normal(4, 6), normal(5, 6))

    def causal(library, layer, x):
        mask = library.nn.Transformer.generate_square_subsequent_mask(4, dtype=library.float64)
        return layer(x, x, x, attn_mask=mask, is_causal=True, need_weights=False)

    agree(make, causal, normal(4, 2, 6))


@pytest.mark.parametrize("weights", [False, True])
def test_queries_that_see_nothing(weights):
    found = []
    for library in LIBRARIES:
        layer = library.nn.MultiheadAttention(4, 1)
        for parameter in layer.parameters():
            parameter.data.fill_(0.5)
        x, mask = library.ones(2, 1, 4), library.tensor([[True, True], [False, True]])
        found.append(layer(x, x, x, attn_mask=mask, need_weights=weights)[0].detach().numpy())
    np.testing.assert_allclose(*found, rtol=1e-6)


TRANSFORMERS = [{}, {"norm_first": True, "batch_first": True}, {"bias": False, "activation": "gelu"}]


@pytest.mark.parametrize("options", TRANSFORMERS, ids=str)
def test_transformers(options):
    def run(library, model, source, target):
        mask = library.nn.Transformer.generate_square_subsequent_mask(3, dtype=library.float64)
        padding = library.zeros(2, 3, dtype=library.float64)
        padding[1, -1] = -np.inf
        return model(source, target, tgt_mask=mask, src_key_padding_mask=padding, memory_key_padding_mask=padding)

    def make(library):
        return library.nn.Transformer(4, 2, 2, 1, 5, dropout=0.0, **options)

    first = (2, 3, 4) if options.get("batch_first") else (3, 2, 4)
    agree(make, run, normal(*first), normal(*first))


def test_a_layer_with_a_module_as_activation():
    make = lambda library: library.nn.TransformerEncoderLayer(4, 2, 5, 0.0, library.nn.ReLU(), bias=False)
    agree(make, lambda library, layer, x: layer(x), normal(3, 2, 4))
