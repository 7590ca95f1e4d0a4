"""Tensors in memory that several processes see, and how they are sent."""

import os
import pickle
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest

import lineal
from lineal import multiprocessing, nn, optim

pytestmark = [pytest.mark.timeout(60), pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are started by fork here")]


def sent(x):
    """Return what another process would get; that it is this one tells whether memory is mapped twice."""
    return ForkingPickler.loads(bytes(ForkingPickler.dumps(x)))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "complex64", "bool", "int64"])
def test_a_tensor_moves_to_shared_memory_with_its_numbers(dtype):
    x = lineal.arange(6).reshape(2, 3).to(getattr(lineal, dtype)).clone()
    expected = x.clone()
    assert not x.is_shared()
    assert x.share_memory_() is x
    assert x.is_shared() and x.untyped_storage().is_shared() and x[1].is_shared()
    assert lineal.equal(x, expected)
    assert not (x + 1).is_shared()


def test_writes_are_seen_by_forked_processes():
    x, y = lineal.zeros(3).share_memory_(), lineal.zeros(3)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=lambda: (x.add_(2), y.add_(2)))
    process.start()
    process.join(20)
    assert (x.tolist(), y.tolist()) == ([2, 2, 2], [0, 0, 0])


KINDS = {
    "tensor": lambda: lineal.arange(6.0).reshape(2, 3).clone(),
    "column-major": lambda: lineal.from_numpy(np.asfortranarray(np.arange(6.0).reshape(2, 3))),
    "parameter": lambda: nn.Parameter(lineal.arange(6.0)),
    "frozen": lambda: nn.Parameter(lineal.arange(6.0), requires_grad=False),
    "requires grad": lambda: lineal.ones(3, requires_grad=True),
    "a number": lambda: lineal.tensor(3.0),
    "bfloat16": lambda: lineal.ones(3, dtype=lineal.bfloat16),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_is_shared(kind):
    x = KINDS[kind]()
    y = sent(x)
    assert type(y) is type(x) and y is not x
    assert (y.requires_grad, y.dtype, y.stride()) == (x.requires_grad, x.dtype, x.stride())
    assert x.is_shared() and y.is_shared()
    with lineal.no_grad():
        x.fill_(7)
    assert y.unique().tolist() == [7]


def test_parts_of_shared_memory_are_sent_as_such():
    x = lineal.arange(12.0).reshape(3, 4).clone().share_memory_()
    part = sent(x[1:, ::2])
    assert part.tolist() == [[4, 6], [8, 10]]
    x.zero_()
    assert part.tolist() == [[0, 0], [0, 0]]


def test_what_others_look_into_is_copied_to_be_sent_and_moves_with_them():
    x = lineal.arange(6.0)
    part = x[:3]
    copy = sent(part)
    part.zero_()
    assert x.tolist() == [0, 0, 0, 3, 4, 5]
    assert (copy.tolist(), copy.is_shared()) == ([0, 1, 2], True)
    assert x.share_memory_().is_shared() and part.is_shared()
    part[0] = 7
    assert x.tolist() == [7, 0, 0, 3, 4, 5]


def test_nothing_is_sent_as_nothing_and_histories_are_refused():
    assert sent(lineal.empty(0, 3)).shape == (0, 3)
    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf"):
        sent(lineal.ones(2, requires_grad=True) * 2)


def test_modules_and_optimizers_are_sent():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).share_memory()
    assert all(each.is_shared() for each in [*model.parameters(), *model.buffers()])
    optimizer = optim.Adam(model.parameters())
    twin, other = sent((model, optimizer))
    assert other.param_groups[0]["params"][0] is next(twin.parameters())
    model(lineal.ones(2, 2)).sum().backward()
    optimizer.step()
    for name, x in model.state_dict().items():
        assert lineal.equal(x, twin.state_dict()[name])
    assert lineal.equal(pickle.loads(pickle.dumps(model))[0].weight, model[0].weight)


def echo(tasks, results):
    for x in iter(tasks.get, None):
        x += 1
        results.put(x * 2)


def test_queues_carry_tensors():
    context = multiprocessing.get_context("fork")
    tasks, results = context.Queue(), context.Queue()
    process = context.Process(target=echo, args=(tasks, results), daemon=True)
    process.start()
    xs = [lineal.full((5000,), float(n)) for n in range(3)]
    for x in xs:
        tasks.put(x)
    got = [results.get(timeout=20) for _ in xs]
    tasks.put(None)
    process.join(20)
    assert process.exitcode == 0
    assert [x[-1].item() for x in got] == [2, 4, 6]
    # the receiver has written to the same memory
    assert [x[0].item() for x in xs] == [1, 2, 3]


def test_tensors_over_the_pages_of_a_file(tmp_path):
    path = str(tmp_path / "x.bin")
    with pytest.raises(RuntimeError, match="smaller than the required mapping size <12>"):
        lineal.from_file(path, size=3)
    shared = lineal.from_file(path, shared=True, size=3)
    shared.copy_(lineal.tensor([1.0, 2.0, 3.0]))
    assert lineal.from_file(path, shared=True, size=4).tolist() == [1, 2, 3, 0]
    own = lineal.from_file(path, size=2, dtype=lineal.int32).zero_()
    assert (own.tolist(), np.fromfile(path, np.float32).tolist()) == ([0, 0], [1, 2, 3, 0])
    assert lineal.from_file(path, size=8, dtype=lineal.bfloat16)[1].item() == 1
    assert lineal.from_file(path).shape == (0,)
