"""The call of a small program in native code: right, without a reference lost, and aware of when to refuse."""

import gc
import sys
import threading

import numpy as np
import pytest

import lineal
from lineal import nn, optim


def linear_step(**options):
    net = nn.Linear(3, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.1, **options)

    @lineal.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return net, optimizer, step


def warmed(step, *given, times=4):
    for _ in range(times):
        step(*given)
    return step


def is_direct(function) -> bool:
    return type(function.fast).__name__ == "builtin_function_or_method"


def same_step(net, optimizer, x, y):
    """Do in eager mode what the compiled step does, on copies."""
    copy = nn.Linear(3, 1)
    copy.load_state_dict(net.state_dict())
    group = {key: value for key, value in optimizer.param_groups[0].items() if key in ("lr", "momentum", "weight_decay")}
    other = optim.SGD(copy.parameters(), **group)
    loss = ((copy(x) - y) ** 2).mean()
    loss.backward()
    other.step()
    return loss, copy


def test_a_training_step_is_called_natively_and_right():
    net, optimizer, step = linear_step()
    x, y = lineal.randn(8, 3), lineal.randn(8, 1)
    warmed(step, x, y)
    assert is_direct(step)
    for _ in range(3):
        loss, copy = same_step(net, optimizer, x, y)
        np.testing.assert_allclose(step(x, y).item(), loss.item(), rtol=1e-5)
        np.testing.assert_allclose(net.weight.detach().numpy(), copy.weight.detach().numpy(), rtol=1e-5)
        np.testing.assert_allclose(net.weight.grad.numpy(), copy.weight.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_numbers_and_options_are_read_at_each_call():
    net, optimizer, step = linear_step()
    x, y = lineal.randn(8, 3), lineal.randn(8, 1)
    warmed(step, x, y)
    for lr, decay in ((0.01, 0.0), (0.5, 0.0), (0.5, 0.25), (0, 0.0)):
        optimizer.param_groups[0].update(lr=lr, weight_decay=decay)
        for _ in range(3):
            _, copy = same_step(net, optimizer, x, y)
            step(x, y)
            np.testing.assert_allclose(net.weight.detach().numpy(), copy.weight.detach().numpy(), rtol=1e-4, atol=1e-6)


def test_a_grad_that_somebody_holds_is_left_alone():
    net, _, step = linear_step()
    x, y = lineal.randn(8, 3), lineal.randn(8, 1)
    warmed(step, x, y)
    held = net.weight.grad
    before = held.numpy().copy()
    step(x, y)
    assert net.weight.grad is not held
    np.testing.assert_array_equal(held.numpy(), before)
    array = net.weight.grad.numpy()
    before = array.copy()
    step(x, y)
    np.testing.assert_array_equal(array, before)


def test_what_a_graph_kept_is_known_to_be_written():
    net, _, step = linear_step()
    x, y = lineal.randn(8, 3), lineal.randn(8, 1)
    warmed(step, x, y)
    loss = (net.weight**3).sum()
    step(x, y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_an_argument_written_in_place_is_the_one_of_the_call():
    @lineal.compile
    def bump(x):
        x.add_(1)
        return x.sum()

    for k in range(6):
        x = lineal.full((3,), float(k))
        kept = (w := lineal.ones(3, requires_grad=True)) * x
        assert bump(x).item() == 3 * (k + 1)
        assert x.tolist() == [k + 1.0] * 3
        with pytest.raises(RuntimeError, match="inplace"):
            kept.sum().backward()
        assert w.grad is None
    assert is_direct(bump)


def test_a_leaf_in_the_arguments_gets_its_own_grad():
    @lineal.compile
    def step(x):
        loss = (x * x).sum()
        loss.backward()
        return loss

    first = lineal.randn(3, requires_grad=True)
    for _ in range(4):
        first.grad = None
        step(first)
    second = lineal.randn(3, requires_grad=True)
    first.grad = None
    step(second)
    assert first.grad is None
    np.testing.assert_allclose(second.grad.numpy(), 2 * second.detach().numpy(), rtol=1e-6)


def test_arguments_by_name_are_not_taken_for_arguments_in_order():
    minus = lineal.compile(lambda x, y: x - y)
    x, y = lineal.ones(2), lineal.zeros(2)
    for _ in range(3):
        assert minus(y=y, x=x).tolist() == [1, 1]
    assert minus(x, y).tolist() == [1, 1]


def test_inside_another_function_that_is_compiled_it_is_heard():
    inner = warmed(lineal.compile(lambda x: (x * 2).sum()), lineal.randn(3))
    outer = lineal.compile(lambda x: inner(x) + 1)
    for _ in range(4):
        x = lineal.randn(3)
        assert outer(x).item() == pytest.approx(2 * x.sum().item() + 1, rel=1e-5)


@pytest.mark.parametrize(
    "result",
    [
        lambda x: (x + 1, x * 2),
        lambda x: {"a": x + 1, "b": [x * 2, None]},
        lambda x: [x + 1],
        lambda x: None,
        lambda x: (x + 1, "word"),
    ],
)
def test_results_keep_their_structure(result):
    function = warmed(lineal.compile(result), lineal.randn(4))
    x = lineal.randn(4)
    assert str(function(x)) == str(result(x))


def test_results_are_tensors_like_others():
    double = warmed(lineal.compile(lambda x: x * 2), lineal.ones(3))
    y = double(lineal.ones(3))
    y.mark = "attributes can be set"
    y.requires_grad_()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4, 4, 4]
    y = double(lineal.ones(3))
    y += 1
    assert y[1:].tolist() == [3, 3]


def test_grad_mode_is_looked_at():
    w = lineal.ones(3, requires_grad=True)
    function = lineal.compile(lambda x: (x * w).sum())
    x = lineal.ones(3)
    for _ in range(4):
        with lineal.no_grad():
            assert function(x).grad_fn is None
        assert function(x).requires_grad


def test_no_reference_is_lost():
    net, _, step = linear_step()
    x, y = lineal.randn(8, 3), lineal.randn(8, 1)
    pair = lineal.compile(lambda x: (x + 1, x.sum()))
    warmed(step, x, y)
    warmed(pair, x)
    things = [None, np.ndarray, x, net.weight, type(x), np.dtype(np.float32), step]
    refs, blocks = [], []
    for _ in range(3):  # what threads that prepare code keep comes once; what a call loses, every time
        gc.collect()
        references, held = [sys.getrefcount(each) for each in things], sys.getallocatedblocks()
        for _ in range(3000):
            step(x, y)
            pair(x)
        gc.collect()
        refs.append(max(abs(sys.getrefcount(each) - old) for each, old in zip(things, references)))
        blocks.append(abs(sys.getallocatedblocks() - held))
    assert min(refs) < 50
    assert min(blocks) < 500


def test_several_threads_call_it():
    function = warmed(lineal.compile(lambda x: (x * x).sum()), lineal.randn(50))
    wrong = []

    def work(seed):
        x = lineal.full((50,), float(seed))
        wrong.extend(k for k in range(2000) if function(x).item() != 50 * seed * seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


def test_an_index_out_of_range_raises():
    pick = lineal.compile(lambda x, i: x[i])
    x = lineal.arange(5.0)
    for k in range(5):
        assert pick(x, lineal.tensor([k])).item() == k
    with pytest.raises(IndexError, match="out of"):
        pick(x, lineal.tensor([9]))
    assert pick(x, lineal.tensor([4])).item() == 4


@pytest.mark.parametrize("look", ["offset_in_float", "offset_in_cell", "offsets_in_function"])
def test_where_a_field_is_not_found_calls_go_the_slower_way(look, monkeypatch):
    def lost():
        raise LookupError(look)

    monkeypatch.setattr(f"lineal.codegen.cpython.layout.{look}", lost)
    factor = 2.0
    compiled = lineal.compile(lambda x: x * factor)
    for _ in range(4):
        assert compiled(lineal.ones(3)).tolist() == [2.0, 2.0, 2.0]
    assert compiled.last is not None and compiled.eager is None
