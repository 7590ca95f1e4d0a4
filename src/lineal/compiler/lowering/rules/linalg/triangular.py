"""Triangular systems: many small ones by a kernel across the batch, others by programs for large matrices or LAPACK."""

from __future__ import annotations

from typing import Any

from lineal.codegen.kinds import kind_of
from lineal.compiler.lowering import dense, routines
from lineal.compiler.lowering.rules.linalg.matrices import across, changed, count, either, first_like, known, large, spaces
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import BufferView
from lineal.ops.linalg.triangular import SolveTriangular

__all__: list[str] = []


@lowers(SolveTriangular, of=FLOATS, where="not empty")
def solve_triangular(low: Any, op: Any, y: Any, A: BufferView, B: BufferView) -> BufferView | None:
    """A X = B with A triangular."""
    if not known(A, B):
        return None
    given = lambda *turns: (*B.shape[-2:], op.upper, op.unit, turns)
    return first_like(across(low, "solve_triangular", [A, B], [(B.shape, y.storage)], given), 1) or substituted(
        low, A, B, op.upper, op.unit
    )


def substituted(low: Any, A: BufferView, B: BufferView, upper: bool, unit: bool) -> BufferView:
    """Return A⁻¹ B by BLAS."""
    n, columns = B.shape[-2:]
    A, flipped = either(low, A)
    steps, dtype = (n * n, int(flipped)), B.buffer.dtype
    if large("solve_triangular", A, B):
        write = dense.solve_triangular(dtype, n, columns, count(B), steps, upper, unit)
        work = spaces(low, [dense.room(dtype, n, columns)], dtype)
        return changed(low, "substitution", B, False, write, [A], work, work=n * n * columns // 2, symbols=dense.symbols(dtype))
    write = routines.trsm(kind_of(B.buffer.dtype), (n, columns, n), count(B), steps, upper, unit)
    return changed(low, "trsm", B, False, write, [A], work=n * n * columns // 2)
