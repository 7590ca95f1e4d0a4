"""Worker processes of a DataLoader: what they draw and know, how batches come, and what remains when something goes wrong."""

import gc
import itertools
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

import lineal
from lineal import data

pytestmark = [pytest.mark.timeout(60), pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are started by fork here")]


def forked(dataset, batch_size=1, workers=2, **options):
    return data.DataLoader(dataset, batch_size, num_workers=workers, multiprocessing_context="fork", **options)


class Items(data.Dataset):
    """Items that are what a function makes of their place."""

    def __init__(self, make, length=8):
        self.make, self.length = make, length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return self.make(index)


def draws(index):
    return random.random(), np.random.rand(), lineal.rand(()).item()


def identity(index):
    info = data.get_worker_info()
    return index, info.id, info.num_workers, info.seed, lineal.initial_seed(), os.getpid(), lineal.get_num_threads()


def remaining():
    """Return the processes that are left, once those that were told to end have."""
    gc.collect()
    return multiprocessing.active_children()


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    yield
    assert remaining() == []
    if before:
        assert len(os.listdir("/proc/self/fd")) <= len(before) + 2


def test_each_worker_knows_its_number_and_seed():
    rows = list(forked(Items(identity), None))
    pids = {pid for *_, pid, _ in rows}
    assert len(pids) == 2 and os.getpid() not in pids
    for index, (place, number, count, seed, initial, pid, threads) in enumerate(rows):
        assert (place, number, count, threads) == (index, index % 2, 2, 1)
        assert seed == initial == rows[0][3] + number
        assert pid == rows[number][5]
    assert data.get_worker_info() is None


@pytest.mark.parametrize("options", [{}, {"persistent_workers": True}], ids=["anew", "persistent"])
def test_what_items_draw_depends_on_seed_and_workers_alone(options):
    passes = []
    for _ in range(2):
        generator = lineal.Generator().manual_seed(3)
        loader = forked(Items(draws), None, generator=generator, **options)
        passes.append([list(loader), list(loader)])
        lineal.rand(1), random.random(), np.random.rand()
        # one number for each base seed
        twin = lineal.Generator().manual_seed(3)
        for _ in range(1 if options else 2):
            lineal.rand(1, generator=twin)
        assert lineal.equal(generator.get_state(), twin.get_state())
        del loader
    assert passes[0] == passes[1]
    assert len(set(itertools.chain(*itertools.chain(*passes[0])))) == 2 * 8 * 3


def test_threads_draw_what_processes_draw():
    def drawn(context):
        generator = lineal.Generator().manual_seed(3)
        return list(data.DataLoader(Items(draws), None, num_workers=2, generator=generator, multiprocessing_context=context))

    assert drawn("fork") == drawn("thread")


KINDS = {
    "contiguous": lambda n: lineal.full((3, 40, 40), float(n)),
    "small": lambda n: lineal.full((2,), n),
    "nothing": lambda n: lineal.zeros(0, 3),
    "a number": lambda n: lineal.tensor(n),
    "transposed": lambda n: lineal.arange(9000).reshape(90, 100).T + n,
    "every other": lambda n: lineal.arange(20000)[::2] + n,
    "expanded": lambda n: lineal.tensor([float(n)]).expand(9000),
    "bfloat16": lambda n: lineal.full((90, 100), float(n), dtype=lineal.bfloat16),
    "complex": lambda n: lineal.full((90, 100), n * 1j),
    "bool": lambda n: lineal.ones(30000, dtype=lineal.bool),
    "array": lambda n: np.full((90, 100), n, order="F"),
    "array of strings": lambda n: np.array(["a", "b" * n]),
    "of several": lambda n: {"x": lineal.full((9000,), n), "y": [np.arange(9000.0), "text" * 9000, n]},
    "requires grad": lambda n: lineal.ones(9000, requires_grad=True),
}


def same(x, y):
    assert type(x) is type(y)
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(same(x[key], y[key]) for key in x)
    if isinstance(x, list):
        return len(x) == len(y) and all(map(same, x, y))
    if isinstance(x, lineal.Tensor):
        assert (x.dtype, x.requires_grad) == (y.dtype, y.requires_grad)
        return lineal.equal(x, y)
    return np.array_equal(x, y)


@pytest.mark.parametrize("kind", KINDS)
def test_items_arrive_as_they_are(kind):
    for n, item in enumerate(forked(Items(KINDS[kind], 3), None, collate_fn=lambda item: item)):
        assert same(item, KINDS[kind](n))
        if isinstance(item, lineal.Tensor) and not item.requires_grad and item.numel():
            item.zero_()


def test_more_batches_than_files_may_be_open_can_be_kept():
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        kept = list(forked(Items(lambda n: lineal.full((5000,), n), 600), None))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [item[-1].item() for item in kept] == list(range(600))


def test_a_default_timeout_of_sockets_is_not_that_of_workers():
    socket.setdefaulttimeout(0.01)
    try:
        assert len(list(forked(Items(lambda n: time.sleep(0.03) or lineal.zeros(9000), 4), None))) == 4
    finally:
        socket.setdefaulttimeout(None)


def test_tasks_and_batches_larger_than_the_buffers_do_not_wait_for_each_other():
    sampler = data.BatchSampler(list(range(100000)) * 4, 50000, drop_last=False)
    loader = forked(range(100000), workers=1, batch_sampler=sampler, collate_fn=lambda items: [str(n) for n in items])
    assert [len(batch) for batch in loader] == [50000] * 8


class Counter(data.IterableDataset):
    def __iter__(self):
        info = data.get_worker_info()
        return iter(range(info.id, 6, info.num_workers))


def test_an_iterable_data_set_is_split_by_worker_info():
    loader = forked(Counter(), None, persistent_workers=True)
    assert list(loader) == list(loader) == [0, 1, 2, 3, 4, 5]


def test_persistent_workers_go_on_after_a_pass_that_was_left():
    loader = forked(Items(identity), None, persistent_workers=True)
    whole = list(loader)
    partial = iter(loader)
    next(partial)
    assert list(loader) == list(loader) == whole
    assert list(partial) == []
    assert len(multiprocessing.active_children()) == 2


def test_a_pass_that_is_left_ends_its_workers():
    batches = iter(forked(Items(identity), None))
    next(batches)
    assert len(multiprocessing.active_children()) == 2
    del batches
    assert multiprocessing.active_children() == []


def test_batches_come_as_they_are_made_if_order_does_not_matter():
    slow = Items(lambda n: time.sleep(0.3 if n == 0 else 0.0) or n, 6)
    got = list(forked(slow, None, in_order=False))
    assert sorted(got) == list(range(6))
    assert got[0] != 0


class Own(Exception):  # noqa: N818
    pass


def raising(error):
    def fail(index):
        raise error

    return Items(fail)


class Unreadable:
    def __reduce__(self):
        raise TypeError("cannot be pickled")


@pytest.mark.parametrize(
    ("dataset", "kind", "text"),
    [
        (raising(KeyError("no such thing")), KeyError, r"(?s)worker process 0.*Traceback.*in fail.*no such thing"),
        (raising(Own("mine")), Own, "mine"),
        (raising(type("Local", (Exception,), {})("local")), RuntimeError, "(?s)Caught Local.*local"),
        (raising(UnicodeDecodeError("utf-8", b"", 0, 1, "odd")), RuntimeError, "(?s)Caught UnicodeDecodeError.*odd"),
        (Items(lambda n: Unreadable()), TypeError, "cannot be pickled"),
        (Items(lambda n: lineal.ones(3, requires_grad=True) * 2), RuntimeError, "non-leaf"),
        (Items(lambda n: n or sys.exit(3)), RuntimeError, r"worker \(pid \d+\) exited unexpectedly with exit code 3"),
        (
            Items(lambda n: n or os.kill(os.getpid(), signal.SIGKILL)),
            RuntimeError,
            r"worker \(pid \d+\) is killed by signal: SIGKILL",
        ),
    ],
    ids=["KeyError", "own", "local", "no text", "unpicklable", "history", "exit", "kill"],
)
def test_errors_of_workers_are_raised_where_the_batch_is_expected(dataset, kind, text):
    with pytest.raises(kind, match=text):
        list(forked(dataset, None, collate_fn=lambda item: item))


def test_a_new_pass_after_a_worker_was_killed_has_new_workers():
    loader = forked(Items(identity), None, persistent_workers=True)
    first = list(loader)
    os.kill(first[1][5], signal.SIGKILL)
    with pytest.raises(RuntimeError, match="SIGKILL"):
        for _ in range(3):
            list(loader)
    assert [row[:3] for row in loader] == [row[:3] for row in first]


def test_a_batch_that_takes_too_long_is_an_error():
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=r"timed out after 0\.1 seconds"):
        list(forked(Items(lambda n: time.sleep(0.6) or n), None, timeout=0.1))
    assert time.monotonic() - start < 20


