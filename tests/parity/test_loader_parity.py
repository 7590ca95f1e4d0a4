"""Data sets, samplers, collating and loaders beside PyTorch's: which generators are drawn from, what comes, what is refused."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

BOTH = {"torch": torch, "lineal": lineal}
Pair = collections.namedtuple("Pair", "x y")


class Items:
    """A data set that needs neither library."""

    def __init__(self, length=7):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return index


LOADERS = {
    "plain": {},
    "shuffled": {"shuffle": True},
    "workers": {"num_workers": 2},
    "shuffled by workers": {"num_workers": 2, "shuffle": True},
    "persistent": {"num_workers": 1, "persistent_workers": True, "shuffle": True},
    "items": {"batch_size": None},
}


def draws(library, options, with_generator):
    """Return after each step of two passes whether the global and the given generator have changed."""
    library.manual_seed(0)
    generator = library.Generator() if with_generator else None
    loader = library.utils.data.DataLoader(Items(), generator=generator, **options)
    states, found = None, []

    def note():
        nonlocal states
        now = [library.get_rng_state().tolist(), generator.get_state().tolist() if generator else None]
        if states is not None:
            found.append([a != b for a, b in zip(now, states)])
        states = now

    note()
    for _ in range(2):
        batches = iter(loader)
        note()
        next(batches)
        note()
        list(batches)
        note()
    return found


@pytest.mark.parametrize("with_generator", [False, True])
@pytest.mark.parametrize("name", LOADERS)
def test_generators_are_drawn_from_at_the_same_steps(name, with_generator):
    assert draws(lineal, LOADERS[name], with_generator) == draws(torch, LOADERS[name], with_generator)


class Span:
    """Its share of each worker's length of items."""

    def __iter__(self):
        info = BOTH[LIBRARY[0]].utils.data.get_worker_info()
        number = info.id if info else 0
        return iter(range(100 * number, 100 * number + (3, 7, 0)[number]))


LIBRARY = ["torch"]
STREAMS = [
    {"num_workers": workers, "batch_size": size, "drop_last": drop, **more}
    for workers, more in ((0, {}), (1, {}), (2, {}), (3, {"prefetch_factor": 1}), (3, {"prefetch_factor": 3}))
    for size, drop in ((None, False), (1, False), (2, False), (2, True))
]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("options", STREAMS, ids=str)
def test_batches_of_iterated_data_sets_come_in_the_same_order(options):
    found = {}
    for name, library in BOTH.items():
        LIBRARY[0] = name
        kind = type("Stream", (Span, library.utils.data.IterableDataset), {})
        found[name] = [
            each if isinstance(each, int) else each.tolist() for each in library.utils.data.DataLoader(kind(), **options)
        ]
    assert found["lineal"] == found["torch"]


def orders(library, make):
    generator = library.Generator().manual_seed(1)
    sampler = make(library.utils.data, generator)
    return [sorted(each) if isinstance(each, list) else each for each in sampler], len(sampler)


