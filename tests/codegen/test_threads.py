"""The fork-join pool: every thread once a region, regions one at a time, and what changes under it."""

import ctypes
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from lineal.base import threads as setting
from lineal.codegen import target
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Engine
from lineal.codegen.kinds import float32, int32, int64, pointer
from lineal.codegen.parallel import parallel
from lineal.codegen.threads import Pool, wanted


@pytest.fixture(scope="module")
def pool():
    made = Pool(Engine(target.host(), None))
    yield made
    made.end()


@pytest.fixture
def count_of(monkeypatch):
    def choose(count):
        monkeypatch.setattr(setting.Threads, "chosen", count)

    choose(3)
    return choose


@pytest.fixture(scope="module")
def library(pool):
    """`mark` counts the visits of each thread and keeps how many threads there are; `many` runs regions in a row."""
    e = Emitter()
    row = lambda a, number: e.offset(a, e.cast(number, int64) * 64)
    with e.function("mark", [("a", pointer), ("number", int32), ("count", int32)]) as (a, number, count):
        mine = row(a, number)
        e.store(e.load(mine, int64) + 1, mine)
        e.store(count, mine, 2)
    with e.function("nest", [("a", pointer), ("number", int32), ("count", int32)]) as (a, number, count):
        e.call("lineal_fork", None, e.symbol("lineal_pool"), e.symbol("mark"), row(a, number))
    with e.function("many", [("a", pointer), ("n", int64)]) as (a, n), e.loop(n):
        e.call("lineal_fork", None, e.symbol("lineal_pool"), e.symbol("mark"), a)
    return Engine(target.host(), None).build(e, ["mark", "nest", "many"], pool.symbols())


def visits(pool, library, name="mark", times=1):
    memory = np.zeros((16, 8), np.int64)
    for _ in range(times):
        pool.run(library[name], memory.ctypes.data)
    return memory[:, 0].tolist(), memory.view(np.int32)[:, 2].tolist()


def test_every_thread_runs_once_a_region(pool, library, count_of):
    marks, counts = visits(pool, library, times=200)
    assert marks == [200] * 3 + [0] * 13 and counts[:3] == [3] * 3


def test_regions_follow_each_other_from_native_code(pool, library, count_of):
    memory = np.zeros((16, 8), np.int64)
    many = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(library["many"])
    many(memory.ctypes.data, 3000)
    assert memory[: pool.count, 0].tolist() == [3000] * pool.count


def test_workers_sleep_and_wake(pool, library, count_of):
    visits(pool, library)
    time.sleep(0.05)
    assert pool.field("sleepers").value == 2
    assert visits(pool, library)[0][:3] == [1, 1, 1]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_number_of_threads_is_followed(pool, library, count_of, count):
    visits(pool, library)
    count_of(count)
    marks, counts = visits(pool, library, times=3)
    assert marks == [3] * count + [0] * (16 - count) and counts[0] == count and len(pool.threads) == count - 1


def test_a_region_in_a_region_runs_alone(pool, library, count_of):
    memory = np.zeros((16, 8), np.int64)
    pool.run(library["nest"], memory.ctypes.data)
    assert memory[:3, 0].tolist() == [1, 1, 1] and memory.view(np.int32)[:3, 2].tolist() == [1, 1, 1]


