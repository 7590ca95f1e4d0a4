"""From the code for one matrix to a function of arrays: the loop over matrices, the threads and their memory, the call."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from lineal.base.platforms import HOST
from lineal.codegen.batched.heap import keep_freed_memory
from lineal.codegen.cpython.arraycall import arraycall
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import Kind, int64, kind_of, pointer
from lineal.codegen.native import entered
from lineal.codegen.parallel import parallel, taken
from lineal.codegen.threads import pool
from lineal.codegen.values import Value

__all__ = ["Kernel", "Task", "parts_of", "real_of"]

# multiplications that are worth a second thread
WORTH_THREADS = 60_000
# bytes between the memory of two threads: a cache line, and what is fetched with it
APART = 128


def real_of(dtype: np.dtype) -> np.dtype:
    """Return the dtype of the parts of numbers."""
    return np.dtype(dtype.char.lower())


def parts_of(dtype: np.dtype) -> tuple[Kind, int]:
    """Return the kind of a dtype's numbers, and of how many each is made."""
    return kind_of(real_of(dtype)), 1 + (dtype.kind == "c")


class Task:
    """What a writer is given: the number of a matrix, where the arrays begin, the sizes, and memory of the thread's own."""

    def __init__(self, e: Emitter, matrix: Value, bases: Sequence[Value], sizes: Sequence[Value], memory: Value):
        self.e = e
        self.matrix = matrix
        self.bases = bases
        self.sizes = sizes
        self.memory = memory

    def of(self, number: int, count: Value | int, kind: Kind) -> Value:
        """Return where the numbers of this matrix begin in an array that has so many for each."""
        return self.e.address(self.bases[number], self.matrix * count, kind)


class Kernel:
    """A compiled kernel for one dtype and any sizes, called with arrays, sizes and what each thread needs.

    `write` is given a `Task` for one matrix.
    """

    def __init__(self, arrays: int, sizes: int, write: Callable[[Task], None]):
        keep_freed_memory()
        e = Emitter(engine().target)
        self.write_one(e, arrays, sizes, write)
        self.write_alone(e, arrays, sizes)
        self.write(e, arrays, sizes)
        symbols = pool().symbols()
        names = ["kernel", "alone"]
        self.library = engine().build(e, names, {name: symbols[name] for name in symbols if name in e.declared})
        types = [*[ctypes.c_void_p] * (arrays + 1), *[ctypes.c_int64] * (sizes + 3)]
        self.function = HOST.launch(self.library["kernel"], types)

    def write_one(self, e: Emitter, arrays: int, sizes: int, write: Callable[[Task], None]) -> None:
        """Write one(address, …, memory, size, …, number of the matrix)."""
        names = [*((f"p{n}", pointer) for n in range(arrays + 1)), *((f"n{n}", int64) for n in range(sizes + 1))]
        with e.function("one", names, internal=True) as (*given, matrix):
            write(Task(e, matrix, given[:arrays], given[arrays + 1 :], given[arrays]))

    def write_alone(self, e: Emitter, arrays: int, sizes: int) -> None:
        """Write alone(addresses, sizes), for a single matrix."""
        with entered(e, "alone", arrays + 1) as (given, table):
            e.call("one", None, *given, *[e.load(table, int64, n) for n in range(sizes)], e.const(0, int64))

    def write(self, e: Emitter, arrays: int, sizes: int) -> None:
        """Write kernel(address, …, memory, size, …, bytes of memory a thread, matrices, least number for threads)."""
        names = [*((f"p{n}", pointer) for n in range(arrays + 1)), *((f"n{n}", int64) for n in range(sizes + 3))]

        def matrices(_start: Value, _stop: Value, *captured: Value) -> None:
            *known, step, batch, _least, ticket, done = captured
            thread = e.new(f"atomicrmw add ptr {ticket.text}, i64 1 monotonic", int64)
            memory = e.offset(known[arrays], step * thread)
            with taken(e, done, batch) as matrix:
                e.call("one", None, *known[:arrays], memory, *known[arrays + 1 :], matrix)

        with e.function("kernel", names) as captured:
            shared = [*captured, e.slot(e.const(0, int64)), e.slot(e.const(0, int64))]
            parallel(e, "matrices", captured[-2], shared, matrices, least=captured[-1], grain=1)

    def alone(self, sizes: Sequence[int], memory: int) -> Callable[..., bool]:
        """Return what runs on the arrays of a single matrix; False, having done nothing, if one is not aligned."""
        run = partial(arraycall(), np.array([self.library["alone"], False, *sizes], np.int64))
        return lambda *arrays: run(*arrays, np.empty(memory, np.uint8))

    def __call__(self, arrays: Sequence[np.ndarray], sizes: Sequence[int], memory: int, batch: int, work: int) -> None:
        """Run on so many matrices, which take `memory` bytes a thread and `work` multiplications each."""
        threads = pool()
        if threads.threads:
            threads.follow()
        step = -(-memory // APART) * APART
        least = max(2, WORTH_THREADS // max(work, 1))
        space = np.empty(step * (threads.count if batch >= least else 1) + APART, np.uint8)
        start = HOST.address(space)
        start += -start % APART
        self.function(*[HOST.address(each) for each in arrays], start, *sizes, step, batch, least)
