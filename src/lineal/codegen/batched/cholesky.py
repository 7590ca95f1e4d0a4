"""A = L Lᵀ: left-looking, tile by tile, the tile's sums in registers; and its derivative."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.codegen.batched.grids import Code, Grid, Index
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.batched.triangular import reciprocals, substitute
from lineal.codegen.kinds import Kind
from lineal.codegen.values import Value

UNROLLED, UNROLLED_PULL = 8, 5

Tile = list[list[Value]]


def cholesky(kind: Kind, n: int, upper: bool) -> Kernel:
    """Return the kernel factor(A, L), each matrix n × n; what is not positive definite gets NaN on the diagonal of L."""

    def write(group: Group) -> None:
        A = group.code.grid(n, n)
        group.load(0, A)
        factor(group.code, A.transposed if upper else A, n)
        group.store(1, A)

    operand = Operand(n * n, kind)
    return Kernel((operand, operand), kind, write, unrolled=n <= UNROLLED, work=n * n * n // 6 + 4 * n * n)


def factor(code: Code, A: Grid, n: int) -> None:
    """Write the factorisation in place; zeros go above the diagonal."""
    reciprocals = code.grid(n, 1)
    width = n if code.unrolled else code.tile
    for at, size in code.tiles(0, n, width):
        diagonal(code, A, reciprocals, at, size)
        below = at + size
        if isinstance(below, int) and below >= n:
            continue
        for row, rows in code.tiles(below, n, width):
            under(code, A, reciprocals, row, rows, at, size)


def less_products(code: Code, A: Grid, row: Index, rows: int, at: Index, size: int) -> Tile:
    """Return the tile A[row…, at…] less the products of the columns of L before it; on the diagonal its lower half."""
    half = row is at
    sums = [[A[row + i, at + j] for j in range(i + 1 if half else size)] for i in range(rows)]
    states = [[code.e.variable(x) for x in line] for line in sums]
    for k in code.each(0, at, [x for line in states for x in line]):
        left = [A[row + i, k] for i in range(rows)]
        right = left if half else [A[at + j, k] for j in range(size)]
        for i, line in enumerate(states):
            for j, state in enumerate(line):
                state.value = state.value - left[i] * right[j]
    return [[x.value for x in line] for line in states]


def diagonal(code: Code, A: Grid, reciprocals: Grid, at: Index, size: int) -> None:
    tile = less_products(code, A, at, size, at, size)
    e, zero = code.e, code.const(0.0)
    for j in range(size):
        root = e.math.sqrt(tile[j][j])
        # LAPACK refuses a pivot of zero too
        root = e.select(tile[j][j] > zero, root, code.const(float("nan")))
        inverse = code.const(1.0) / root
        A[at + j, at + j], reciprocals[at + j, 0] = root, inverse
        for i in range(j + 1, size):
            tile[i][j] = tile[i][j] * inverse
            A[at + i, at + j], A[at + j, at + i] = tile[i][j], zero
        for i in range(j + 1, size):
            for k in range(j + 1, i + 1):
                tile[i][k] = tile[i][k] - tile[i][j] * tile[k][j]


def under(code: Code, A: Grid, reciprocals: Grid, row: Index, rows: int, at: Index, size: int) -> None:
    tile = less_products(code, A, row, rows, at, size)
    zero = code.const(0.0)
    for j in range(size):
        inverse = reciprocals[at + j, 0]
        right: Sequence[Value] = [A[at + j, at + k] for k in range(j)]
        for i in range(rows):
            for k in range(j):
                tile[i][j] = tile[i][j] - tile[i][k] * right[k]
            tile[i][j] = tile[i][j] * inverse
            A[row + i, at + j], A[at + j, row + i] = tile[i][j], zero


def pull(kind: Kind, n: int, transposed: bool) -> Kernel:
    """Return the kernel pull(L, G, P) with P = L⁻ᵀ S L⁻¹, S the symmetric matrix of which ½ Lᵀ G is the lower triangle.

    L is zero above its diagonal; `transposed`: G lies transposed in memory.
    """

    def write(group: Group) -> None:
        code = group.code
        L, G, S = (code.grid(n, n) for _ in range(3))
        group.load(0, L)
        group.load(1, G)
        lower_half(code, L.transposed, G.transposed if transposed else G, S)
        inverse = reciprocals(code, L).upside_down
        for right in (S, S.transposed):
            substitute(code, L.transposed.backwards, right.upside_down, inverse)
        group.store(2, S)

    operand = Operand(n * n, kind)
    return Kernel((operand,) * 3, kind, write, unrolled=n <= UNROLLED_PULL, work=2 * n * n * n + 10 * n * n)


def lower_half(code: Code, U: Grid, G: Grid, S: Grid) -> None:
    """Write half of U G, of which only the lower triangle counts, and its mirror image to S, for upper triangular U."""
    n, half = S.rows, code.const(0.5)
    for row, rows in code.tiles(0, n, code.tile):
        for column, columns in code.tiles(0, row + rows, code.tile):
            sums = [[code.variable(0.0) for _ in range(columns)] for _ in range(rows)]
            for k in code.each(row, n, [x for line in sums for x in line]):
                right = [G[k, column + j] for j in range(columns)]
                for i, line in enumerate(sums):
                    left = U[row + i, k]
                    for x, y in zip(line, right):
                        x.value = x.value + left * y
            for i, line in enumerate(sums):
                for j, x in enumerate(line):
                    S[row + i, column + j] = x.value * half
    for i in code.each(1, n):
        for j in code.each(0, i):
            S[j, i] = S[i, j]
