"""The programs for large matrices as functions of NumPy arrays, compiled at first use."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import numpy as np

from lineal.base.platforms import HOST
from lineal.codegen.batched.heap import keep_freed_memory
from lineal.codegen.dense.factors import CHOLESKY, LU
from lineal.codegen.dense.tiles import DEPTH, PANELS
from lineal.codegen.dense.triangular import SOLVE, SOLVE_ONE, Triangular
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.kinds import kind_of, pointer
from lineal.codegen.threads import pool

__all__ = ["Programs", "programs"]


FEW = 4
"""Up to how many right-hand sides each is solved for by itself (measured)."""


class Programs:
    """The programs for one dtype."""

    def __init__(self, dtype: np.dtype):
        keep_freed_memory()
        e = Emitter(engine().target)
        tiles = Triangular(e, kind_of(dtype))
        tiles.write()
        self.dtype, self.high, self.wide = dtype, tiles.high, tiles.wide
        names = [tiles.solver(forward, unit) for forward in (True, False) for unit in (True, False)]
        tables = {"lu": LU, "cholesky": CHOLESKY}
        tables |= {f"system.{name}": SOLVE for name in names} | {f"vector.{name}": SOLVE_ONE for name in names}
        symbols = pool().symbols()
        self.library = engine().build(e, tables, {name: symbols[name] for name in symbols if name in e.declared})
        self.run = {name: self.function(name, parameters) for name, parameters in tables.items()}

    def function(self, name: str, parameters: list[tuple]) -> Callable[..., None]:
        """Return a program, which gives the GIL away while it runs."""
        types = [ctypes.c_void_p if kind is pointer else ctypes.c_int64 for _, kind in parameters]
        return HOST.launch(self.library[name], types)

    def width(self, columns: int) -> int:
        """Return how many columns a task gets: enough tasks for some threads, panels enough to share strips."""
        return self.wide * max(1, min(PANELS, columns // (16 * self.wide)))

    def memory(self, rows: int) -> tuple[np.ndarray, int, np.ndarray, np.ndarray]:
        """Return memory for a panel, the length of its rows, and memory for two panels' strips."""
        line = 64 // self.dtype.itemsize
        # an odd number of cache lines, so that rows do not meet in the same places of a cache
        length = (-(-(rows + 2 * self.wide) // line) | 1) * line
        strips = -(-rows // self.high) * self.high * DEPTH
        return np.empty(DEPTH * length, self.dtype), length, np.empty(strips, self.dtype), np.empty(strips, self.dtype)

    def lu(self, A: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the LU factors of one matrix, the exchanged rows from 1, and info."""
        m, n = A.shape
        LU = np.array(A, order="C")
        pivots, info = np.empty(min(m, n), np.int32), np.zeros((), np.int32)
        panel, length, strips, others = self.memory(m)
        pool().follow()
        at = [each.ctypes.data for each in (LU, pivots, info, panel, strips, others)]
        self.run["lu"](at[0], n, m, n, self.width(n), at[1], at[2], at[3], length, *at[4:])
        return LU, pivots, info

    def cholesky(self, A: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the lower factor of one matrix, the lower triangle of which is read, and info."""
        n = A.shape[0]
        given = A if A.strides[1] == A.itemsize else np.ascontiguousarray(A)
        L, info = np.empty((n, n), self.dtype), np.zeros((), np.int32)
        panel, length, strips, others = self.memory(n)
        pool().follow()
        at = [each.ctypes.data for each in (L, info, panel, strips, others)]
        step = given.strides[0] // given.itemsize
        self.run["cholesky"](given.ctypes.data, step, at[0], n, self.width(n), at[1], at[2], length, *at[3:])
        return L, int(info)

    def solve(self, A: np.ndarray, X: np.ndarray, upper: bool, unit: bool, stairs: bool = False) -> None:
        """Replace the right-hand sides X, dense rows, by A⁻¹ X for a triangular A; its other triangle is not read.

        Rows or columns of A must be dense. `stairs`: A is lower triangular, and X too.
        """
        n, columns = X.shape
        transposed = A.strides[1] != A.itemsize
        given = A.T if transposed else A
        name, step = Triangular.solver(not upper, unit), given.strides[0] // given.itemsize
        if columns <= FEW:
            for i in range(columns):
                x = np.ascontiguousarray(X[:, i])
                self.run[f"vector.{name}"](given.ctypes.data, step, n, transposed, x.ctypes.data)
                X[:, i] = x
            return
        size = -(-n // self.high) * self.high
        strips = np.empty(size * size, self.dtype)
        pool().follow()
        at = (given.ctypes.data, step, n, transposed, X.ctypes.data, columns)
        self.run[f"system.{name}"](*at, columns, self.width(columns), strips.ctypes.data, stairs)


@cache
def programs(dtype: np.dtype) -> Programs:
    """Return the programs for float32 or float64."""
    return Programs(dtype)
