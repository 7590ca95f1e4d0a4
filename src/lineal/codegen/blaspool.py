"""OpenBLAS's own parallel work on our pool, so that two pools do not fight for the processors. Off unless `install` is called.

OpenBLAS hands over jobs that wait for each other, so all of them must run at once. Where the pool is taken or too small, the
jobs get threads made for the occasion; that is slow, but it cannot deadlock.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib.util
from functools import cache
from pathlib import Path

from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Library, engine
from lineal.codegen.kinds import int32, int64, pointer
from lineal.codegen.threads import Pool, pool
from lineal.codegen.values import Value

SETTER = "openblas_set_threads_callback_function"
# words of the table that describes the jobs of one call
FUNCTION, COUNT, SIZE, DATA, EXTRA, WORDS = 0, 1, 2, 3, 4, 5


@cache
def openblas() -> ctypes.CDLL | None:
    """Return the OpenBLAS of SciPy's wheel, if it can be told where to run its jobs."""
    spec = importlib.util.find_spec("scipy")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    for folder in (package.parent / "scipy.libs", package / ".dylibs"):
        for path in sorted(folder.glob("*openblas*")):
            library = ctypes.CDLL(str(path))
            if hasattr(library, SETTER):
                return library
    return None


def word(e: Emitter, table: Value, n: int) -> Value:
    return e.address(table, n, int64)


def write_one(e: Emitter) -> None:
    """Write one(table, number, threads): do the job of this number, if there is one."""
    parameters = [("table", pointer), ("number", int32), ("threads", int32)]
    with e.function("one", parameters) as (table, number, _), e.when(number < e.load(word(e, table, COUNT), int32)):
        step = e.cast(number, int64) * e.load(word(e, table, SIZE), int64)
        data = e.offset(e.load(word(e, table, DATA), pointer), step)
        function = e.load(word(e, table, FUNCTION), pointer)
        e.call_pointer(function, number, data, e.load(word(e, table, EXTRA), int32))


def write_thread(e: Emitter) -> None:
    """Write thread(slot): do a job on a thread of its own; a slot is the table and the job's number."""
    with e.function("thread", [("slot", pointer)], pointer) as (slot,):
        e.call("one", None, e.load(slot, pointer), e.load(word(e, slot, 1), int32), e.const(0, int32))
        e.ret(e.const(0, pointer))


def write_callback(e: Emitter) -> None:
    """Write callback(sync, function, count, size, data, extra), which OpenBLAS calls."""
    parameters = [
        ("sync", int32),
        ("function", pointer),
        ("count", int32),
        ("size", int64),
        ("data", pointer),
        ("extra", int32),
    ]
    with e.function("callback", parameters) as (_, *values):
        table = Value(e, e.name(), pointer)
        e.frame.slots.append(f"  {table.text} = alloca [{WORDS} x i64], align 16")
        for n, value in enumerate(values):
            e.store(value, word(e, table, n))
        count = values[1]
        done = e.call("lineal_try_fork", int32, e.symbol("lineal_pool"), e.symbol("one"), table, count)
        with e.when(done == 0):
            write_own_threads(e, table, count)


def write_own_threads(e: Emitter, table: Value, count: Value) -> None:
    """Write the making, the caller's share and the joining of a thread for every job."""
    handles, slots = Value(e, e.name(), pointer), Value(e, e.name(), pointer)
    e.line(f"{handles.text} = alloca i64, i32 {count.text}, align 16")
    e.line(f"{slots.text} = alloca [2 x i64], i32 {count.text}, align 16")
    jobs = e.cast(count, int64)
    with e.loop(jobs, 1) as i:
        slot, handle = e.offset(slots, i * 16), e.address(handles, i, int64)
        e.store(table, slot)
        e.store(e.cast(i, int32), word(e, slot, 1))
        e.call("pthread_create", int32, handle, e.const(0, pointer), e.symbol("thread"), slot)
    e.call("one", None, table, e.const(0, int32), e.const(0, int32))
    with e.loop(jobs, 1) as i:
        e.call("pthread_join", int32, e.load(handles, int64, i), e.const(0, pointer))


@cache
def callback(of: Pool) -> Library:
    """Return the code that runs OpenBLAS's jobs on a pool."""
    e = Emitter(engine().target)
    write_one(e)
    write_thread(e)
    write_callback(e)
    return engine().build(e, ["callback"], of.symbols())


def install() -> bool:
    """Let SciPy's OpenBLAS run its jobs on the process's pool; return whether it can."""
    library = openblas()
    if library is None or not hasattr(ctypes.pythonapi, "PyOS_AfterFork_Child"):
        return False
    getattr(library, SETTER)(ctypes.c_void_p(callback(pool())["callback"]))
    atexit.register(uninstall)
    return True


def uninstall() -> None:
    """Let SciPy's OpenBLAS use its own threads again."""
    library = openblas()
    if library is not None:
        getattr(library, SETTER)(ctypes.c_void_p(None))
