"""From the code for one matrix to a function of arrays: the loop over matrices, the threads and their memory, the call."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import numpy as np

from lineal.base.platforms import HOST
from lineal.codegen.batched.heap import keep_freed_memory
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import Kind, int64, kind_of, pointer
from lineal.codegen.parallel import parallel, taken
from lineal.codegen.threads import pool
from lineal.codegen.values import Value

__all__ = ["Kernel", "Task", "parts_of"]

# multiplications that are worth a second thread
WORTH_THREADS = 60_000
# bytes between the memory of two threads: a cache line, and what is fetched with it
APART = 128


def parts_of(dtype: np.dtype) -> tuple[Kind, int]:
    """Return the kind of a dtype's numbers, and of how many each is made."""
    real = np.empty(0, dtype).real.dtype
    return kind_of(real), 1 + (dtype.kind == "c")


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
        self.write(e, arrays, sizes, write)
        symbols = pool().symbols()
        self.library = engine().build(e, ["kernel"], {name: symbols[name] for name in symbols if name in e.declared})
        types = [*[ctypes.c_void_p] * (arrays + 1), *[ctypes.c_int64] * (sizes + 3)]
        self.function = HOST.launch(self.library["kernel"], types)

    def write(self, e: Emitter, arrays: int, sizes: int, write: Callable[[Task], None]) -> None:
        """Write kernel(address, …, memory, size, …, bytes of memory a thread, matrices, least number for threads)."""
        names = [*((f"p{n}", pointer) for n in range(arrays + 1)), *((f"n{n}", int64) for n in range(sizes + 3))]

        def matrices(_start: Value, _stop: Value, *captured: Value) -> None:
            *known, step, batch, _least, ticket, done = captured
            thread = e.new(f"atomicrmw add ptr {ticket.text}, i64 1 monotonic", int64)
            memory = e.offset(known[arrays], step * thread)
            with taken(e, done, batch) as matrix:
                write(Task(e, matrix, known[:arrays], known[arrays + 1 :], memory))

        with e.function("kernel", names) as captured:
            shared = [*captured, e.slot(e.const(0, int64)), e.slot(e.const(0, int64))]
            parallel(e, "matrices", captured[-2], shared, matrices, least=captured[-1], grain=1)

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