def test_a_failing_worker_init_fn_is_told_by_each_worker():
    def fail(number):
        raise ValueError(f"worker {number} will not")

    batches = iter(forked(range(4), None, worker_init_fn=fail))
    for number in range(2):
        with pytest.raises(ValueError, match=f"worker {number} will not"):
            next(batches)


class Fickle(data.IterableDataset):
    """Begins at the second try only."""

    tries = 0

    def __iter__(self):
        self.tries += 1
        if self.tries % 2:
            raise OSError("not now")
        return iter(range(3))


@pytest.mark.parametrize("method", ["fork", "thread"])
def test_a_data_set_that_fails_to_begin_may_begin_in_the_next_pass(method):
    dataset = Fickle()
    options = {"num_workers": 1, "persistent_workers": True, "multiprocessing_context": method}
    loader = data.DataLoader(dataset, None, **options)
    for _ in range(2):
        with pytest.raises(OSError, match="not now"):
            list(loader)
        assert list(loader) == [0, 1, 2]


def square(index):
    return lineal.full((5000,), index**2), data.get_worker_info().id


@pytest.mark.parametrize("method", ["spawn", pytest.param("forkserver", marks=pytest.mark.slow)])
def test_processes_that_start_anew_get_the_data_set(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("not on this system")
    loader = data.DataLoader(Items(square, 3), None, num_workers=1, multiprocessing_context=method)
    assert [(item[0].item(), number) for item, number in loader] == [(0, 0), (1, 0), (4, 0)]
    if method == "spawn":
        with pytest.raises((AttributeError, TypeError), match=r"pickle|local object"):
            list(data.DataLoader(Items(lambda n: n), num_workers=2, multiprocessing_context=method))


ENDING = """
import os, signal, sys, time
from lineal import data

class Slow(data.Dataset):
    def __len__(self): return 100
    def __getitem__(self, n): return time.sleep(0.0 if n < 2 else {seconds}) or os.getpid()

# a shell that starts programs in the background lets them ignore interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)
batches = iter(data.DataLoader(Slow(), None, num_workers=2, multiprocessing_context="fork"))
print(next(batches), next(batches), flush=True)
{how}
"""
HOW = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "interrupted": "os.killpg(0, signal.SIGINT); next(batches)",
    "an exception": "1 / 0",
    "its end": "",
}


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks up processes in /proc")
@pytest.mark.parametrize("how", HOW)
def test_workers_end_with_the_main_process_and_leave_nothing(how):
    before = set(os.listdir("/dev/shm"))
    command = [sys.executable, "-c", ENDING.format(how=HOW[how], seconds=60 if how in ("killed", "interrupted") else 1)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, start_new_session=True)
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2, done.stderr
    end = time.monotonic() + 20
    while any(map(lives, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(map(lives, pids))
    assert {name for name in set(os.listdir("/dev/shm")) - before if "lineal" in name} == set()
