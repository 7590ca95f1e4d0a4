"""The cache of object code, linking, and entries from Python."""

import ctypes
import dataclasses
import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from lineal.codegen import target
from lineal.codegen.cache import Cache, default_folder
from lineal.codegen.cpython import layout
from lineal.codegen.cpython.entry import Argument, entry
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Engine
from lineal.codegen.kinds import float32, int32, int64, pointer


def adder(constant=1):
    e = Emitter()
    with e.function("f", [("x", int64)], int64) as (x,):
        e.ret(x + constant)
    return e


def call(library):
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(library["f"])(41)


def engine_in(folder):
    return Engine(target.host(), Cache(folder))


def files(folder):
    return sorted(path for path in folder.glob("*/*") if path.is_file())


def test_the_second_compilation_comes_from_the_cache(tmp_path):
    first, second = engine_in(tmp_path), engine_in(tmp_path)
    assert call(first.build(adder(), ["f"])) == 42 and (first.hits, first.misses) == (0, 1)
    assert call(second.build(adder(), ["f"])) == 42 and (second.hits, second.misses) == (1, 0)
    assert len(files(tmp_path)) == 1


def test_the_key_names_text_and_processor(tmp_path):
    one, other = engine_in(tmp_path), Engine(dataclasses.replace(target.host(), cpu="another"), None)
    assert one.key("a") != one.key("b") and one.key("a") != other.key("a") and one.key("a") == engine_in(tmp_path).key("a")


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_entry_is_made_again(tmp_path, damage):
    engine_in(tmp_path).build(adder(), ["f"])
    (path,) = files(tmp_path)
    content = path.read_bytes()
    path.write_bytes(damage if damage is not None else content[:-1] + bytes([content[-1] ^ 1]))
    again = engine_in(tmp_path)
    assert call(again.build(adder(), ["f"])) == 42 and again.misses == 1
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    engine = engine_in(blocked)
    assert call(engine.build(adder(), ["f"])) == 42 and call(engine.build(adder(2), ["f"])) == 43
    assert not engine.cache.enabled


def test_the_least_recently_used_entries_go_first(tmp_path):
    cache = Cache(tmp_path, limit=10_000)
    cache.written = 1
    for n in range(10):
        cache.put(f"{n:02d}key", bytes(1500))
        os.utime(cache.path(f"{n:02d}key"), (n, n))
    cache.get("00key")
    cache.sweep()
    left = [n for n in range(10) if cache.get(f"{n:02d}key") is not None]
    assert 0 in left and left[1:] == list(range(10 - len(left) + 1, 10)) and len(left) * 1532 <= 7500


def test_the_cache_forgets_entries_where_there_are_too_many(tmp_path):
    cache = Cache(tmp_path, most=8)
    cache.written = 1
    for n in range(12):
        cache.put(f"{n:064d}", b"x")
        os.utime(cache.path(f"{n:064d}"), (n, n))
    cache.sweep()
    assert [n for n in range(12) if cache.get(f"{n:064d}") is not None] == list(range(6, 12))


def test_processes_that_write_little_sort_the_cache_out_too(tmp_path, monkeypatch):
    """Whoever writes one entry sorts out as often as one process that writes all of them."""
    swept = []
    monkeypatch.setattr(Cache, "sweep", lambda self: swept.append(self))
    for number in range(128):
        monkeypatch.setattr(os, "getpid", lambda number=number: number)
        Cache(tmp_path).put(f"{number:064d}", b"x")
    assert len(swept) == 2
    one = Cache(tmp_path)
    for number in range(128):
        one.put(f"{number:064d}", b"y")
    assert len(swept) == 4


PROGRAM = """
import ctypes, sys
from pathlib import Path
from lineal.codegen import target
from lineal.codegen.cache import Cache
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Engine
from lineal.codegen.kinds import int64
engine = Engine(target.host(), Cache(Path(sys.argv[1])))
for n in range(20):
    e = Emitter()
    with e.function("f", [("x", int64)], int64) as (x,):
        e.ret(x + n)
    library = engine.build(e, ["f"])
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(library["f"])(1) == n + 1
"""


