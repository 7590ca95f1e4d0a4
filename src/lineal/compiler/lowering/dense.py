"""Calls of the programs for large matrices, by their addresses: factors, inverses, solutions. Their memory lies in the arena.

The programs read and write rows; of a triangle that is only read, columns may be dense as well. Writers are as in `routines`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import later
from lineal.codegen.dense.tiles import Tiles
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int32, int64, kind_of
from lineal.codegen.values import Value
from lineal.compiler.lowering.routines import Addresses, call, stack

__all__ = ["cholesky", "inverse", "lu", "memory", "room", "solve_factored", "solve_triangular", "symbols"]

# the programs are made when one is wanted
backends: Any = later.module("lineal.codegen.dense.backends")

FEW = 4
"""Up to how many right-hand sides each is solved for by itself."""


def name_of(program: str, dtype: np.dtype) -> str:
    """Return the symbol of a program."""
    return f"dense_{program}_{dtype.name}".replace(".", "_")


def symbols(dtype: np.dtype) -> dict[str, int]:
    """Return the programs' symbols and addresses."""
    programs = backends.own(dtype)
    return {name_of(each, dtype): programs.library[each] for each in programs.run}


def memory(dtype: np.dtype, rows: int) -> list[int]:
    """Return how many numbers a factorisation needs: of a panel, and of the strips of two."""
    panel, _, strips, others = backends.own(dtype).memory(rows)
    return [panel.size, strips.size, others.size]


