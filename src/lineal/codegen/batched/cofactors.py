"""Matrices of cofactors: of the smallest matrices as written out, else by elimination that never divides by the last pivot."""

from __future__ import annotations

from lineal.codegen.batched.grids import Code, Grid
from lineal.codegen.batched.jacobi import EPSILON, identity
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.batched.lu import Elimination, build
from lineal.codegen.batched.triangular import substitute
from lineal.codegen.kinds import Kind, int32
from lineal.codegen.values import Value

WRITTEN_OUT = 3


def cofactors(kind: Kind, n: int) -> Kernel:
    """Return the kernel cofactors(A, C, info); info is 1 where C is not finite, or A seems to be of rank n - 2 or less."""

    def write(group: Group, A: Grid) -> None:
        code = group.code
        C = code.grid(n, n)
        doubtful = written_out(code, A, C) if n <= WRITTEN_OUT else by_elimination(code, A, C)
        # 0 times what is not finite is NaN
        traces = code.variable(0.0)
        for i in code.each(0, n, [traces]):
            for j in code.each(0, n, [traces]):
                traces.value = traces.value + C[i, j] * code.const(0.0)
        doubtful = doubtful | ~(traces.value == 0.0)
        group.store(1, C)
        group.store_one(2, code.e.select(doubtful, code.places(1), code.places(0)))

    return build(kind, n, (Operand(n * n, kind), Operand(1, int32)), write, n * n * n)


def written_out(code: Code, A: Grid, C: Grid) -> Value:
    """Write the cofactors of at most three rows, the sign in the cyclic order of the others."""
    n = A.rows
    for i in range(n):
        for j in range(n):
            rows, columns = ([(k + step) % n for step in range(1, n)] for k in (i, j))
            if n == 1:
                C[i, j] = code.const(1.0)
            elif n == 2:
                C[i, j] = A[rows[0], columns[0]] if i == j else -A[rows[0], columns[0]]
            else:
                (a, b), (c, d) = ([A[row, column] for column in columns] for row in rows)
                C[i, j] = a * d - b * c
    return code.const(0.0) > 0.0


def by_elimination(code: Code, A: Grid, C: Grid) -> Value:
    """Write det A · A⁻ᵀ, and return where a pivot before the last is small.

    With PA = LU and p the last pivot, p A⁻¹ is what U Z = p L⁻¹P has for Z; its last row needs no division by p.
    """
    e, n = code.e, A.rows
    largest, least, factor = code.variable(0.0), code.variable(float("inf")), code.variable(1.0)
    for i in code.each(0, n, [largest]):
        for j in code.each(0, n, [largest]):
            largest.value = e.math.fmax(largest.value, abs(A[i, j]))
    Z = C.transposed
    identity(code, Z)
    steps = Elimination(code, A, Z)
    steps.run()
    last = A[n - 1, n - 1]
    for i in code.each(0, n - 1, [least, factor]):
        least.value = e.math.fmin(least.value, abs(A[i, i]))
        factor.value = factor.value * A[i, i]
        for j in code.each(0, n):
            Z[i, j] = Z[i, j] * last
    steps.inverse[n - 1, 0] = code.const(1.0)
    substitute(code, A.backwards, Z.upside_down, steps.inverse.upside_down)
    total = factor.value * steps.sign.value
    for i in code.each(0, n):
        for j in code.each(0, n):
            C[i, j] = C[i, j] * total
    return ~(least.value > largest.value * EPSILON[code.kind.bits] ** 0.5)