def test_processes_share_a_cache(tmp_path):
    started = [subprocess.Popen([sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(120) for process in started] == [0, 0, 0]
    assert len(files(tmp_path)) == 20


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("LINEAL_CACHE", raising=False)
    assert default_folder() == tmp_path / "lineal"
    monkeypatch.setenv("LINEAL_CACHE", str(tmp_path / "own"))
    assert default_folder() == tmp_path / "own"


def test_modules_are_compiled_side_by_side():
    engine = Engine(target.host(), None)
    objects = engine.compile_all([adder(n) for n in range(6)])
    assert [call(engine.link([made], ["f"])) for made in objects] == [41 + n for n in range(6)]


def test_modules_link_with_each_other():
    engine = Engine(target.host(), None)
    e = Emitter()
    with e.function("g", [("x", int64)], int64) as (x,):
        e.ret(e.call("f", int64, x) * 2)
    library = engine.link(engine.compile_all([adder(), e]), ["g"])
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(library["g"])(4) == 10


# entries


def kernel(size=12, status=0):
    e = Emitter()
    with e.function("k", [("a", pointer), ("b", pointer)], int32) as (a, b):
        for block in e.blocks(size, float32):
            block.store(2 * block.load(a, float32), b)
        e.ret(e.const(status, int32))
    return Engine(target.host(), None).build(e, ["k"])


SINGLE = np.dtype("float32")


def make(**options):
    arguments = [Argument(SINGLE, (3, 4)), Argument(SINGLE, (3, 4), written=True)]
    return entry(arguments, kernel(), "k", lambda *given: ("slow", *map(id, given)), **options)


@pytest.fixture(params=["native", "python", "releasing"])
def doubled(request, monkeypatch):
    if request.param == "python":
        monkeypatch.setattr(layout, "ndarray", lambda: None)
    return make(estimated_ns=1e6 if request.param == "releasing" else 0)


def arrays():
    return np.arange(12, dtype="float32").reshape(3, 4), np.zeros((3, 4), "float32")


def test_an_entry_calls_the_kernel(doubled):
    a, b = arrays()
    assert doubled(a, b) is None
    np.testing.assert_array_equal(b, 2 * a)


def misfits():
    a, b = arrays()
    locked = b.copy()
    locked.flags.writeable = False
    odd = np.frombuffer(b"\0" * 49, np.uint8)[1:].view("float32").reshape(3, 4)

    class Sub(np.ndarray):
        pass

    return {
        "dtype": (a.astype("float64"), b),
        "byte order": (a.astype(">f4"), b),
        "shape": (a[:2], b),
        "dimensions": (a.ravel(), b),
        "strides": (np.asfortranarray(a), b),
        "sliced": (np.zeros((3, 8), "float32")[:, ::2], b),
        "locked": (a, locked),
        "unaligned": (odd, b),
        "subclass": (a.view(Sub), b),
        "no array": (a.tolist(), b),
        "None": (None, b),
        "too few": (a,),
        "too many": (a, b, b),
        "none at all": (),
    }


@pytest.mark.parametrize("name", list(misfits()))
def test_what_does_not_fit_goes_the_slow_way(doubled, name):
    given = misfits()[name]
    assert doubled(*given) == ("slow", *map(id, given))


def test_calls_keep_reference_counts(doubled):
    a, b = arrays()
    wrong = a.astype("float64")
    before = [sys.getrefcount(x) for x in (None, a, b, wrong, SINGLE)]
    for _ in range(1000):
        doubled(a, b)
        doubled(wrong, b)
    after = [sys.getrefcount(x) for x in (None, a, b, wrong, SINGLE)]
    assert all(abs(x - y) < 50 for x, y in zip(before, after))


def test_an_error_on_the_slow_path_passes_through():
    def refuse(*given):
        raise LookupError("no")

    f = entry([Argument(SINGLE, (3, 4))] * 2, kernel(), "k", refuse)
    with pytest.raises(LookupError, match="no"):
        f(1, 2)


@pytest.mark.parametrize("native", [True, False])
def test_a_status_is_returned(monkeypatch, native):
    if not native:
        monkeypatch.setattr(layout, "ndarray", lambda: None)
    f = entry([Argument(SINGLE, (3, 4))] * 2, kernel(status=-7), "k", print)
    assert f(*arrays()) == -7


def test_an_entry_outlives_everything_else_and_dies_with_its_last_reference():
    f = make()
    gc.collect()
    a, b = arrays()
    f(a, b)
    assert b[2, 3] == 22
    held = f.__self__
    count = sys.getrefcount(held)
    del f
    gc.collect()
    assert sys.getrefcount(held) == count - 1


class Holder:
    __slots__ = ("label", "value")

    def __init__(self, value):
        self.label = "x"
        self.value = value


@pytest.mark.parametrize("native", [True, False])
def test_arrays_are_taken_out_of_holders(monkeypatch, native):
    if not native:
        monkeypatch.setattr(layout, "ndarray", lambda: None)
    a, b = arrays()
    sample = Holder(a)
    at = layout.slot(sample, a)
    arguments = [Argument(SINGLE, (3, 4), holder=Holder, slot=at)] * 2
    f = entry(arguments, kernel(), "k", lambda *given: "slow")
    assert f(Holder(a), Holder(b)) is None
    np.testing.assert_array_equal(b, 2 * a)
    assert f(a, b) == "slow" and f(Holder(a), Holder(None)) == "slow"
    empty = Holder(b)
    del empty.value
    assert not native or f(Holder(a), empty) == "slow"


def test_sizes_of_one_have_any_stride():
    f = entry([Argument(SINGLE, (1, 12)), Argument(SINGLE, (12,), written=True)], kernel(), "k", lambda *given: "slow")
    a, b = np.ones((12, 12), "float32")[::5][:1], np.zeros(12, "float32")
    assert a.strides[0] != 48 and f(a, b) is None and (b == 2).all()


def test_entries_run_beside_each_other_without_the_gil():
    f = make(estimated_ns=1e6)
    outputs = [arrays() for _ in range(4)]
    threads = [threading.Thread(target=lambda p=p: [f(*p) for _ in range(2000)]) for p in outputs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((b == 2 * a).all() for a, b in outputs)


def test_the_layout_is_found_here():
    assert layout.ndarray() is not None
    with pytest.raises(LookupError):
        layout.offset_of(12345, np.zeros(3))