def room(dtype: np.dtype, n: int, columns: int) -> int:
    """Return how many numbers solving with a triangle needs."""
    return n if columns <= FEW else (-(-n // backends.own(dtype).high) * backends.own(dtype).high) ** 2


class Calls:
    """Writes calls of the programs for one dtype."""

    def __init__(self, e: Emitter, dtype: np.dtype):
        self.e, self.dtype, self.kind = e, dtype, kind_of(dtype)
        self.programs = backends.own(dtype)

    def call(self, program: str, *given: Value | int) -> None:
        """Call a program with addresses and whole numbers."""
        given = tuple(each if isinstance(each, Value) else self.e.const(int(each), int64) for each in given)
        self.e.call(name_of(program, self.dtype), None, *given)

    def length(self, rows: int) -> int:
        """Return the length of a panel's rows."""
        return self.programs.memory(rows)[1]

    def substitute(
        self,
        A: Value,
        transposed: bool,
        X: Value,
        n: int,
        columns: int,
        space: Value,
        upper: bool,
        unit: bool,
        stairs: bool = False,
    ) -> None:
        """Replace X by A⁻¹ X, A triangular; `transposed`: its transpose is what lies by rows."""
        e, name = self.e, Tiles.solver(not upper, unit)
        if columns == 1:
            self.call(f"vector.{name}", A, n, n, transposed, X)
        elif columns <= FEW:
            with e.loop(columns) as j:
                with e.loop(n) as i:
                    e.store(e.load(X, self.kind, i * columns + j), space, i)
                self.call(f"vector.{name}", A, n, n, transposed, space)
                with e.loop(n) as i:
                    e.store(e.load(space, self.kind, i), X, i * columns + j)
        else:
            width = self.programs.width(columns)
            self.call(f"system.{name}", A, n, n, transposed, X, columns, columns, width, space, stairs)

    def exchange(self, pivots: Value, X: Value, n: int, columns: int, back: bool) -> None:
        """Exchange rows as they were in elimination, from the last on if `back`."""
        e = self.e
        with e.loop(n) as k:
            i = n - 1 - k if back else k
            j = e.cast(e.load(pivots, int32, i), int64) - 1
            with e.when(i != j), e.loop(columns) as c:
                first, second = e.load(X, self.kind, i * columns + c), e.load(X, self.kind, j * columns + c)
                e.store(second, X, i * columns + c)
                e.store(first, X, j * columns + c)


@call
def lu(e: Emitter, xs: Addresses, ys: Addresses, dtype: np.dtype, m: int, n: int, batch: int) -> None:
    """P A = L U in place, by rows; the exchanged rows; 0 or the place of a zero pivot; and the memory of a factorisation."""
    kind = kind_of(dtype)
    calls, work = Calls(e, dtype), ys[3:]
    places = [(ys[0], kind, m * n), (ys[1], int32, min(m, n)), (ys[2], int32, 1)]
    with stack(e, batch, places) as (A, pivots, info):
        e.store(e.const(0, int32), info)
        width, length = calls.programs.width(n), calls.length(m)
        calls.call("lu", A, n, m, n, width, pivots, info, work[0], length, work[1], work[2])


@call
def cholesky(e: Emitter, xs: Addresses, ys: Addresses, dtype: np.dtype, n: int, batch: int) -> None:
    """A = L Lᵀ from the lower triangle of A, by rows; NaN in the last element where there is no factor; and the memory."""
    kind = kind_of(dtype)
    calls, work = Calls(e, dtype), ys[1:]
    with stack(e, batch, [(xs[0], kind, n * n), (ys[0], kind, n * n)]) as (A, L):
        info = e.slot(e.const(0, int32))
        width, length = calls.programs.width(n), calls.length(n)
        calls.call("cholesky", A, n, L, n, width, info, work[0], length, work[1], work[2])
        with e.when(e.load(info, int32) != 0):
            e.store(e.const(float("nan"), kind), L, n * n - 1)


@call
def solve_factored(
    e: Emitter, xs: Addresses, ys: Addresses, dtype: np.dtype, n: int, columns: int, batch: int, transposed: bool, adjoint: bool
) -> None:
    """A X = B, or Aᵀ X = B if `adjoint`, in place of B, row-major, of LU and pivots; memory. `transposed`: LU by columns."""
    kind = kind_of(dtype)
    calls = Calls(e, dtype)
    places = [(xs[0], kind, n * n), (xs[1], int32, n), (ys[0], kind, n * columns)]
    with stack(e, batch, places) as (LU, pivots, X):
        given = (LU, transposed != adjoint, X, n, columns, ys[1])
        if not adjoint:
            calls.exchange(pivots, X, n, columns, False)
        calls.substitute(*given, False, not adjoint)
        calls.substitute(*given, True, adjoint)
        if adjoint:
            calls.exchange(pivots, X, n, columns, True)


@call
def inverse(e: Emitter, xs: Addresses, ys: Addresses, dtype: np.dtype, n: int, batch: int, transposed: bool) -> None:
    """A⁻¹ = U⁻¹ L⁻¹ P, by rows, from LU and pivots; and memory. `transposed`: LU lies by columns."""
    kind = kind_of(dtype)
    calls = Calls(e, dtype)
    with stack(e, batch, [(xs[0], kind, n * n), (xs[1], int32, n), (ys[0], kind, n * n)]) as (LU, pivots, Y):
        with e.loop(n) as i:
            with e.loop(n) as j:
                e.store(e.const(0.0, kind), Y, i * n + j)
            e.store(e.const(1.0, kind), Y, i * n + i)
        calls.substitute(LU, transposed, Y, n, n, ys[1], False, True, stairs=True)
        calls.substitute(LU, transposed, Y, n, n, ys[1], True, False)
        exchange_columns(e, kind, pivots, Y, n)


def exchange_columns(e: Emitter, kind: Kind, pivots: Value, Y: Value, n: int) -> None:
    """Exchange columns as rows were in elimination, from the last on."""
    with e.loop(n) as row, e.loop(n) as k:
        i = n - 1 - k
        j = e.cast(e.load(pivots, int32, i), int64) - 1
        first, second = e.load(Y, kind, row * n + i), e.load(Y, kind, row * n + j)
        e.store(second, Y, row * n + i)
        e.store(first, Y, row * n + j)


@call
def solve_triangular(
    e: Emitter,
    xs: Addresses,
    ys: Addresses,
    dtype: np.dtype,
    n: int,
    columns: int,
    batch: int,
    steps: tuple[int, int],
    upper: bool,
    unit: bool,
) -> None:
    """A X = B in place of B, by rows, A triangular; and memory. `steps`: how far matrices A are apart, whether by columns."""
    kind, (apart, transposed) = kind_of(dtype), steps
    calls = Calls(e, dtype)
    with stack(e, batch, [(xs[0], kind, apart), (ys[0], kind, n * columns)]) as (A, X):
        calls.substitute(A, bool(transposed), X, n, columns, ys[1], upper, unit)
