"""Sizes, counts and repeats beyond all memory are refused at once, and sizes given as tensors are read at once."""

import time

import pytest

import lineal
from lineal.nn import functional as F

resource = pytest.importorskip("resource")

VECTOR, MATRIX, INDEX = lineal.ones(3), lineal.ones(3, 4), lineal.tensor([0, 1, 2])
NONE = lineal.ones(0)
ONE = lineal.ones(1)

# what would have more elements than have addresses, or than NumPy's arrays may have dimensions and sizes
REFUSED = {
    "zeros": lambda n: lineal.zeros(n),
    "zeros of two": lambda n: lineal.zeros(n, n),
    "ones": lambda n: lineal.ones(n),
    "empty": lambda n: lineal.empty(n),
    "full": lambda n: lineal.full((n,), 1),
    "new_full": lambda n: VECTOR.new_full((n,), 1),
    "eye": lambda n: lineal.eye(n),
    "arange": lambda n: lineal.arange(n),
    "arange of fractions": lambda n: lineal.arange(0.0, float(n)),
    "arange by small steps": lambda n: lineal.arange(0, 1, 1 / n),
    "arange both ways": lambda n: lineal.arange(-n, n),
    "linspace": lambda n: lineal.linspace(0, 1, n),
    "logspace": lambda n: lineal.logspace(0, 1, n),
    "rand": lambda n: lineal.rand(n),
    "randn": lambda n: lineal.randn(n, n),
    "randint": lambda n: lineal.randint(0, 5, (n,)),
    "randperm": lambda n: lineal.randperm(n),
    "expand": lambda n: ONE.expand(n),
    "broadcast_to": lambda n: lineal.broadcast_to(ONE, (n, n)),
    "repeat": lambda n: VECTOR.repeat(n),
    "tile": lambda n: lineal.tile(VECTOR, (n,)),
    "repeat_interleave": lambda n: lineal.repeat_interleave(VECTOR, n),
    "reshape": lambda n: VECTOR.reshape(n, n),
    "view": lambda n: VECTOR.view(n, -1),
    "unflatten": lambda n: VECTOR.unflatten(0, (n, -1)),
    "unfold": lambda n: VECTOR.unfold(0, n, 1),
    "narrow": lambda n: lineal.narrow(VECTOR, 0, 0, n),
    "as_strided": lambda n: lineal.as_strided(VECTOR, (n,), (1,)),
    "pad": lambda n: F.pad(VECTOR, (n, 0)),
    "one_hot": lambda n: F.one_hot(INDEX, n),
    "bincount": lambda n: lineal.bincount(INDEX, minlength=n),
    "combinations": lambda n: lineal.combinations(VECTOR, n),
    "combinations with replacement": lambda n: lineal.combinations(VECTOR, n, with_replacement=True),
    "diag_embed": lambda n: lineal.diag_embed(VECTOR, n),
    "topk": lambda n: lineal.topk(VECTOR, n),
    "multinomial": lambda n: lineal.multinomial(VECTOR, n),
    "tensor_split": lambda n: lineal.tensor_split(VECTOR, n),
    "tensor_split of nothing": lambda n: lineal.tensor_split(NONE, n),
    "chunk of nothing": lambda n: lineal.chunk(NONE, n),
    "split by sizes": lambda n: lineal.split(VECTOR, [n, 3 - n]),
    "hsplit": lambda n: lineal.hsplit(VECTOR, n),
    "random_ to": lambda n: lineal.empty(2).random_(2 * n * n),
}
GIVEN = {
    "one split by more than there is": lambda n: len(lineal.split(VECTOR, n)) == 1,
    "as many chunks as elements": lambda n: len(lineal.chunk(VECTOR, n)) == 3,
    "indices past the end": lambda n: [each.numel() for each in lineal.tensor_split(VECTOR, [n])] == [3, 0],
    "a roll": lambda n: lineal.equal(lineal.roll(INDEX, n), lineal.roll(INDEX, n % 3)),
    "no differences": lambda n: lineal.diff(VECTOR, n).numel() == 0,
    "a slice": lambda n: VECTOR[:n].numel() == 3,
}
HUGE = [1 << 62, (1 << 63) - 1, 1 << 64, 1 << 70]


@pytest.fixture(autouse=True)
def no_memory_beyond_a_few_gigabytes():
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("count", HUGE, ids=["2^62", "2^63-1", "2^64", "2^70"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_no_memory_holds_is_refused_at_once(name, count):
    start = time.perf_counter()
    with pytest.raises((RuntimeError, MemoryError, OverflowError, IndexError)) as caught:
        REFUSED[name](count)
    assert str(caught.value)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("count", [-1, -(1 << 70)], ids=["-1", "-2^70"])
@pytest.mark.parametrize("name", ["zeros", "eye", "linspace", "randperm", "tensor_split", "chunk of nothing", "combinations"])
def test_negative_counts_are_refused(name, count):
    with pytest.raises(RuntimeError):
        REFUSED[name](count)


@pytest.mark.parametrize("count", HUGE, ids=["2^62", "2^63-1", "2^64", "2^70"])
@pytest.mark.parametrize("name", GIVEN)
def test_bounds_beyond_all_there_is_are_bounds(name, count):
    assert GIVEN[name](count)


def test_combinations_of_more_than_there_is_are_none():
    assert lineal.combinations(VECTOR, 5).shape == (0, 5)
    assert lineal.combinations(NONE, 2, with_replacement=True).shape == (0, 2)


def test_sizes_in_a_tensor_are_read_at_once():
    wanted = lineal.full((100_000,), 2)
    # the machine may be busy: a tensor for each size took 20 s
    start = time.perf_counter()
    for function in (lineal.zeros, VECTOR.view, VECTOR.repeat, ONE.expand, lineal.rand, VECTOR.new_ones):
        with pytest.raises(RuntimeError, match="at most 64 dimensions, got 100000") as caught:
            function(wanted)
        assert len(str(caught.value)) < 200
    with pytest.raises(RuntimeError):
        lineal.roll(VECTOR, wanted, (0,))
    assert time.perf_counter() - start < 2
    assert lineal.zeros(lineal.tensor([2, 3])).shape == (2, 3)


def test_pieces_know_how_they_came_about_though_nobody_asked():
    x = lineal.arange(6.0)
    *_, last = x.unbind()
    last.mul_(3)
    x.split(2)[1][0:1].mul_(5)
    assert x.tolist() == [0, 1, 10, 3, 4, 15]
    weight = lineal.ones(6, requires_grad=True)
    y = x * 1
    pieces = y.split(2)
    y.mul_(weight)
    pieces[2].sum().backward()
    assert weight.grad.tolist() == [0, 0, 0, 0, 4, 15]
