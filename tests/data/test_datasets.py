"""Data sets, splits, samplers, and the digits."""

import numpy as np
import pytest

import lineal
from lineal import data
from lineal.data import collate


class Squares(data.Dataset):
    def __init__(self, length):
        self.length = length

    def __getitem__(self, index):
        if not 0 <= index < self.length:
            raise IndexError(index)
        return index * index

    def __len__(self):
        return self.length


def test_tensor_dataset():
    x, y = lineal.arange(6.0).reshape(3, 2), lineal.arange(3)
    dataset = data.TensorDataset(x, y)
    assert len(dataset) == 3
    assert [each.tolist() for each in dataset[1]] == [[2.0, 3.0], 1]
    with pytest.raises(AssertionError, match="Size mismatch"):
        data.TensorDataset(x, lineal.arange(2))


def test_subsets_and_concatenations():
    subset = data.Subset(Squares(10), [5, 1, 9])
    assert list(subset) == [25, 1, 81]
    both = subset + Squares(3)
    assert isinstance(both, data.ConcatDataset)
    assert [both[k] for k in range(len(both))] == [25, 1, 81, 0, 1, 4]
    assert both[-1] == 4
    assert both[-6] == 25
    for index, error in ((6, IndexError), (-7, ValueError)):
        with pytest.raises(error):
            both[index]
    with pytest.raises(AssertionError, match="empty"):
        data.ConcatDataset([])
    assert data.Subset(subset, [2, 0]).__getitems__([1, 0]) == [25, 81]


def test_random_split_parts_everything():
    generator = lineal.Generator().manual_seed(0)
    parts = data.random_split(Squares(10), [7, 3], generator)
    assert [len(part) for part in parts] == [7, 3]
    indices = [*parts[0].indices, *parts[1].indices]
    assert sorted(indices) == list(range(10))
    assert indices != list(range(10))
    again = data.random_split(Squares(10), [7, 3], lineal.Generator().manual_seed(0))
    assert again[0].indices == parts[0].indices


@pytest.mark.parametrize(
    ("length", "fractions", "counts"),
    [(10, [0.5, 0.5], [5, 5]), (5, [0.5, 0.5], [3, 2]), (10, [1 / 3] * 3, [4, 3, 3]), (7, [1.0], [7])],
)
def test_random_split_by_fractions(length, fractions, counts):
    assert [len(part) for part in data.random_split(Squares(length), fractions)] == counts


@pytest.mark.parametrize("lengths", [[2, 2], [0.5, 0.6], [9, 2]])
def test_splits_that_do_not_add_up(lengths):
    with pytest.raises(ValueError, match="Sum of input lengths"):
        data.random_split(Squares(10), lengths)


def test_sequential_and_batch_samplers():
    sequential = data.SequentialSampler(Squares(5))
    assert list(sequential) == [0, 1, 2, 3, 4]
    assert list(data.BatchSampler(sequential, 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(data.BatchSampler(sequential, 2, True)) == [[0, 1], [2, 3]]
    assert [len(data.BatchSampler(sequential, 2, drop)) for drop in (False, True)] == [3, 2]


def test_random_sampler():
    sampler = data.RandomSampler(Squares(50), generator=lineal.Generator().manual_seed(1))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert first != list(range(50))
    longer = list(data.RandomSampler(Squares(4), num_samples=10))
    assert len(longer) == 10
    assert sorted(longer[:4]) == sorted(longer[4:8]) == [0, 1, 2, 3]
    assert len(list(data.RandomSampler(Squares(4), num_samples=3))) == 3
    drawn = list(data.RandomSampler(Squares(3), replacement=True, num_samples=100))
    assert set(drawn) == {0, 1, 2}
    assert len(drawn) == 100


def test_weighted_sampler():
    lineal.manual_seed(0)
    drawn = list(data.WeightedRandomSampler([0.0, 1.0, 3.0], 4000))
    assert 0 not in drawn
    assert abs(drawn.count(2) / 4000 - 0.75) < 0.04
    assert sorted(data.WeightedRandomSampler([1.0, 1.0, 5.0], 3, replacement=False)) == [0, 1, 2]


def test_subset_sampler():
    assert sorted(data.SubsetRandomSampler([3, 7, 9])) == [3, 7, 9]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: data.RandomSampler(Squares(3), num_samples=0), ValueError),
        (lambda: data.RandomSampler([]), ValueError),
        (lambda: data.RandomSampler(Squares(3), replacement=3), TypeError),
        (lambda: data.WeightedRandomSampler([1.0], 0), ValueError),
        (lambda: data.WeightedRandomSampler([[1.0]], 1), ValueError),
        (lambda: data.BatchSampler([1], 0, False), ValueError),
        (lambda: data.BatchSampler([1], 2, "no"), ValueError),
    ],
)
def test_refused_samplers(make, error):
    with pytest.raises(error):
        make()


