"""Calls that are recalled do what their functions do: numbers, histories, errors, random numbers, warnings, modes."""

import functools
import gc
import sys
import warnings

import numpy as np
import pytest
from samples import SAMPLES
from test_contract import named

import lineal as torch
from lineal.base.blas import EAGER
from lineal.base.platforms import UNUSUAL
from lineal.base.replays import MOST
from lineal.codegen.cpython.recalling import NUMBER, Known, hashed
from lineal.core import opening, recalling
from lineal.core.apply import way
from lineal.testing.contract import variables

F = torch.nn.functional


@pytest.fixture(scope="module", autouse=True)
def native():
    """Calls are recalled here from the second one on."""
    if opening.opening.house is None:
        opening.opening.prepare()
    if opening.opening.house is None:
        pytest.skip("this Python has no builtins of ours")
    before, met, unusual = (way.taken, way.back), recalling.MET, set(UNUSUAL)
    way.taken, way.back = opening.opening.ways
    recalling.MET = 1
    # devices and dtypes that other tests have registered
    UNUSUAL.clear()
    yield
    way.taken, way.back = before
    recalling.MET = met
    UNUSUAL.update(unusual)


def forgotten():
    """Forget what calls were known, of other tests in this process."""
    for each in gc.get_objects():
        if type(each) is Known:
            each.table[NUMBER] = 0


@pytest.fixture
def plans(monkeypatch):
    """The functions of which a call was written down; nothing is known before."""
    forgotten()
    written, found = recalling.Recall.written, []

    def heard(self, *given):
        plan = written(self, *given)
        found.append(self.function.__name__)
        return plan

    monkeypatch.setattr(recalling.Recall, "written", heard)
    return found


def in_python(call):
    """Return what a call gives where nothing is native."""
    UNUSUAL.add(EAGER)
    try:
        return call()
    finally:
        UNUSUAL.discard(EAGER)


def history(node, seen=None):
    """Return the names of all nodes of a history."""
    seen = set() if seen is None else seen
    if node is None or id(node) in seen:
        return []
    seen.add(id(node))
    return [node.name(), *[name for each, _ in node.next_functions for name in history(each, seen)]]


def same(a, b):
    if isinstance(a, (tuple, list)):
        assert type(a) is type(b) and len(a) == len(b)
        for one, other in zip(a, b):
            same(one, other)
    elif isinstance(a, torch.Tensor):
        assert (a.value.dtype, a.value.shape, a.value.strides) == (b.value.dtype, b.value.shape, b.value.strides)
        np.testing.assert_array_equal(a.value, b.value)
        assert history(a.grad_fn) == history(b.grad_fn)
    else:
        assert a == b or a is b or (a != a and b != b)


@pytest.mark.parametrize("block", range(6))
def test_a_call_that_is_recalled_gives_what_its_function_gives(block):
    """On other numbers than those it was written down with."""
    for name, samples in [*SAMPLES.items()][block::6]:
        for sample in samples[:2]:
            for _ in range(2):
                sample.call(named(name), variables(sample.arrays()))
            xs = variables([np.roll(each, 1) if isinstance(each, np.ndarray) else each for each in sample.arrays()])
            call = functools.partial(sample.call, named(name), xs)
            torch.manual_seed(3)
            try:
                wanted = in_python(call)
            except Exception:
                continue
            torch.manual_seed(3)
            same(call(), wanted)
    assert sum(int(each.table[0]) for each in gc.get_objects() if type(each) is Known) > 20


def test_what_numbers_must_be_is_looked_at_in_each_call(plans):
    table, x = torch.randn(5, 3), torch.randn(4, 3)
    for _ in range(3):
        F.embedding(torch.tensor([0, 4, 1]), table)
        F.cross_entropy(x, torch.tensor([0, 1, 2, 0]))
        torch.gather(x, 1, torch.tensor([[0], [1], [2], [0]]))
        F.binary_cross_entropy(torch.full((3,), 0.5), torch.ones(3))
    assert {"embedding", "cross_entropy", "gather", "binary_cross_entropy"} <= set(plans)
    with pytest.raises(IndexError, match="embedding"):
        F.embedding(torch.tensor([0, 5, 1]), table)
    with pytest.raises(IndexError, match="embedding"):
        F.embedding(torch.tensor([0, -1, 1]), table)
    with pytest.raises(IndexError):
        F.cross_entropy(x, torch.tensor([0, 1, 3, 0]))
    with pytest.raises((IndexError, RuntimeError)):
        torch.gather(x, 1, torch.tensor([[0], [1], [3], [0]]))
    with pytest.raises(RuntimeError):
        F.binary_cross_entropy(torch.full((3,), 1.5), torch.ones(3))


def test_how_many_are_chosen_is_counted_in_each_call(plans):
    for n in range(1, 6):
        x = torch.arange(6.0)
        y = torch.index_put(x, (x < n,), torch.tensor(1.0), accumulate=True)
        assert y.tolist() == [v + (v < n) for v in range(6)]
        assert torch.masked_select(x, x < n).shape == (n,) and torch.nonzero(x < n).shape == (n, 1)


