"""A X = B with A triangular, by substitution: tiles of rows, the sums of a tile in registers."""

from __future__ import annotations

from lineal.codegen.batched.grids import Code, Grid
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.kinds import Kind

UNROLLED = 6


def solve_triangular(kind: Kind, n: int, columns: int, upper: bool, unit: bool, transposed: tuple[bool, bool]) -> Kernel:
    """Return the kernel solve(A, B, X), B and X n × columns; `transposed`: A, or B and X, lie transposed in memory."""

    def write(group: Group) -> None:
        code = group.code
        A, X = code.grid(n, n), code.grid(*((columns, n) if transposed[1] else (n, columns)))
        group.load(0, A)
        group.load(1, X)
        triangle, rows = A.transposed if transposed[0] else A, X.transposed if transposed[1] else X
        if upper:
            triangle, rows = triangle.backwards, rows.upside_down
        substitute(code, triangle, rows, None if unit else reciprocals(code, triangle))
        group.store(2, X)

    sides = Operand(n * columns, kind)
    work = n * n * columns // 2 + 3 * n * n + 6 * n * columns
    return Kernel((Operand(n * n, kind), sides, sides), kind, write, unrolled=max(n, columns) <= UNROLLED, work=work)


def reciprocals(code: Code, A: Grid) -> Grid:
    """Return the reciprocals of the diagonal."""
    inverse = code.grid(A.rows, 1)
    for i in code.each(0, A.rows):
        inverse[i, 0] = code.const(1.0) / A[i, i]
    return inverse


def substitute(code: Code, A: Grid, X: Grid, inverse: Grid | None) -> None:
    """Solve A X = B for lower triangular A, X holding B before; without `inverse` the diagonal counts as 1."""
    n = A.rows
    for at, size in code.tiles(0, n, n if code.unrolled else code.tile):
        for column, width in code.tiles(0, X.columns, code.tile):
            sums = [[code.variable(X[at + i, column + j]) for j in range(width)] for i in range(size)]
            for k in code.each(0, at, [x for line in sums for x in line]):
                right = [X[k, column + j] for j in range(width)]
                for i, line in enumerate(sums):
                    left = A[at + i, k]
                    for x, y in zip(line, right):
                        x.value = x.value - left * y
            for i, line in enumerate(sums):
                for k in range(i):
                    left = A[at + i, at + k]
                    for x, y in zip(line, sums[k]):
                        x.value = x.value - left * y.value
                for j, x in enumerate(line):
                    if inverse is not None:
                        x.value = x.value * inverse[at + i, 0]
                    X[at + i, column + j] = x.value