def test_the_digits():
    train, test = data.digits()
    assert (len(train), len(test)) == (1442, 355)
    images, labels = train.tensors
    assert images.shape == (1442, 8, 8)
    assert images.dtype == lineal.float32
    assert labels.dtype == lineal.int64
    assert images.min().item() == 0.0
    assert images.max().item() == 1.0
    counts = labels.bincount() + test.tensors[1].bincount()
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert test.tensors[1].bincount().tolist() == [count // 5 for count in counts.tolist()]


def test_no_digit_is_in_both_parts():
    train, test = (np.asarray(part.tensors[0].reshape(-1, 64)) for part in data.digits())
    assert {row.tobytes() for row in train}.isdisjoint({row.tobytes() for row in test})


def test_the_digits_look_like_digits():
    images, labels = data.digits()[0].tensors
    zeros, ones = images[labels == 0].mean(0), images[labels == 1].mean(0)
    assert zeros[4, 4].item() < 0.1
    assert ones[4, 4].item() > 0.7


def test_chains_of_iterable_data_sets():
    class Span(data.IterableDataset):
        def __init__(self, *span):
            self.span = range(*span)

        def __iter__(self):
            return iter(self.span)

        def __len__(self):
            return len(self.span)

    chain = Span(2) + Span(5, 8)
    assert isinstance(chain, data.ChainDataset)
    assert (list(chain), len(chain)) == ([0, 1, 5, 6, 7], 5)
    assert [batch.tolist() for batch in data.DataLoader(chain, 2)] == [[0, 1], [5, 6], [7]]
    with pytest.raises(AssertionError, match="only supports IterableDataset"):
        list(data.ChainDataset([[1, 2]]))


def test_stacked_data_sets():
    by_place = data.StackDataset(Squares(3), data.Subset(Squares(9), [4, 5, 6]))
    assert (len(by_place), by_place[1], by_place.__getitems__([2, 0])) == (3, (1, 25), [(4, 36), (0, 16)])
    by_name = data.StackDataset(x=Squares(3), y=range(3))
    assert (by_name[2], by_name.__getitems__([1])) == ({"x": 4, "y": 2}, [{"x": 1, "y": 1}])
    for arguments, names in (((Squares(3), range(4)), {}), ((), {}), ((Squares(3),), {"x": Squares(3)})):
        with pytest.raises(ValueError, match="StackDataset"):
            data.StackDataset(*arguments, **names)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(("count", "replicas"), [(10, 3), (2, 5), (6, 2)])
def test_the_shares_of_processes_make_a_whole(count, replicas, drop_last):
    samplers = [data.DistributedSampler(range(count), replicas, rank, seed=3, drop_last=drop_last) for rank in range(replicas)]
    epochs = []
    for epoch in range(2):
        for sampler in samplers:
            sampler.set_epoch(epoch)
        shares = [list(sampler) for sampler in samplers]
        assert {len(share) for share in shares} == {len(samplers[0])}
        drawn = [index for row in zip(*shares) for index in row]
        whole = len(drawn) // count * count
        assert sorted(drawn[:whole]) == sorted([*range(count)] * (whole // count))
        assert drawn[count:] == [drawn[n % count] for n in range(count, len(drawn))]
        epochs.append(shares)
    assert count < 6 or epochs[0] != epochs[1]
    with pytest.raises(ValueError, match="Invalid rank"):
        data.DistributedSampler(range(3), 2, 2)
    with pytest.raises(RuntimeError, match="num_replicas"):
        data.DistributedSampler(range(3))


def test_an_empty_part_of_a_split_warns():
    with pytest.warns(UserWarning, match="split at index 1 is 0"):
        assert [len(part) for part in data.random_split(Squares(3), [1.0, 0.0])] == [3, 0]


def test_a_type_of_items_may_have_its_own_way_to_be_collated():
    class Point:
        def __init__(self, x):
            self.x = x

    def points(batch, *, collate_fn_map=None):
        return lineal.tensor([each.x for each in batch])

    functions = {**collate.default_collate_fn_map, Point: points}
    assert collate.collate([{"p": Point(1)}, {"p": Point(2)}], collate_fn_map=functions)["p"].tolist() == [1, 2]
    with pytest.raises(TypeError, match=r"found.*Point"):
        data.default_collate([Point(1)])


def test_another_way_to_collate_tensors_is_heeded_by_all_data_sets(monkeypatch):
    def summed(batch, *, collate_fn_map=None):
        return sum(batch)

    monkeypatch.setitem(collate.default_collate_fn_map, lineal.Tensor, summed)
    rows = data.TensorDataset(lineal.arange(4.0))
    assert [batch[0].item() for batch in data.DataLoader(rows, 2)] == [1, 5]
