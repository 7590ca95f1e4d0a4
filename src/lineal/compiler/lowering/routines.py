"""What the routines of linear algebra are called with: LAPACK's and BLAS's for each matrix of a stack, kernels for all at once.

A writer gets the addresses of what is read, then of what is made; what a routine changes in place is among the latter. LAPACK's
matrices lie by columns: a matrix that lies by rows is, to it, the transpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np

from lineal.codegen import blas
from lineal.codegen.batched.arrays import kernel
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, int32, int64, kind_of, pointer
from lineal.codegen.target import host
from lineal.codegen.values import Value
from lineal.compiler.nodes.node import Call

__all__ = [
    "WORKSPACE",
    "batched",
    "cholesky_pull",
    "constant",
    "getrf",
    "getri",
    "getrs",
    "lanes",
    "potrf",
    "row_order",
    "trsm",
]

WORKSPACE = 64
"""How many columns of a matrix LAPACK may keep in its workspace."""

Addresses = Sequence[Value]


def call(write: Callable[..., None]) -> Callable[..., Call]:
    """Return the function that makes the call, as a value, of a writer with parameters: write(e, xs, ys, *parameters)."""

    @wraps(write)
    def made(*parameters: Any) -> Call:
        return Call(write, parameters)

    return made


def lanes(dtype: np.dtype) -> int:
    """Return how many matrices a kernel for batches needs at least."""
    return max(host().lanes(kind_of(dtype)), 2)


def batched(
    name: str,
    dtype: np.dtype,
    batch: int,
    *given: object,
    shared: dict[str, int] = {},  # noqa: B006 - not written
) -> tuple[Call, dict[str, int]]:
    """Return the call of a kernel for batches, and its symbols; it reads `shared` arrays after the others."""
    made: Any = kernel(name, dtype, *given)
    symbol = "_".join(("batched", name, dtype.name, *(word for each in given for word in str(each).split())))
    symbol = "".join(letter for letter in symbol if letter.isalnum() or letter == "_")
    return of_kernel(symbol, tuple(shared), batch), {symbol: made.library["kernel"], **shared}


@call
def of_kernel(e: Emitter, xs: Addresses, ys: Addresses, symbol: str, shared: tuple[str, ...], batch: int) -> None:
    """A kernel for batches, by its symbol."""
    e.call(symbol, None, *xs, *map(e.symbol, shared), *ys, e.const(batch, int64))


@contextmanager
def stack(e: Emitter, batch: int, places: Sequence[tuple[Value, Kind, int]]) -> Iterator[list[Value]]:
    """Write what is done to each matrix of a stack; `places` are addresses, kinds, and how many numbers a matrix has."""
    if batch == 1:
        yield [place for place, _, _ in places]
        return
    with e.loop(batch) as i:
        yield [e.address(place, i * count, kind) for place, kind, count in places]


def failed(e: Emitter, info: Value) -> Value:
    """Return whether LAPACK's info says so."""
    return e.load(info, int32) != 0


@call
def potrf(e: Emitter, xs: Addresses, ys: Addresses, kind: Kind, n: int, batch: int, upper: bool) -> None:
    """A = L Lᵀ (Uᵀ U if `upper`) in place, by rows; the other triangle is zero, the last element NaN if there is no factor."""
    with stack(e, batch, [(ys[0], kind, n * n)]) as (A,):
        info = e.slot(e.const(0, int32))
        blas.call(e, blas.LETTER[kind.name] + "potrf", "L" if upper else "U", n, A, n, info)
        with e.loop(n) as i, e.loop(i if upper else n, 0 if upper else i + 1) as j:
            e.store(e.const(0.0, kind), A, i * n + j)
        with e.when(failed(e, info)):
            e.store(e.const(float("nan"), kind), A, n * n - 1)


