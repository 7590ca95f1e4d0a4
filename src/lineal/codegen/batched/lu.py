"""Gaussian elimination with partial pivoting: every lane chooses its own pivot row, and rows are exchanged by selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lineal.codegen.batched.grids import Code, Grid, Index
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.kinds import Kind, int32
from lineal.codegen.values import Value

UNROLLED = 6

# a grid and the range of its columns that an elimination step changes
Part = tuple[Grid, Index, Index]


class Elimination:
    """P A = L U in place of A, and with the same steps L⁻¹ P B in place of B, likewise C.

    `info` becomes 0 or the place, counted from 1, of the first pivot that is zero; `sign` that of the permutation. `inverse`
    holds the reciprocals of U's diagonal (1 for 0); with `pivots`, all of L is kept and the exchanged rows are written there.
    """

    def __init__(self, code: Code, A: Grid, B: Grid | None = None, C: Grid | None = None, *, pivots: Grid | None = None):
        self.code = code
        self.A = A
        self.sides = [each for each in (B, C) if each is not None]
        self.pivots = pivots
        self.inverse = code.grid(A.rows, 1)
        self.info = code.variable(code.places(0))
        self.sign = code.variable(1.0)

    def run(self) -> None:
        """Write all steps."""
        n = self.A.rows
        for k in self.code.each(0, n, [self.info, self.sign]):
            place = self.scale_column(k)
            parts: list[Part] = [(self.A, k + 1, n), *((each, 0, each.columns) for each in self.sides)]
            for grid, start, stop in parts:
                for column, width in self.code.tiles(start, stop, self.code.tile):
                    self.eliminate(grid, k, place, column, width)
            if self.pivots is not None:
                self.pivots[k, 0] = self.code.e.cast(place, int32) + 1
                for column, width in self.code.tiles(0, k, self.code.tile):
                    self.exchange(self.A, k, place, column, width)

    def scale_column(self, k: Index) -> Value:
        """Choose the pivots of column k, divide the column by them, and return the rows they are in."""
        code, e, A, n = self.code, self.code.e, self.A, self.A.rows
        top = A[k, k]
        pivot, size, place = code.variable(top), code.variable(abs(top)), code.variable(code.places(k))
        for i in code.each(k + 1, n, [pivot, size, place]):
            x = A[i, k]
            larger = abs(x) > size.value
            size.value = e.select(larger, abs(x), size.value)
            pivot.value = e.select(larger, x, pivot.value)
            place.value = e.select(larger, code.places(i), place.value)
        zero = pivot.value == 0.0
        self.info.value = e.select(zero & (self.info.value == 0), code.places(k + 1), self.info.value)
        self.sign.value = e.select(place.value == code.places(k), self.sign.value, -self.sign.value)
        inverse = code.const(1.0) / e.select(zero, code.const(1.0), pivot.value)
        self.inverse[k, 0], A[k, k] = inverse, pivot.value
        for i in code.each(k + 1, n):
            A[i, k] = e.select(place.value == code.places(i), top, A[i, k]) * inverse
        return place.value

    def pivot_row(self, grid: Grid, k: Index, place: Value, column: Index, width: int) -> tuple[list[Value], list[Value]]:
        """Return what row k was and, having written it, what it becomes."""
        code = self.code
        old = [grid[k, column + j] for j in range(width)]
        new = [code.variable(x) for x in old]
        for i in code.each(k + 1, self.A.rows, new):
            here = place == code.places(i)
            for j, x in enumerate(new):
                x.value = code.e.select(here, grid[i, column + j], x.value)
        for j, x in enumerate(new):
            grid[k, column + j] = x.value
        return old, [x.value for x in new]

    def eliminate(self, grid: Grid, k: Index, place: Value, column: Index, width: int) -> None:
        """Exchange rows and subtract multiples of the pivot row, in some columns."""
        code = self.code
        old, new = self.pivot_row(grid, k, place, column, width)
        for i in code.each(k + 1, self.A.rows):
            here, factor = place == code.places(i), self.A[i, k]
            for j in range(width):
                grid[i, column + j] = code.e.select(here, old[j], grid[i, column + j]) - factor * new[j]

    def exchange(self, grid: Grid, k: Index, place: Value, column: Index, width: int) -> None:
        """Exchange rows in some columns."""
        code = self.code
        old, _ = self.pivot_row(grid, k, place, column, width)
        for i in code.each(k + 1, self.A.rows):
            here = place == code.places(i)
            for j in range(width):
                grid[i, column + j] = code.e.select(here, old[j], grid[i, column + j])


def build(
    kind: Kind,
    n: int,
    outputs: Sequence[Operand],
    write: Callable[[Group, Grid], None],
    extra: int = 0,
    *,
    transposed: bool = False,
) -> Kernel:
    """Return a kernel whose first operand is A, n × n; `write` gets the group and A."""

    def whole(group: Group) -> None:
        A = group.load(0, group.code.grid(n, n))
        write(group, A.transposed if transposed else A)

    work = n * n * n + 4 * n * n + extra
    return Kernel((Operand(n * n, kind), *outputs), kind, whole, unrolled=n <= UNROLLED and extra <= UNROLLED**3, work=work)


def factor(kind: Kind, n: int) -> Kernel:
    """Return the kernel factor(A, LU, pivots, info), the pivots counted from 1."""

    def write(group: Group, A: Grid) -> None:
        pivots = group.code.grid(n, 1, int32)
        steps = Elimination(group.code, A, pivots=pivots)
        steps.run()
        group.store(1, A)
        group.store(2, pivots)
        group.store_one(3, steps.info.value)

    return build(kind, n, (Operand(n * n, kind), Operand(n, int32), Operand(1, int32)), write, n * n * n // 2)
