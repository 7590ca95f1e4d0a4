"""Worker threads of a DataLoader: what they draw, which batches they make, and what they have for themselves."""

import gc
import random
import re
import threading
import time
import warnings
from random import randint

import numpy as np
import pytest

import lineal
from lineal import data


def threaded(*args, num_workers=0, **options):
    context = {"multiprocessing_context": "thread"} if num_workers else {}
    return data.DataLoader(*args, num_workers=num_workers, **context, **options)


KINDS = {
    "lineal": lambda self: lineal.rand(()).item(),
    "normal_": lambda self: lineal.empty(1).normal_().item(),
    "the default generator by name": lambda self: lineal.rand((), generator=lineal.default_generator).item(),
    "a generator of the data set's": lambda self: lineal.rand((), generator=self.generator).item(),
    "random": lambda self: random.random(),
    "random.gauss": lambda self: random.gauss(0, 1),
    "random.shuffle": lambda self: random.sample(range(1 << 40), 1)[0],
    "randint by name": lambda self: randint(0, 1 << 40),
    "numpy": lambda self: np.random.rand(),
    "numpy.permutation": lambda self: int(np.random.permutation(1 << 10)[0]) + np.random.standard_normal(),
    "numpy's of the data set's": lambda self: self.numpy.random(),
    "python's in a transform": lambda self: self.transforms[0].draw(),
}


class Jitter:
    def __init__(self):
        self.source = random.Random(5)

    def draw(self):
        return self.source.random()


class Noisy(data.Dataset):
    """Items that take different times, so that threads come in another order each time."""

    def __init__(self, kind, delays):
        self.kind = kind
        self.delays = delays
        self.generator = lineal.Generator().manual_seed(7)
        self.numpy = np.random.default_rng(7)
        self.transforms = [Jitter()]

    def __len__(self):
        return 16

    def __getitem__(self, index):
        time.sleep(self.delays.random() * 0.004)
        return KINDS[self.kind](self)