SAMPLERS = {
    "sequential": lambda d, g: d.SequentialSampler(range(5)),
    "batch": lambda d, g: d.BatchSampler(d.SequentialSampler(range(5)), 2, False),
    "batch, last dropped": lambda d, g: d.BatchSampler(range(5), 2, True),
    "distributed": lambda d, g: d.DistributedSampler(range(10), 3, 1, shuffle=False),
    "distributed, last dropped": lambda d, g: d.DistributedSampler(range(10), 3, 2, shuffle=False, drop_last=True),
    "distributed, more than items": lambda d, g: d.DistributedSampler(range(2), 5, 4, shuffle=False),
}
COUNTS = {
    "random": lambda d, g: d.RandomSampler(range(5), generator=g),
    "random, more": lambda d, g: d.RandomSampler(range(5), num_samples=12, generator=g),
    "random, again": lambda d, g: d.RandomSampler(range(5), True, 7, g),
    "subset": lambda d, g: d.SubsetRandomSampler([4, 7, 1], g),
    "weighted": lambda d, g: d.WeightedRandomSampler([0.0, 1.0, 0.0], 4, generator=g),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_give_the_same(name):
    assert orders(lineal, SAMPLERS[name]) == orders(torch, SAMPLERS[name])


@pytest.mark.parametrize("name", COUNTS)
def test_random_samplers_give_as_many(name):
    (mine, length), (theirs, expected) = (orders(library, COUNTS[name]) for library in (lineal, torch))
    assert (len(mine), length) == (len(theirs), expected)
    if name in ("random", "subset", "weighted"):
        assert sorted(mine) == sorted(theirs)


BATCHES = {
    "ints": lambda m: [1, 2],
    "floats": lambda m: [1.0, 2.0],
    "bools": lambda m: [True, False],
    "strings": lambda m: ["a", "b"],
    "bytes": lambda m: [b"a", b"b"],
    "tuples": lambda m: [(1, 2.0, "a"), (3, 4.0, "b")],
    "lists": lambda m: [[1, 2], [3, 4]],
    "dicts": lambda m: [{"x": 1, "y": [2.0]}, {"x": 3, "y": [4.0]}],
    "ordered dicts": lambda m: [collections.OrderedDict(x=1), collections.OrderedDict(x=2)],
    "named tuples": lambda m: [Pair(1, 2.0), Pair(3, 4.0)],
    "tensors": lambda m: [m.ones(2), m.zeros(2)],
    "numbers of tensors": lambda m: [m.tensor(1), m.tensor(2)],
    "arrays": lambda m: [np.ones(2, np.float32), np.zeros(2, np.float32)],
    "half arrays": lambda m: [np.ones(2, np.float16)] * 2,
    "numbers of arrays": lambda m: [np.float32(1), np.float32(2)],
    "float64": lambda m: [np.float64(1), np.float64(2)],
    "array bools": lambda m: [np.bool_(True), np.bool_(False)],
    "ranges": lambda m: [range(2), range(2)],
    "None": lambda m: [None, None],
    "unequal lists": lambda m: [[1], [1, 2]],
    "unequal tensors": lambda m: [m.ones(1), m.ones(2)],
    "string arrays": lambda m: [np.array(["a"])] * 2,
    "objects": lambda m: [object(), object()],
    "nothing": lambda m: [],
}


def plain(x):
    """Return a batch as Python's objects, with the dtypes of tensors."""
    if isinstance(x, (torch.Tensor, lineal.Tensor)):
        return str(x.dtype), x.tolist()
    if isinstance(x, dict):
        return type(x), {key: plain(each) for key, each in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x), [plain(each) for each in x]
    return x


def outcome(function, *args):
    try:
        return plain(function(*args))
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("name", BATCHES)
def test_batches_are_collated_and_converted_alike(name):
    mine, theirs = BATCHES[name](lineal), BATCHES[name](torch)
    assert outcome(lineal.utils.data.default_collate, mine) == outcome(torch.utils.data.default_collate, theirs)
    if name not in ("objects", "string arrays"):
        assert outcome(lineal.utils.data.default_convert, mine) == outcome(torch.utils.data.default_convert, theirs)


REFUSED = {
    "context": lambda d: d.DataLoader(Items(), multiprocessing_context="spawn"),
    "no context": lambda d: d.DataLoader(Items(), num_workers=1, multiprocessing_context="sprout"),
    "context's type": lambda d: d.DataLoader(Items(), num_workers=1, multiprocessing_context=3),
    "prefetch": lambda d: d.DataLoader(Items(), prefetch_factor=2),
    "negative prefetch": lambda d: d.DataLoader(Items(), num_workers=1, prefetch_factor=-1),
    "persistent": lambda d: d.DataLoader(Items(), persistent_workers=True),
    "timeout": lambda d: d.DataLoader(Items(), timeout=-1),
    "negative": lambda d: d.DataLoader(Items(), num_workers=-1),
    "sampler": lambda d: d.DataLoader(Items(), shuffle=True, sampler=[1]),
    "batch sampler": lambda d: d.DataLoader(Items(), batch_sampler=[[1]], batch_size=2),
    "no batches": lambda d: d.DataLoader(Items(), batch_size=None, drop_last=True),
    "set": lambda d: setattr(d.DataLoader(Items()), "batch_size", 3),
    "split": lambda d: d.random_split(Items(), [3, 3]),
    "stack": lambda d: d.StackDataset(Items(), Items(3)),
    "stack of both": lambda d: d.StackDataset(Items(), x=Items()),
    "stack of none": lambda d: d.StackDataset(),
    "concatenation of none": lambda d: d.ConcatDataset([]),
    "chain": lambda d: list(d.ChainDataset([Items()])),
    "rank": lambda d: d.DistributedSampler(Items(), 2, 2),
    "count": lambda d: d.RandomSampler(Items(), num_samples=0),
    "replacement": lambda d: d.RandomSampler(Items(), replacement=3),
    "weights": lambda d: d.WeightedRandomSampler([[1.0]], 2),
    "batch size": lambda d: d.BatchSampler(range(3), 0, False),
}


@pytest.mark.parametrize("name", REFUSED)
def test_errors_are_of_the_same_types(name):
    found = {library: outcome(REFUSED[name], module.utils.data) for library, module in BOTH.items()}
    assert isinstance(found["torch"], type), "PyTorch takes it"
    assert issubclass(found["lineal"], found["torch"])


class Failing(Items):
    def __init__(self, error):
        super().__init__(4)
        self.error = error

    def __getitem__(self, index):
        raise self.error


ERRORS = [KeyError("k"), ValueError("v"), UnicodeDecodeError("utf-8", b"", 0, 1, "odd"), OSError(2, "no")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_of_workers_are_of_the_same_types(error):
    found = {}
    for name, library in BOTH.items():
        with pytest.raises(Exception) as caught:
            list(library.utils.data.DataLoader(Failing(error), num_workers=1))
        found[name] = type(caught.value), str(caught.value).splitlines()[0]
    assert found["lineal"] == found["torch"]


def seen(index):
    info = BOTH[LIBRARY[0]].utils.data.get_worker_info()
    return index, info.id, info.num_workers, info.seed - BOTH[LIBRARY[0]].initial_seed(), len(info.dataset)


class Seen(Items):
    def __getitem__(self, index):
        return seen(index)


def test_workers_know_the_same_of_themselves():
    found = {}
    for name, library in BOTH.items():
        LIBRARY[0] = name
        found[name] = [list(row) for row in library.utils.data.DataLoader(Seen(), None, num_workers=2)]
    assert found["lineal"] == found["torch"]