def test_callers_beside_each_other_all_get_their_work_done(pool, library, count_of):
    visits(pool, library)
    done = []

    def work():
        memory = np.zeros((16, 8), np.int64)
        for _ in range(300):
            pool.fork(pool.address, library["mark"], memory.ctypes.data)
        done.append(memory[0, 0])

    callers = [threading.Thread(target=work) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert done == [300] * 4


def test_workers_end_and_start_again(pool, library, count_of):
    visits(pool, library)
    pool.end()
    assert pool.threads == [] and pool.field("workers").value == -1
    assert visits(pool, library)[0][:3] == [1, 1, 1]


def test_a_held_pool_is_not_ended(pool, library, count_of):
    visits(pool, library)
    with pool.held(1.0) as ours:
        assert ours
        pool.end(0.01)
        assert len(pool.threads) == 2
        # who finds the pool taken works alone
        memory = np.zeros((16, 8), np.int64)
        pool.fork(pool.address, library["mark"], memory.ctypes.data)
        assert memory[:3, 0].tolist() == [1, 0, 0]


def test_the_number_wanted(monkeypatch):
    monkeypatch.setattr(setting.Threads, "chosen", None)
    monkeypatch.setenv("OMP_NUM_THREADS", "7,2")
    assert wanted() == 7
    for value in ("", "many", "0"):
        monkeypatch.setenv("OMP_NUM_THREADS", value)
        assert wanted() == setting.available()
    monkeypatch.setattr(setting.Threads, "chosen", 5)
    assert wanted() == 5


def in_a_process(code, **environment):
    given = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=given, capture_output=True, text=True, timeout=100)


START = """
import ctypes, os
from lineal.codegen.threads import pool
Job = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32)
job = Job(lambda argument, number, count: seen.append(number))
address = ctypes.cast(job, ctypes.c_void_p).value
seen = []
pool().run(address)
print(sorted(seen), flush=True)
"""
FORK = """
child = os.fork()
seen.clear()
pool().run(address)
if child == 0:
    print("child", sorted(seen), len(pool().threads), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print("parent", sorted(seen))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_workers_of_its_own():
    result = in_a_process(START + FORK, OMP_NUM_THREADS="3")
    assert result.returncode == 0, result.stderr
    assert result.stdout.split("\n")[:3] == ["[0, 1, 2]", "child [0, 1, 2] 2", "parent [0, 1, 2]"]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be bound to processors here")
def test_the_processors_of_this_process_count():
    code = "import os\nos.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n" + START
    result = in_a_process(code, OMP_NUM_THREADS="")
    assert (result.returncode, result.stdout) == (0, "[0]\n"), result.stderr


@pytest.mark.parametrize("threads", [1, 3])
def test_parallel_loops_cover_their_range_once(pool, count_of, threads):
    count_of(threads)
    pool.follow()
    e = Emitter()

    def body(start, stop, x, y, factor):
        for block in e.blocks(stop, float32, start):
            block.store(block.load(y, float32) + block.load(x, float32) * factor, y)

    with e.function("f", [("x", pointer), ("y", pointer), ("factor", float32), ("n", int64)]) as (x, y, factor, n):
        parallel(e, "f", n, [x, y, factor], body, least=100)
    library = Engine(target.host(), None).build(e, ["f"], pool.symbols())
    f = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_float, ctypes.c_int64)(library["f"])
    for size in (0, 1, 99, 100, 128, 1000, 4097):
        x, y = np.arange(size, dtype=np.float32), np.ones(size + 8, np.float32)
        f(x.ctypes.data, y.ctypes.data, 2.0, size)
        np.testing.assert_array_equal(y, np.append(1 + 2 * x, np.ones(8, np.float32)))


FIRST_USE = """
import sys, threading
sys.setswitchinterval(1e-6)
import lineal
from lineal.codegen import engine, threads
start, found = threading.Barrier(6), []
def use():
    start.wait()
    assert lineal.linalg.inv(lineal.eye(100)).sum() == 100
    assert lineal.ones(1 << 19).exp().shape == (1 << 19,)
    found.append((id(threads.pool()), id(engine.engine())))
users = [threading.Thread(target=use) for _ in range(6)]
for each in users: each.start()
for each in users: each.join()
print(len(found), len(set(found)))
"""


def test_several_threads_may_be_the_first():
    result = in_a_process(FIRST_USE, OMP_NUM_THREADS="2")
    assert (result.returncode, result.stdout) == (0, "6 1\n"), result.stderr