@call
def cholesky_pull(e: Emitter, xs: Addresses, ys: Addresses, kind: Kind, n: int, block: int, batch: int) -> None:
    """The derivative of a Cholesky factorisation from L and G, by rows, `block` columns after the other from the last on.

    As eager code's `blocked_pull`; `block` · `block` numbers are memory. BLAS works on one thread: its threads would wait for
    each other where the pool's have just been, and take many times as long.
    """
    before = blas.limit(e, 1)
    matrices = stack(e, batch, [(each, kind, n * n) for each in (*xs, ys[0])])
    with matrices as (L, G, Y), e.loop(-(-n // block)) as turn:
        stop = n - turn * block
        start = e.math.maximum(stop - block, 0)
        pulled_columns(
            e, kind, n, block, [e.address(each, start * n + start, kind) for each in (L, G, Y)], stop - start, n - stop, ys[1]
        )
    if before is not None:
        blas.limit(e, before)


def pulled_columns(
    e: Emitter, kind: Kind, n: int, block: int, places: Sequence[Value], count: Value, below: Value, S: Value
) -> None:
    """Write `count` columns, whose diagonal blocks are at `places`, with so many rows below them."""
    letter, one = blas.LETTER[kind.name], (1.0, kind)
    D, G, Y = places
    B, under, Z = (e.address(each, count * n, kind) for each in places)
    W, right = e.address(Z, count, kind), e.address(Y, count, kind)
    scaled(e, kind, (G, n), (S, block), (count, count), 1.0)
    with e.when(below > 0):
        scaled(e, kind, (under, n), (Z, n), (below, count), 0.5)
        blas.gemm(e, kind, W, B, Z, below, count, below, alpha=-1.0, beta=1.0, strides=(n, n, n))
        blas.call(e, letter + "trsm", "L", "U", "N", "N", count, below, one, D, n, Z, n)
        with e.loop(count) as j, e.loop(below) as i:
            e.store(e.load(Z, kind, i * n + j), right, j * n + i)
        blas.gemm(e, kind, Z, B, S, count, count, below, transpose_a=True, alpha=-2.0, beta=1.0, strides=(n, n, block))
    blas.gemm(e, kind, D, S, Y, count, count, count, transpose_a=True, alpha=0.5, strides=(n, block, n))
    with e.loop(count) as i, e.loop(i) as j:
        e.store(e.load(Y, kind, i * n + j), Y, j * n + i)
    blas.call(e, letter + "trsm", "L", "U", "N", "N", count, count, one, D, n, Y, n)
    blas.call(e, letter + "trsm", "R", "U", "T", "N", count, count, one, D, n, Y, n)


def scaled(e: Emitter, kind: Kind, source: tuple, to: tuple, shape: tuple[Value, Value], factor: float) -> None:
    """Write to = factor · source; `source` and `to` are addresses and how long rows are."""
    with e.loop(shape[0]) as i:
        row, other = (e.address(place, i * step, kind) for place, step in (source, to))
        for block in e.blocks(shape[1], e.lanes(kind)):
            block.store(block.load(row, kind) * factor, other)


@call
def getrf(e: Emitter, xs: Addresses, ys: Addresses, kind: Kind, m: int, n: int, batch: int) -> None:
    """P A = L U in place, by columns; the exchanged rows; and 0 or the place of a zero pivot."""
    places = [(ys[0], kind, m * n), (ys[1], int32, min(m, n)), (ys[2], int32, 1)]
    with stack(e, batch, places) as (A, pivots, info):
        blas.call(e, blas.LETTER[kind.name] + "getrf", m, n, A, m, pivots, info)


@call
def row_order(e: Emitter, xs: Addresses, ys: Addresses, m: int, count: int, batch: int) -> None:
    """Row i of L U is which row of A, from the `count` rows that were exchanged."""
    with stack(e, batch, [(xs[0], int32, count), (ys[0], int64, m)]) as (pivots, order):
        with e.loop(m) as i:
            e.store(i, order, i)
        with e.loop(count) as i:
            j = e.cast(e.load(pivots, int32, i), int64) - 1
            first, second = e.load(order, int64, i), e.load(order, int64, j)
            e.store(second, order, i)
            e.store(first, order, j)


@call
def getrs(e: Emitter, xs: Addresses, ys: Addresses, kind: Kind, n: int, columns: int, batch: int, adjoint: bool) -> None:
    """A X = B, or Aᵀ X = B if `adjoint`, in place of B, by columns, from LU and pivots."""
    places = [(xs[0], kind, n * n), (xs[1], int32, n), (ys[0], kind, n * columns)]
    with stack(e, batch, places) as (LU, pivots, X):
        info = e.slot(e.const(0, int32))
        way = "T" if adjoint else "N"
        blas.call(e, blas.LETTER[kind.name] + "getrs", way, n, columns, LU, n, pivots, X, n, info)


@call
def getri(e: Emitter, xs: Addresses, ys: Addresses, kind: Kind, n: int, batch: int) -> None:
    """A⁻¹ in place of LU, by columns, from pivots, with a workspace."""
    with stack(e, batch, [(xs[0], int32, n), (ys[0], kind, n * n)]) as (pivots, A):
        info = e.slot(e.const(0, int32))
        blas.call(e, blas.LETTER[kind.name] + "getri", n, A, n, pivots, ys[1], n * WORKSPACE, info)


@call
def constant(e: Emitter, xs: Addresses, ys: Addresses, name: str, nbytes: int) -> None:
    """A copy of what lies at an address."""
    e.call("memcpy", pointer, ys[0], e.symbol(name), e.const(nbytes, int64))


@call
def trsm(
    e: Emitter,
    xs: Addresses,
    ys: Addresses,
    kind: Kind,
    shape: tuple[int, int, int],
    batch: int,
    steps: tuple[int, int],
    upper: bool,
    unit: bool,
) -> None:
    """A X = B in place of B, by rows, with A triangular; `shape` is n, B's columns, the distance of A's rows or columns.

    `steps` are how far matrices A are apart, and whether A lies by columns.
    """
    n, columns, row = shape
    apart, turned = steps
    # what lies by rows is to BLAS the transpose, its triangle the other one
    triangle, diagonal = "U" if upper == bool(turned) else "L", "U" if unit else "N"
    letter = blas.LETTER[kind.name]
    with stack(e, batch, [(xs[0], kind, apart), (ys[0], kind, n * columns)]) as (A, X):
        if columns == 1:
            blas.call(e, letter + "trsv", triangle, "N" if turned else "T", diagonal, n, A, row, X, 1)
        else:
            way = "T" if turned else "N"
            blas.call(e, letter + "trsm", "R", triangle, way, diagonal, columns, n, (1.0, kind), A, row, X, columns)