class Clock:
    """Delays that differ each time and draw from no generator a worker could have."""

    def random(self):
        return (time.perf_counter_ns() // 1000 % 97) / 97


def drawn(kind, workers, **options):
    loader = threaded(Noisy(kind, Clock()), 2, num_workers=workers, **options)
    return [batch.tolist() for batch in loader]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_what_items_draw_depends_on_seed_and_workers_alone(kind, workers):
    passes = []
    for _ in range(3):
        lineal.manual_seed(3)
        passes.append(drawn(kind, workers))
        lineal.rand(1), random.random(), np.random.rand()
    assert passes[0] == passes[1] == passes[2]
    numbers = [number for batch in passes[0] for number in batch]
    if "data set's" not in kind and "transform" not in kind:
        assert len(set(numbers)) == 16
        lineal.manual_seed(4)
        assert drawn(kind, workers) != passes[0]


def test_workers_leave_the_global_generators_alone():
    for seed in (lineal.manual_seed, random.seed, np.random.seed):
        seed(0)
    functions = random.random, random.uniform, np.random.rand, np.random.seed
    expected = random.Random(0).random(), np.random.RandomState(0).rand()
    for kind in ("lineal", "random", "numpy"):
        drawn(kind, 2)
    assert (random.random(), np.random.rand()) == expected
    # one number for each pass
    after = lineal.rand(3)
    lineal.manual_seed(0)
    for _ in range(3):
        lineal.rand(1)
    assert lineal.equal(after, lineal.rand(3))
    assert functions == (random.random, random.uniform, np.random.rand, np.random.seed)


def test_the_other_threads_draw_from_the_global_generators_while_workers_run():
    lineal.manual_seed(1), random.seed(1), np.random.seed(1)
    batches = iter(threaded(Noisy("random", Clock()), 1, num_workers=2))
    after_one = lineal.rand(2).tolist()
    assert (random.random(), np.random.rand()) == (random.Random(1).random(), np.random.RandomState(1).rand())
    batches.close()
    lineal.manual_seed(1)
    lineal.rand(1)
    assert lineal.rand(2).tolist() == after_one


def test_seeds_in_a_worker_change_its_own_streams_only():
    class Reseeding(data.Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            lineal.manual_seed(index), random.seed(index), np.random.seed(index)
            with lineal.random.fork_rng():
                lineal.rand(5)
            return lineal.initial_seed() == index, lineal.rand(()).item(), random.random(), np.random.rand()

    lineal.manual_seed(9), random.seed(9), np.random.seed(9)
    states = lineal.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    loader = threaded(Reseeding(), None, num_workers=3, generator=lineal.Generator())
    for index, (same, mine, python, numpy) in enumerate(loader):
        assert same
        assert mine == lineal.rand((), generator=lineal.Generator().manual_seed(index)).item()
        assert (python, numpy) == (random.Random(index).random(), np.random.RandomState(index).rand())
    assert lineal.equal(lineal.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert (np.random.get_state()[1] == states[2]).all()


class Told(data.Dataset):
    def __len__(self):
        return 12

    def __getitem__(self, index):
        info = data.get_worker_info()
        time.sleep(0.001 * (index % 3))
        return index, info.id, info.num_workers, info.seed, lineal.initial_seed(), info.dataset is self


def test_each_worker_knows_its_number_its_seed_and_its_data_set():
    rows = list(threaded(Told(), None, num_workers=3, generator=lineal.Generator().manual_seed(2)))
    bases = set()
    for index, (place, number, count, seed, initial, own) in enumerate(rows):
        # batch i goes to worker i mod n
        assert (place, number, count, own) == (index, index % 3, 3, True)
        assert seed == initial
        bases.add(seed - number)
    assert len(bases) == 1
    assert data.get_worker_info() is None


@pytest.mark.parametrize("workers", [0, 2])
def test_a_pass_draws_one_number_for_its_base_seed(workers):
    for given in (None, lineal.Generator().manual_seed(3)):
        lineal.manual_seed(3)
        iter(threaded([1, 2, 3], num_workers=workers, generator=given))
        source = given or lineal.default_generator
        twin = lineal.Generator().manual_seed(3)
        lineal.rand(1, generator=twin)
        assert lineal.equal(source.get_state(), twin.get_state())


class Span(data.IterableDataset):
    def __init__(self, start, end):
        self.start, self.end = start, end

    def __iter__(self):
        return iter(range(self.start, self.end))

    def __len__(self):
        return self.end - self.start


def split(number):
    info = data.get_worker_info()
    whole = info.dataset.end
    share = -(-whole // info.num_workers)
    info.dataset.start, info.dataset.end = number * share, min((number + 1) * share, whole)


def test_a_worker_may_change_its_copy_of_the_data_set():
    dataset = Span(0, 7)
    loader = threaded(dataset, 2, num_workers=2, worker_init_fn=split)
    assert [batch.tolist() for batch in loader] == [[0, 1], [4, 5], [2, 3], [6]]
    assert (dataset.start, dataset.end) == (0, 7)


def test_more_batches_than_the_length_warn():
    loader = threaded(Span(0, 3), None, num_workers=2)
    assert len(loader) == 3
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert len(list(loader)) == 6
    assert len(told) == 3
    assert re.search("Length of IterableDataset .* was reported to be 3 .* 4 samples", str(told[0].message))


class Positioned(data.IterableDataset):
    """Its own iterator, as tutorials write them."""

    def __iter__(self):
        self.place = 0
        return self

    def __next__(self):
        self.place += 1
        time.sleep(0.001 * (self.place % 2))
        if self.place > 4:
            raise StopIteration
        return self.place


def test_a_data_set_that_is_its_own_iterator_has_a_position_for_each_worker():
    assert list(threaded(Positioned(), None, num_workers=2)) == [1, 1, 2, 2, 3, 3, 4, 4]


class Closing(data.Dataset):
    closed = False

    def __getitem__(self, index):
        return index

    def __len__(self):
        return 3

    def __del__(self):
        type(self).closed = True


def test_what_closes_something_at_its_end_is_shared():
    dataset = Closing()
    list(threaded(dataset, num_workers=2))
    gc.collect()
    assert not Closing.closed
    del dataset


@pytest.mark.parametrize("iterated", [False, True])
def test_persistent_workers_stay(iterated):
    started, names = [], set()

    class Named(data.IterableDataset if iterated else data.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            names.add(threading.current_thread())
            return index

        def __iter__(self):
            return map(self.__getitem__, range(data.get_worker_info().id, 4, 2))

    loader = threaded(Named(), None, num_workers=2, persistent_workers=True, worker_init_fn=started.append)
    before = threading.active_count()
    assert [list(loader) for _ in range(3)] == [[0, 1, 2, 3]] * 3
    partial = iter(loader)
    assert next(partial) == 0
    assert list(loader) == [0, 1, 2, 3]
    assert list(partial) == []
    assert (len(names), sorted(started)) == (2, [0, 1])
    assert threading.active_count() == before + 2
    del loader, partial
    gc.collect()
    for each in names:
        each.join(10)
    assert not any(each.is_alive() for each in names)


def failing(*given):
    raise KeyError("no such thing")


@pytest.mark.parametrize("options", [{"collate_fn": failing}, {"worker_init_fn": failing}], ids=["collate", "init"])
def test_errors_name_the_worker(options):
    batches = iter(threaded(range(6), 2, num_workers=2, **options))
    for number in (0, 1):
        with pytest.raises(KeyError, match=f"(?s)Caught KeyError in DataLoader worker {number}.*no such thing") as caught:
            next(batches)
        assert caught.value.__cause__.args == ("no such thing",)
    batches.close()


def test_errors_that_take_no_text_carry_a_note():
    def undecodable(items):
        return b"\xff".decode()

    with pytest.raises(UnicodeDecodeError) as caught:
        list(threaded(range(2), num_workers=1, collate_fn=undecodable))
    assert caught.value.__notes__ == ["in DataLoader worker 0"]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_item_that_raises_stopiteration_does_not_end_the_pass(workers):
    class Broken(data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return next(iter(()))

    with pytest.raises(RuntimeError, match="StopIteration"):
        list(threaded(Broken(), num_workers=workers))


def test_a_batch_that_takes_too_long_is_an_error():
    go_on = threading.Event()

    class Stuck(data.Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            go_on.wait(60)
            return index

    with pytest.raises(RuntimeError, match=r"timed out after 0\.05 seconds"):
        list(threaded(Stuck(), num_workers=1, timeout=0.05))
    go_on.set()
    with pytest.raises(AssertionError, match="timeout needs num_workers"):
        iter(threaded(Stuck(), timeout=1))


def test_prefetching_stays_within_its_bound():
    asked = []

    def places():
        for place in range(20):
            asked.append(place)
            yield place

    class Places(data.Sampler):
        def __iter__(self):
            return places()

    batches = iter(threaded(range(20), None, sampler=Places(), num_workers=2, prefetch_factor=3))
    assert asked == list(range(6))
    next(batches)
    assert asked == list(range(7))
    assert list(batches) == list(range(1, 20))


def test_what_a_loader_is_made_of_stays():
    loader = threaded([1, 2])
    for name in ("batch_size", "sampler", "batch_sampler", "drop_last", "dataset", "persistent_workers"):
        with pytest.raises(ValueError, match=name):
            setattr(loader, name, None)


def test_a_compiled_function_draws_from_the_generator_of_its_thread():
    noisy = lineal.compile(lambda x: x + lineal.rand(3))
    x = lineal.zeros(3)
    for _ in range(3):
        noisy(x)

    class Items(data.Dataset):
        def __init__(self, function):
            self.function = function

        def __len__(self):
            return 6

        def __getitem__(self, index):
            return self.function(lineal.zeros(3))

    found = []
    for function in (noisy, noisy, lambda x: x + lineal.rand(3)):
        lineal.manual_seed(5)
        found.append([batch.tolist() for batch in threaded(Items(function), None, num_workers=1)])
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_thread_that_cannot_begin_does_not_leave_others_waiting(error):
    def leave(number):
        raise error

    with pytest.raises(error):
        list(threaded([1, 2], num_workers=1, worker_init_fn=leave, timeout=20))
