"""A = L Lᴴ, row by row: what a column takes from those after it is a multiple, for each row, of the column laid on its side."""

from __future__ import annotations

from functools import cache

import numpy as np

from lineal.codegen.engine import engine
from lineal.codegen.kinds import int32, int64
from lineal.codegen.rowwise.kernel import Kernel, Task, parts_of
from lineal.codegen.rowwise.rows import TILE, Rows, spread, subtract
from lineal.codegen.values import Value

__all__ = ["factored", "memory_of"]


def memory_of(dtype: np.dtype, n: int) -> tuple[int, int]:
    """Return how many vectors a row takes, and how many bytes a thread needs."""
    real, parts = parts_of(dtype)
    lanes = max(engine().target.lanes(real), 2)
    chunks = -(-n * parts // lanes)
    return chunks, real.itemsize * spread(chunks) * lanes * (n + TILE + 1)


@cache
def factored(dtype: np.dtype) -> Kernel:
    """Return the kernel factor(A, L, info), whose sizes are n and `memory_of`'s; the lower triangle of A is read."""
    kind, parts = parts_of(dtype)

    def write(task: Task) -> None:
        e, (n, chunks) = task.e, task.sizes
        M = Rows(e, kind, parts, task.memory, spread(chunks) * e.lanes(kind))
        given, target = (task.of(number, n * n * parts, kind) for number in (0, 1))
        with e.loop(n) as i:
            M.fill(i, 0, chunks, e.address(given, i * n * parts, kind), i + 1)
        side = Rows(e, kind, parts, e.address(M.base, M.length * (n + TILE), kind), M.length)
        failed = e.variable(e.const(0, int32))
        with e.loop(n, carried=[failed]) as k:
            pivot = M.number(k, k)[0]
            failed.value = e.select(pivot > 0.0, failed.value, 1)
            eliminate(M, side, n, k, e.math.sqrt(pivot))
        e.store(failed.value, task.bases[2], task.matrix)
        with e.loop(n) as i:
            lower_row(M, i, n, e.address(target, i * n * parts, kind))

    return Kernel(3, 2, write)


def eliminate(M: Rows, side: Rows, n: Value, k: Value, root: Value) -> None:
    """Write column k of L, and subtract from those after it what belongs to it."""
    e, zero = M.e, M.e.const(0.0, M.kind)
    M.put(k, k, (root, zero)[: M.parts])
    with e.loop(n, k + 1) as i:
        x = tuple([each / root for each in M.number(i, k)])
        M.put(i, k, x)
        side.put(0, i, (x[0], *[-each for each in x[1:]]))
    first = e.math.floor_divide((k + 1) * M.parts, M.lanes)
    # what this does to columns up to k is done to copies
    last = lambda i: e.math.floor_divide((i + 1) * M.parts - 1, M.lanes) + 1
    with e.loop(k + 1, e.math.floor_divide(first * M.lanes, M.parts)) as i:
        side.put(0, i, (zero,) * M.parts)
    subtract(M, (k + 1, n), lambda i: M.number(i, k), lambda c: side.vector(0, c), lambda i: (first, last(i)))


def lower_row(M: Rows, i: Value, n: Value, target: Value) -> None:
    """Copy a row up to the diagonal, and zeros after it."""
    e, width = M.e, (i + 1) * M.parts
    for block in e.blocks(n * M.parts, M.kind):
        x = e.load(M.base, M.kind, M.length * i + block.index, block.lanes, mask=block.mask)
        place = e.splat(block.index, block.lanes) + e.iota(int64, block.lanes)
        block.store(e.select(place < width, x, 0.0), target)
