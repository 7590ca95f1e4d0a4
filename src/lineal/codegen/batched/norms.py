"""Norms of matrices, and of the inverses that LU factors stand for."""

from __future__ import annotations

from lineal.codegen.batched.grids import Code, Grid
from lineal.codegen.batched.jacobi import identity
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.batched.triangular import reciprocals, substitute
from lineal.codegen.kinds import Kind
from lineal.codegen.values import Value

UNROLLED = 4


def frobenius(kind: Kind, count: int) -> Kernel:
    """Return the kernel norm(A, y): the root of the sum of the squares of `count` numbers."""

    def write(group: Group) -> None:
        code = group.code
        group.store_one(1, frobenius_norm(code, group.load(0, code.grid(1, count))))

    return Kernel((Operand(count, kind), Operand(1, kind)), kind, write, unrolled=count <= UNROLLED**2, work=4 * count)


def norm1(kind: Kind, m: int, n: int, transposed: bool) -> Kernel:
    """Return the kernel norm(A, y): the largest sum of a column's sizes; `transposed`: A lies transposed in memory."""

    def write(group: Group) -> None:
        code = group.code
        A = group.load(0, code.grid(m, n))
        group.store_one(1, largest_sum(code, A if transposed else A.transposed))

    return Kernel((Operand(m * n, kind), Operand(1, kind)), kind, write, unrolled=max(m, n) <= UNROLLED, work=5 * m * n)


def inverse_norm1(kind: Kind, n: int) -> Kernel:
    """Return the kernel norm(LU, y): the largest sum of a column of |U⁻¹ L⁻¹|; exchanges of rows would not change it."""

    def write(group: Group) -> None:
        code = group.code
        LU, X = group.load(0, code.grid(n, n)), code.grid(n, n)
        identity(code, X)
        substitute(code, LU, X, None)
        substitute(code, LU.backwards, X.upside_down, reciprocals(code, LU).upside_down)
        group.store_one(1, largest_sum(code, X.transposed))

    return Kernel((Operand(n * n, kind), Operand(1, kind)), kind, write, unrolled=n <= UNROLLED, work=n**3 + 8 * n * n)


def frobenius_norm(code: Code, A: Grid) -> Value:
    """Return the root of the sum of the squares."""
    total = code.variable(0.0)
    for i in code.each(0, A.rows, [total]):
        # several sums, so that additions need not wait for each other
        parts = [code.variable(0.0) for _ in range(4)]
        for j in code.each(0, A.columns // 4, parts):
            for offset, part in enumerate(parts):
                x = A[i, j * 4 + offset]
                part.value = part.value + x * x
        for j in range(A.columns // 4 * 4, A.columns):
            parts[j % 4].value = parts[j % 4].value + A[i, j] * A[i, j]
        total.value = total.value + ((parts[0].value + parts[1].value) + (parts[2].value + parts[3].value))
    return code.e.math.sqrt(total.value)


def largest_sum(code: Code, rows: Grid) -> Value:
    """Return the largest sum of absolute values of a row; NaN if there is one."""
    e, largest = code.e, code.variable(0.0)
    for i in code.each(0, rows.rows, [largest]):
        total = code.variable(0.0)
        for j in code.each(0, rows.columns, [total]):
            total.value = total.value + abs(rows[i, j])
        largest.value = e.math.maximum(largest.value, total.value)
    return largest.value
