"""Recurrent nets: layers are their cells step by step, packed sequences are those alone, derivatives, loops when compiled."""

import pytest

import lineal
from lineal import nn
from lineal.nn.functional import directions
from lineal.nn.utils import rnn

KINDS = {"RNN": nn.RNNCell, "LSTM": nn.LSTMCell, "GRU": nn.GRUCell}


def states_of(found):
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("bias", "steps"), [(True, 5), (False, 5), (True, 1)])
def test_a_layer_is_its_cell_step_by_step(kind, bias, steps):
    layer, cell = getattr(nn, kind)(3, 4, bias=bias), KINDS[kind](3, 4, bias=bias)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    x = lineal.randn(steps, 2, 3)
    y, last = layer(x)
    assert y.shape == (steps, 2, 4)
    state = None
    for here, expected in zip(x, y):
        state = cell(here, state)
        lineal.testing.assert_close(states_of(state)[0], expected)
    for found, expected in zip(states_of(last), states_of(state)):
        lineal.testing.assert_close(found[0], expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_packed_sequences_are_those_alone(kind, bidirectional):
    layer = getattr(nn, kind)(3, 4, num_layers=2, bidirectional=bidirectional)
    sequences = [lineal.randn(length, 3) for length in (2, 5, 3)]
    packed, last = layer(rnn.pack_sequence(sequences, enforce_sorted=False))
    for place, (sequence, y) in enumerate(zip(sequences, rnn.unpack_sequence(packed))):
        alone, state = layer(sequence)
        lineal.testing.assert_close(y, alone)
        for found, expected in zip(states_of(last), states_of(state)):
            lineal.testing.assert_close(found[:, place], expected)


@pytest.mark.parametrize(("name", "gates"), [("rnn_tanh", 1), ("lstm", 4), ("gru", 3)])
def test_derivatives_by_inputs_states_and_weights(name, gates):
    normal = lambda *shape: lineal.randn(*shape, dtype=lineal.float64, requires_grad=True)
    x, h, weights = normal(3, 1, 2), normal(1, 1, 2), [normal(gates * 2, 2), normal(gates * 2, 2)]
    biases = [normal(gates * 2), normal(gates * 2)]

    def function(x, h, *params):
        return getattr(lineal, name)(x, (h, h) if name == "lstm" else h, params, True, 1, 0.0, True, False, False)[0]

    assert lineal.autograd.gradcheck(function, [x, h, *weights, *biases])
    assert lineal.autograd.gradgradcheck(lambda x, h, w: function(x, h, weights[0], w, *biases), [x, h, weights[1]])


def test_projected_states():
    layer = nn.LSTM(3, 5, num_layers=2, proj_size=2, batch_first=True)
    y, (h, c) = layer(lineal.randn(4, 6, 3))
    assert (y.shape, h.shape, c.shape) == ((4, 6, 2), (2, 4, 2), (2, 4, 5))
    assert layer.weight_hr_l1.shape == (2, 5)
    lineal.testing.assert_close(y[:, -1], h[1])


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_compiled_layer_is_one_loop_ahead_and_one_back(kind):
    layer = getattr(nn, kind)(3, 4)
    x = lineal.randn(12, 2, 3)
    loss = lambda x: (layer(x)[0] ** 2).sum()
    loss(x).backward()
    expected = layer.weight_hh_l0.grad.clone()
    compiled = lineal.compile(loss)
    for _ in range(3):
        layer.zero_grad()
        compiled(x).backward()
    lineal.testing.assert_close(layer.weight_hh_l0.grad, expected)
    text = str(lineal.explain(loss)(x))
    assert text.count("repeat, 12 turns") == 2
    assert " 0 host steps" in text


LAYERS = [("RNN", {}), ("GRU", {"bidirectional": True}), ("LSTM", {"num_layers": 2, "bias": False}), ("LSTM", {"proj_size": 2})]


@pytest.mark.parametrize(("kind", "options"), LAYERS)
def test_layers_that_have_taken_many_steps_are_native(kind, options, monkeypatch):
    layer = getattr(nn, kind)(3, 4, **options).double()
    x = lineal.randn(9, 2, 3, dtype=lineal.float64, requires_grad=True)
    given = (x, *layer.parameters())

    def found():
        y = layer(x)[0]
        gs = lineal.autograd.grad((y**3).sum(), given, create_graph=True)
        return y, *gs, *lineal.autograd.grad(sum((g**2).sum() for g in gs), given)

    expected = found()
    monkeypatch.setattr(directions, "LEAST", 9)
    for _ in range(3):
        lineal.testing.assert_close(found(), expected)
    with lineal.no_grad():
        for _ in range(2):
            lineal.testing.assert_close(layer(x)[0], expected[0].detach())
    slices = lineal.stack([x.detach(), -x.detach()])
    lineal.testing.assert_close(lineal.vmap(lambda x: layer(x)[0])(slices)[0], expected[0])


@pytest.mark.parametrize(("kind", "options"), [LAYERS[0], LAYERS[3]])
def test_loops_of_layers_are_differentiated_twice_in_programs(kind, options):
    layer = getattr(nn, kind)(3, 4, **options).double()
    x = lineal.randn(9, 2, 3, dtype=lineal.float64)

    def penalty(x):
        x = x.detach().requires_grad_()
        (g,) = lineal.autograd.grad((layer(x)[0] ** 3).sum(), x, create_graph=True)
        return lineal.autograd.grad((g**2).sum(), [x, *layer.parameters()], allow_unused=True, materialize_grads=True)

    compiled = lineal.compile(penalty)
    for _ in range(3):
        lineal.testing.assert_close(compiled(x), penalty(x))
    assert compiled.eager is None


def length_of_way_back(layer, steps):
    """Return how many equations go back through a layer, and check its gradients of packed sequences."""
    x = lineal.randn(steps, 3, 3, requires_grad=True)

    def packed(x):
        y, state = layer(rnn.pack_padded_sequence(x, [steps, steps - 9, steps - 9]))
        return y.data.square().sum() + state.sum()

    compiled = lineal.compile(packed)
    for _ in range(2):
        (g,) = lineal.autograd.grad(compiled(x), x)
    lineal.testing.assert_close(g, lineal.autograd.grad(packed(x), x)[0])
    (programs,) = compiled.programs.values()
    return len(programs[0].back.trace.equations)


def test_programs_of_packed_sequences_are_as_long_whatever_the_steps():
    layer = nn.GRU(3, 4, bidirectional=True)
    assert length_of_way_back(layer, 20) == length_of_way_back(layer, 60)


def test_who_wants_the_same_bits_says_how_sequences_are_gone_through(monkeypatch):
    monkeypatch.setattr(directions, "LEAST", 9)
    layer, x = nn.LSTM(3, 4), lineal.randn(9, 2, 3)
    before = lineal.get_recurrent_layers()
    try:
        for name in ("eager", "native"):
            lineal.set_recurrent_layers(name)
            # a compiled function runs once before it is native
            *_, one, other = [layer(x)[0] for _ in range(4)]
            assert lineal.equal(one, other)
            assert (one.grad_fn.name() == "StackBackward0") == (name == "eager")
        with pytest.raises(ValueError, match="set_recurrent_layers: expected one of auto, eager, native"):
            lineal.set_recurrent_layers("fast")
    finally:
        lineal.set_recurrent_layers(before)


def test_sequences_are_packed_and_padded_again():
    sequences = [lineal.arange(3.0), lineal.arange(1.0, 2.0), lineal.arange(4.0, 6.0)]
    padded = rnn.pad_sequence(sequences, batch_first=True, padding_value=-1.0)
    assert padded.tolist() == [[0, 1, 2], [1, -1, -1], [4, 5, -1]]
    assert rnn.pad_sequence(sequences, True, -1.0, "left").tolist() == [[0, 1, 2], [-1, -1, 1], [-1, 4, 5]]
    packed = rnn.pack_padded_sequence(padded, [3, 1, 2], batch_first=True, enforce_sorted=False)
    assert packed.data.tolist() == [0, 4, 1, 1, 5, 2]
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.sorted_indices.tolist() == [0, 2, 1]
    again, lengths = rnn.pad_packed_sequence(packed, batch_first=True, padding_value=-1.0, total_length=4)
    assert again.tolist() == [[0, 1, 2, -1], [1, -1, -1, -1], [4, 5, -1, -1]]
    assert lengths.tolist() == [3, 1, 2]
    assert [each.tolist() for each in rnn.unpack_sequence(packed)] == [each.tolist() for each in sequences]
    assert packed.double().data.dtype is lineal.float64
    assert packed.to(lineal.float32) is packed


def test_what_cannot_be_packed():
    x = lineal.ones(3, 2)
    refused = {"sorted in decreasing order": [1, 2], "greater than 0": [2, 0], "batch_size=2": [3], "at most 3": [4, 1]}
    for message, lengths in refused.items():
        with pytest.raises(RuntimeError, match=message):
            rnn.pack_padded_sequence(x, lengths)
    with pytest.raises(ValueError, match="total_length=1"):
        rnn.pad_packed_sequence(rnn.pack_padded_sequence(x, [3, 2]), total_length=1)


def test_recurrent_nets_refuse_what_does_not_fit():
    layer = nn.GRU(3, 4)
    with pytest.raises(ValueError, match="2D or 3D, got 4D"):
        layer(lineal.ones(1, 1, 1, 3))
    with pytest.raises(RuntimeError, match="Expected 3, got 2"):
        layer(lineal.ones(5, 1, 2))
    with pytest.raises(RuntimeError, match=r"Expected hidden size \(1, 1, 4\), got \[2, 1, 4\]"):
        layer(lineal.ones(5, 1, 3), lineal.ones(2, 1, 4))
    with pytest.raises(ValueError, match="does not match weight dtype"):
        layer(lineal.ones(5, 1, 3, dtype=lineal.float64))
    with pytest.raises(RuntimeError, match="larger than 0"):
        layer(lineal.ones(0, 1, 3))
    with pytest.raises(RuntimeError, match="inconsistent input_size"):
        nn.GRUCell(3, 4)(lineal.ones(1, 2))
    with pytest.raises(ValueError, match="1D or 2D"):
        nn.LSTMCell(3, 4)(lineal.ones(1, 1, 3))
    for make, options in [(nn.RNN, {"proj_size": 2}), (nn.LSTM, {"proj_size": 4}), (nn.RNN, {"nonlinearity": "sin"})]:
        with pytest.raises(ValueError, match=next(iter(options))):
            make(3, 4, **options)
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        nn.LSTM(3, 4, dropout=0.5)


def test_flat_weights_are_the_parameters_in_their_order():
    layer = nn.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2)
    assert layer._flat_weights_names == [name for name, _ in layer.named_parameters()]
    assert all(a is b for a, b in zip(layer._flat_weights, layer.parameters(), strict=True))
    assert [each for direction in layer.all_weights for each in direction] == layer._flat_weights
