"""Scaling by powers of two, which is exact: what keeps squares from overflowing."""

from __future__ import annotations

from lineal.codegen.batched.grids import Code, Grid
from lineal.codegen.kinds import int32, int64
from lineal.codegen.values import Value

# bits of the exponent field: where it begins, and its value for 2 to the largest power
FIELD = {32: (23, 254, int32), 64: (52, 2046, int64)}


def power_of_two(code: Code, x: Value) -> Value:
    """Return the power of two that brings x ≥ 0 to between 1 and 2; a normal number whatever x is."""
    e = code.e
    shift, top, whole = FIELD[code.kind.bits]
    exponent = (e.bitcast(x, whole) >> shift) & (top + 1)
    wanted = e.const(top, whole, code.lanes) - exponent
    least = e.const(1, whole, code.lanes)
    return e.bitcast(e.select(wanted > least, wanted, least) << shift, code.kind)


def scaled_to_one(code: Code, A: Grid, *, lower: bool = False) -> Value:
    """Multiply A (its lower triangle) by a power of two so that its largest number is between 1 and 2; return the power."""
    largest = code.variable(0.0)
    for i in code.each(0, A.rows, [largest]):
        for j in code.each(0, i + 1 if lower else A.columns, [largest]):
            largest.value = code.e.math.fmax(largest.value, abs(A[i, j]))
    scale = power_of_two(code, largest.value)
    for i in code.each(0, A.rows):
        for j in code.each(0, i + 1 if lower else A.columns):
            A[i, j] = A[i, j] * scale
    return scale