def test_calls_differ_by_numbers_shapes_strides_and_words(plans):
    x = torch.randn(4, 6)
    for _ in range(3):
        F.elu(x, 1.0), F.elu(x, 0.5), x.sum(0), x.sum(1), x.T.sum(0), x.double().sum(0), torch.sum(x, 0, keepdim=True)
        F.mse_loss(x, x + 1, reduction="sum"), F.mse_loss(x, x + 1, reduction="none")
    same(F.elu(x, 0.5), in_python(lambda: F.elu(x, 0.5)))
    assert x.sum(1).shape == (4,) and x.T.sum(0).shape == (4,) and torch.sum(x, 0, keepdim=True).shape == (1, 6)
    assert F.mse_loss(x, x + 1, reduction="none").shape == (4, 6) and F.mse_loss(x, x + 1, reduction="sum").ndim == 0


def test_modes_hold_in_calls_that_were_written_down_without_them(plans):
    x = torch.randn(3, 4, requires_grad=True)
    w = torch.randn(4, 4)
    for _ in range(3):
        F.layer_norm(x, (4,)), torch.softmax(torch.tensor([1, 2]).float(), 0), torch.addmm(torch.zeros(3, 4), x, w)
        torch.mean(torch.ones(3))
    assert F.layer_norm(x, (4,)).grad_fn.name() == "NativeLayerNormBackward0"
    with torch.no_grad():
        assert F.layer_norm(x, (4,)).grad_fn is None
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.addmm(torch.zeros(3, 4), x, w).dtype is torch.bfloat16
    with torch.inference_mode():
        assert F.layer_norm(x, (4,)).is_inference()
    heard = []
    with torch.profiler.profile() as profile:
        F.layer_norm(x, (4,))
    heard += [event.key for event in profile.key_averages()]
    assert heard


def test_random_numbers_come_as_ever(plans):
    x = torch.ones(50)
    found = []
    for call in (lambda work: work(), in_python):
        torch.manual_seed(0)
        found.append(
            [call(lambda: F.dropout(x, 0.5)).tolist() for _ in range(6)] + [call(lambda: torch.bernoulli(x / 2)).tolist()]
        )
    assert found[0] == found[1] and "dropout" in plans
    torch.manual_seed(0)
    state = torch.get_rng_state()
    for _ in range(4):
        F.gelu(x), F.mse_loss(x, x)
    assert torch.equal(state, torch.get_rng_state())


def test_what_writes_warns_or_returns_its_input_is_done_each_time(plans):
    x, mean, out = torch.randn(6, 3), torch.zeros(3), torch.empty(6, 3)
    for n in range(4):
        before = mean.clone()
        F.batch_norm(x, mean, torch.ones(3), training=True)
        assert not torch.equal(before, mean), n
        torch.clamp(x, -n, n, out=out)
        assert out.abs().max() <= n
        y = x.clone()
        assert F.leaky_relu(y, 0.1, inplace=True) is y and torch.equal(y, F.leaky_relu(x, 0.1))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            F.mse_loss(x, x[:1])
        assert len(told) == 1
    assert torch.broadcast_tensors(x, x)[0].data_ptr() == x.data_ptr()


def test_the_same_tensor_twice_is_another_call(plans):
    x, y = torch.randn(3, 3, requires_grad=True), torch.randn(3, 3, requires_grad=True)
    for _ in range(3):
        F.mse_loss(x, x), F.mse_loss(x, y)
    F.mse_loss(x, y).backward()
    wanted = in_python(lambda: torch.autograd.grad(F.mse_loss(x, y), [x, y]))
    same((x.grad, y.grad), wanted)


def test_subclasses_and_strange_arguments_go_to_the_function(plans):
    class Named(torch.Tensor):
        pass

    x = torch.randn(3, 4)
    for _ in range(3):
        F.layer_norm(x, (4,))
        assert type(F.layer_norm(x.as_subclass(Named), (4,))) is Named
        F.layer_norm(x, torch.Size([4])), F.layer_norm(x, [np.int64(4)]), F.layer_norm(input=x, normalized_shape=[4])
    with pytest.raises(TypeError, match="layer_norm"):
        F.layer_norm(x, (4,), nothing=3)


def test_nothing_is_held(plans):
    x = torch.randn(4, 4)
    for _ in range(3000):
        F.huber_loss(x, x * 2), x.max(1)
    grown = []
    for _ in range(3):  # what threads that prepare code keep comes once; what a call holds, every time
        gc.collect()
        before = sys.getrefcount(x), len(gc.get_objects())
        for _ in range(500):
            F.huber_loss(x, x * 2), x.max(1)
        assert sys.getrefcount(x) == before[0]
        grown.append(len(gc.get_objects()) - before[1])
    assert min(grown) < 60


def test_a_table_is_full_once():
    known = Known()
    for n in range(MOST + 5):
        known.enter(np.array([n, -n], np.int64).tobytes(), None, ())
    assert known.table[0] == MOST and len({hashed(np.array([n, -n])) for n in range(100)}) == 100
