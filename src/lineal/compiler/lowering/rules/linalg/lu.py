"""LU factors with their pivots, and what is solved and inverted by them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lineal.codegen.kinds import kind_of
from lineal.compiler.lowering import dense, routines
from lineal.compiler.lowering.rules.linalg.matrices import (
    across,
    by_columns,
    by_rows,
    changed,
    count,
    either,
    known,
    large,
    result,
    spaces,
    specs_of,
)
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView
from lineal.ops.linalg.lu import LUFactor, RowOrder

__all__: list[str] = []


def factored(low: Any, A: BufferView) -> tuple[BufferView, BufferView, BufferView]:
    """Return LU, the exchanged rows and info, by LAPACK; of one matrix once."""
    key = ("getrf", (A,))
    if key not in low.known:
        low.known[key] = factoring(low, A)
    return low.known[key]


def factoring(low: Any, A: BufferView) -> tuple[BufferView, BufferView, BufferView]:
    """Append the factorisation, and return LU, the exchanged rows and info."""
    *lead, m, n = A.shape
    (rows, pivots), (code, info) = result(low, (*lead, min(m, n)), np.int32), result(low, tuple(lead), np.int32)
    if large("factor", A):
        dtype = A.buffer.dtype
        outs = [rows, code, *spaces(low, dense.memory(dtype, m), dtype)]
        write, known = dense.lu(dtype, m, n, count(A)), {"work": m * n * min(m, n) // 3, "symbols": dense.symbols(dtype)}
        return changed(low, "lu", A, False, write, (), outs, **known), pivots, info
    write = routines.getrf(kind_of(A.buffer.dtype), m, n, count(A))
    LU = changed(low, "getrf", A, True, write, (), [rows, code], work=m * n * min(m, n) // 3)
    return LU, pivots, info


@lowers(LUFactor, of=FLOATS, where="not empty")
def lu_factor(low: Any, op: Any, ys: Any, A: BufferView) -> tuple[BufferView, ...] | None:
    """P A = L U."""
    if not known(A):
        return None
    if A.shape[-1] == A.shape[-2]:
        found = across(low, "factor", [A], specs_of(ys), lambda _: (A.shape[-1],), rows=True)
        if found is not None:
            return tuple(found[0])
    return factored(low, A)


@lowers(RowOrder, of=("int32",), where="not empty")
def row_order(low: Any, op: Any, y: Any, pivots: BufferView) -> BufferView | None:
    """y = the row of A that each row of L U is."""
    if 0 in pivots.shape:
        return None
    rows, dtype = op.rows, pivots.buffer.dtype
    low.check(low.map(pivots.shape, np.bool_, lambda m, p: (p >= 1) & (p <= rows), pivots, label="in range"))
    # what is out of range goes nowhere else before the check is heard
    kept = low.map(pivots.shape, dtype, lambda m, p: m.where((p >= 1) & (p <= rows), p, 1), pivots, label="kept")
    out, order = result(low, tuple(y.shape), y.storage)
    write = routines.row_order(rows, pivots.shape[-1], math.prod(pivots.shape[:-1]))
    low.routine("row order", write, [by_rows(low, kept)], [out])
    return order


def back_from(low: Any, B: BufferView, LU: BufferView, pivots: BufferView, adjoint: bool = False) -> BufferView:
    """Return A⁻¹ B, or A⁻ᵀ B, from A's factors."""
    n, columns = B.shape[-2:]
    if large("solve_factored", LU):
        dtype, (LU, flipped) = B.buffer.dtype, either(low, LU)
        write = dense.solve_factored(dtype, n, columns, count(B), flipped, adjoint)
        args, work = [LU, by_rows(low, pivots)], spaces(low, [dense.room(dtype, n, columns)], dtype)
        return changed(low, "solution", B, False, write, args, work, work=n * n * columns, symbols=dense.symbols(dtype))
    write = routines.getrs(kind_of(B.buffer.dtype), n, columns, count(B), adjoint)
    return changed(low, "getrs", B, True, write, [by_columns(low, LU), by_rows(low, pivots)], work=n * n * columns)


def inverse_from(low: Any, LU: BufferView, pivots: BufferView) -> BufferView:
    """Return A⁻¹ from A's factors."""
    n, dtype = LU.shape[-1], LU.buffer.dtype
    if large("inverse_factored", LU):
        return large_inverse(low, LU, pivots)
    space, _ = result(low, (n * routines.WORKSPACE,), dtype)
    write = routines.getri(kind_of(dtype), n, count(LU))
    return changed(low, "getri", LU, True, write, [by_rows(low, pivots)], [space], work=n**3 * 2 // 3)


def large_inverse(low: Any, LU: BufferView, pivots: BufferView) -> BufferView:
    """Return the inverse by the programs for large matrices."""
    n, dtype = LU.shape[-1], LU.buffer.dtype
    LU, flipped = either(low, LU)
    out, Y = result(low, LU.shape, dtype)
    outs = [out, *spaces(low, [dense.room(dtype, n, n)], dtype)]
    write, args = dense.inverse(dtype, n, count(LU), flipped), [LU, by_rows(low, pivots)]
    low.routine("inverse", write, args, outs, work=n**3 * 2 // 3, symbols=dense.symbols(dtype))
    return Y
