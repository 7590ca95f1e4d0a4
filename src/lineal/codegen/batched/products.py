"""C = A B, tile by tile, the tile's sums in registers."""

from __future__ import annotations

from lineal.codegen.batched.grids import Code, Grid
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.kinds import Kind

UNROLLED = 4


def matmul(kind: Kind, m: int, n: int, p: int, turned: tuple[bool, bool]) -> Kernel:
    """Return the kernel multiply(A, B, C), A being m × n and B n × p; `turned`: A, or B, lies transposed in memory."""

    def write(group: Group) -> None:
        code = group.code
        A = group.load(0, code.grid(*((n, m) if turned[0] else (m, n))))
        B = group.load(1, code.grid(*((p, n) if turned[1] else (n, p))))
        C = code.grid(m, p)
        multiply(code, A.turned if turned[0] else A, B.turned if turned[1] else B, C)
        group.store(2, C)

    operands = (Operand(m * n, kind), Operand(n * p, kind), Operand(m * p, kind))
    work = m * n * p + 4 * (m * n + n * p + m * p)
    return Kernel(operands, kind, write, unrolled=max(m, n, p) <= UNROLLED, work=work)


def multiply(code: Code, A: Grid, B: Grid, C: Grid) -> None:
    """Write C = A B."""
    for row, rows in code.tiles(0, A.rows, code.tile):
        for column, columns in code.tiles(0, B.columns, code.tile):
            sums = [[code.variable(0.0) for _ in range(columns)] for _ in range(rows)]
            for k in code.each(0, A.columns, [x for line in sums for x in line]):
                right = [B[k, column + j] for j in range(columns)]
                for i, line in enumerate(sums):
                    left = A[row + i, k]
                    for x, y in zip(line, right):
                        x.value = x.value + left * y
            for i, line in enumerate(sums):
                for j, x in enumerate(line):
                    C[row + i, column + j] = x.value
