"""DataLoader and collating."""

import threading
import time
from collections import namedtuple

import numpy as np
import pytest

import lineal
from lineal import data

Pair = namedtuple("Pair", "x y")


class Slow(data.Dataset):
    """Items that take the longer the earlier they come."""

    def __getitem__(self, index):
        time.sleep(0.002 * (8 - index))
        return index

    def __len__(self):
        return 8


class Counter(data.IterableDataset):
    def __init__(self, stop):
        self.stop = stop

    def __iter__(self):
        return iter(range(self.stop))


def tensors():
    return data.TensorDataset(lineal.arange(10.0).reshape(5, 2), lineal.arange(5))


def values(loader):
    return [batch.tolist() for batch in loader]


def test_batches_in_order():
    loader = data.DataLoader(tensors(), batch_size=2)
    assert len(loader) == 3
    batches = list(loader)
    assert [batch[1].tolist() for batch in batches] == [[0, 1], [2, 3], [4]]
    assert batches[0][0].tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert isinstance(batches[0], list)
    dropped = data.DataLoader(tensors(), batch_size=2, drop_last=True)
    assert len(dropped) == len(list(dropped)) == 2


def test_shuffling_is_new_in_each_pass_and_seeded_by_the_generator():
    def passes(seed):
        loader = data.DataLoader(tensors(), 5, shuffle=True, generator=lineal.Generator().manual_seed(seed))
        return [next(iter(loader))[1].tolist() for _ in range(4)]

    first = passes(0)
    assert first == passes(0)
    assert len({tuple(order) for order in first}) > 1
    assert all(sorted(order) == [0, 1, 2, 3, 4] for order in first)


def test_whole_batches_equal_collated_items():
    items = [tensors()[k] for k in range(5)]
    subset = data.Subset(data.Subset(tensors(), [4, 2, 0, 1]), [3, 0, 1])
    fast = list(data.DataLoader(tensors(), 2)), list(data.DataLoader(subset, 2))
    slow = list(data.DataLoader(items, 2)), list(data.DataLoader([items[1], items[4], items[2]], 2))
    for mine, plain in zip(fast, slow):
        for a, b in zip(mine, plain, strict=True):
            assert type(a) is type(b)
            assert all(lineal.equal(s, t) for s, t in zip(a, b, strict=True))


def test_whole_batches_are_copies():
    dataset = tensors()
    for x, _ in data.DataLoader(dataset, 5):
        x.zero_()
    assert dataset.tensors[0].sum().item() == 45.0


def test_a_subclass_with_items_of_its_own_is_respected():
    class Shifted(data.TensorDataset):
        def __getitem__(self, index):
            return self.tensors[1][index] + 100

    assert values(data.DataLoader(Shifted(*tensors().tensors), 5)) == [[100, 101, 102, 103, 104]]


def test_samplers_batch_samplers_and_collate_functions():
    assert values(data.DataLoader(range(10), 2, sampler=[7, 3, 5])) == [[7, 3], [5]]
    assert values(data.DataLoader(range(10), batch_sampler=[[1, 2], [9]])) == [[1, 2], [9]]
    assert list(data.DataLoader(range(5), 2, collate_fn=sum)) == [1, 5, 4]
    assert list(data.DataLoader(range(3), batch_size=None)) == [0, 1, 2]


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_keep_the_order(workers):
    loader = data.DataLoader(Slow(), 2, num_workers=workers)
    assert values(loader) == values(loader) == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_threads_really_share_the_work():
    names = set()

    class Named(Slow):
        def __getitem__(self, index):
            names.add(threading.current_thread().name)
            assert data.get_worker_info().num_workers == 2
            return super().__getitem__(index)

    started = []
    loader = data.DataLoader(Named(), 1, num_workers=2, worker_init_fn=started.append, multiprocessing_context="thread")
    list(loader)
    assert len(names) == 2
    assert sorted(started) == [0, 1]
    assert data.get_worker_info() is None


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_arrive_where_their_batch_would_have_come(workers):
    class Broken(Slow):
        def __getitem__(self, index):
            if index == 5:
                raise KeyError("item five")
            return index

    batches = iter(data.DataLoader(Broken(), 2, num_workers=workers))
    assert [next(batches).tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    with pytest.raises(KeyError, match="item five"):
        next(batches)


def test_an_abandoned_pass_leaves_no_threads():
    before = threading.active_count()
    batches = iter(data.DataLoader(Slow(), 1, num_workers=3))
    next(batches)
    batches.close()
    assert threading.active_count() <= before


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_iterable_data_sets(workers):
    times = max(workers, 1)
    whole = [[0, 1]] * times + [[2, 3]] * times
    assert values(data.DataLoader(Counter(5), 2, num_workers=workers)) == [*whole, *[[4]] * times]
    assert values(data.DataLoader(Counter(5), 2, drop_last=True, num_workers=workers)) == whole
    assert list(data.DataLoader(Counter(3), None, num_workers=workers)) == [n for n in range(3) for _ in range(times)]


def test_the_length_of_an_iterable_data_set_is_unknown():
    with pytest.raises(TypeError, match="len"):
        len(data.DataLoader(Counter(5), 2))


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"shuffle": True, "sampler": [0]},
        {"batch_sampler": [[0]], "batch_size": 2},
        {"batch_sampler": [[0]], "shuffle": True},
        {"batch_size": None, "drop_last": True},
        {"num_workers": -1},
        {"prefetch_factor": 2},
        {"prefetch_factor": 0, "num_workers": 1},
        {"persistent_workers": True},
        {"timeout": -1, "num_workers": 1},
        {"multiprocessing_context": "fork"},
    ],
    ids=str,
)
def test_refused_options(options):
    with pytest.raises(ValueError):
        data.DataLoader(tensors(), **options)
    with pytest.raises(ValueError, match="shuffle"):
        data.DataLoader(Counter(3), shuffle=True)


def test_collating():
    collate = data.default_collate
    assert collate([1, 2]).dtype == lineal.int64
    assert collate([1.0, 2.0]).dtype == lineal.float64
    assert collate([True, False]).tolist() == [True, False]
    assert collate([np.float32(1), np.float32(2)]).dtype == lineal.float32
    assert collate([np.ones(2), np.zeros(2)]).shape == (2, 2)
    assert collate(["a", "b"]) == ["a", "b"]
    assert collate([lineal.ones(2), lineal.zeros(2)]).tolist() == [[1.0, 1.0], [0.0, 0.0]]
    nested = collate([{"a": (1, "x")}, {"a": (2, "y")}])
    assert nested["a"][0].tolist() == [1, 2]
    assert nested["a"][1] == ("x", "y")
    pair = collate([Pair(1, 2.0), Pair(3, 4.0)])
    assert isinstance(pair, Pair)
    assert pair.x.tolist() == [1, 3]
    with pytest.raises(TypeError, match="object"):
        collate([object()])
    with pytest.raises(RuntimeError, match="equal size"):
        collate([(1,), (1, 2)])


def test_converting_without_batches():
    convert = data.default_convert
    assert isinstance(convert(np.ones(2)), lineal.Tensor)
    assert convert("text") == "text"
    found = convert({"a": (np.ones(1), 3)})
    assert isinstance(found["a"][0], lineal.Tensor)
    assert found["a"][1] == 3
