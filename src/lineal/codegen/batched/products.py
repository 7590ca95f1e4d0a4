"""C = A B, tile by tile, the tile's sums in registers."""

from __future__ import annotations

from lineal.codegen.batched.grids import Code, Grid
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.kinds import Kind

UNROLLED = 4


def matmul(kind: Kind, m: int, n: int, p: int, transposed: tuple[bool, bool]) -> Kernel:
    """Return the kernel multiply(A, B, C), A being m × n and B n × p; `transposed`: A, or B, lies transposed in memory."""

    def write(group: Group) -> None:
        code = group.code
        A = group.load(0, code.grid(*((n, m) if transposed[0] else (m, n))))
        B = group.load(1, code.grid(*((p, n) if transposed[1] else (n, p))))
        C = code.grid(m, p)
        multiply(code, A.transposed if transposed[0] else A, B.transposed if transposed[1] else B, C)
        group.store(2, C)

    operands = (Operand(m * n, kind), Operand(n * p, kind), Operand(m * p, kind))
    work = m * n * p + 4 * (m * n + n * p + m * p)
    return Kernel(operands, kind, write, unrolled=max(m, n, p) <= UNROLLED, work=work)


def inverse_pull(kind: Kind, n: int, transposed: tuple[bool, bool]) -> Kernel:
    """Return the kernel pull(Y, G, P) with P = -Yᵀ G Yᵀ; `transposed`: Y, or G, lies transposed in memory, P as Y does."""

    def write(group: Group) -> None:
        code = group.code
        Y, G = group.load(0, code.grid(n, n)), group.load(1, code.grid(n, n))
        half, P = code.grid(n, n), code.grid(n, n)
        left = Y if transposed[0] else Y.transposed
        multiply(code, left, G.transposed if transposed[1] else G, half)
        multiply(code, half, left, P.transposed if transposed[0] else P, negative=True)
        group.store(2, P)

    operand = Operand(n * n, kind)
    return Kernel((operand,) * 3, kind, write, unrolled=n <= UNROLLED, work=2 * n**3 + 12 * n * n)


def multiply(code: Code, A: Grid, B: Grid, C: Grid, *, negative: bool = False, more: Grid | None = None) -> None:
    """Write C = A B, or -A B if `negative`, plus what `more` holds."""
    for row, rows in code.tiles(0, A.rows, code.tile):
        for column, columns in code.tiles(0, B.columns, code.tile):
            start = lambda i, j: 0.0 if more is None else more[row + i, column + j]  # noqa: B023 - called at once
            sums = [[code.variable(start(i, j)) for j in range(columns)] for i in range(rows)]
            for k in code.each(0, A.columns, [x for line in sums for x in line]):
                right = [B[k, column + j] for j in range(columns)]
                for i, line in enumerate(sums):
                    left = A[row + i, k]
                    for x, y in zip(line, right):
                        x.value = x.value - left * y if negative else x.value + left * y
            for i, line in enumerate(sums):
                for j, x in enumerate(line):
                    C[row + i, column + j] = x.value
