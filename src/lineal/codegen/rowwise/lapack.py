"""LAPACK for every matrix of a stack, the matrices shared among the threads of the pool, LAPACK itself on one; or for one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from lineal.base.platforms import HOST
from lineal.base.threads import openblas
from lineal.codegen import blas
from lineal.codegen.kinds import int64, pointer
from lineal.codegen.rowwise.kernel import Kernel, Task

__all__ = ["Argument", "Own", "call_each", "optimal"]

LETTERS = {"f": "s", "d": "d", "F": "c", "D": "z"}
LINE = 64


class Own:
    """Memory that each thread has for itself, of so many numbers."""

    def __init__(self, dtype: np.dtype | type, count: int):
        self.nbytes = np.dtype(dtype).itemsize * max(count, 1)


# an array of one entry for each matrix, a letter or a whole number for all, or memory
Argument = np.ndarray | str | int | Own


@cache
def calls(count: int) -> Kernel:
    """Return the kernel run(table) of one LAPACK call with so many arguments a matrix.

    The table has the routine's address, then three numbers an argument: where it lies (in the thread's memory, if the third is
    not 0), and how many bytes later that of the next matrix does.
    """

    def write(task: Task) -> None:
        e, table = task.e, task.bases[0]
        given = []
        for n in range(count):
            base, step, own = (e.load(table, int64, 1 + 3 * n + k) for k in range(3))
            shared = e.new(f"inttoptr {base.typed} to ptr", pointer)
            given.append(e.select(own != 0, e.offset(task.memory, base), e.offset(shared, task.matrix * step)))
        e.call_pointer(e.load(table, pointer), *given)

    return Kernel(1, 0, write)


def call_each(name: str, dtype: np.dtype, batch: int, arguments: Sequence[Argument], work: int) -> None:
    """Call LAPACK's routine `name` for each matrix of a batch; `work` is how many multiplications one takes."""
    rows, held, memory = [], [], 0
    for each in arguments:
        if isinstance(each, Own):
            rows.append((memory, 0, 1))
            memory += -(-each.nbytes // LINE) * LINE
        elif isinstance(each, np.ndarray):
            rows.append((HOST.address(each), each.nbytes // batch, 0))
        else:
            held.append(np.frombuffer(each.encode(), np.uint8) if isinstance(each, str) else np.array(each, np.int32))
            rows.append((HOST.address(held[-1]), 0, 0))
    table = np.array([blas.address(LETTERS[dtype.char] + name), *[number for row in rows for number in row]], np.int64)
    limit = openblas("scipy", blas.LIMIT) if batch > 1 else None
    before = None if limit is None else limit(1)
    try:
        calls(len(rows))([table], (), memory, batch, work)
    finally:
        if limit is not None:
            limit(before)


def optimal(name: str, dtype: np.dtype, arguments: Sequence[Argument], place: int) -> int:
    """Return how many numbers the memory at a place of the arguments has best; it is followed by the number of them."""
    asked, info = np.zeros(1, dtype), np.zeros(1, np.int32)
    call_each(name, dtype, 1, [*arguments[:place], asked, -1, *arguments[place + 2 : -1], info], 1)
    return int(asked[0].real)
