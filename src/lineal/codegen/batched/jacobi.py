"""What both Jacobi methods share: plane rotations, sweeps that end early, sorting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lineal.codegen.batched.grids import Code, Grid, Index
from lineal.codegen.kinds import int64
from lineal.codegen.values import Value, Variable

SWEEPS = 24
# a sweep of rotations by less leaves angles of its square, which is below the rounding
SMALL = {32: 2.0e-5, 64: 1.0e-9}
EPSILON = {32: 2.0**-23, 64: 2.0**-52}


def rotation(code: Code, a: Value, b: Value, ab: Value, negligible: Value) -> tuple[Value, Value, Value]:
    """Return t, c and s: the tangent, cosine and sine of the lesser angle that makes ab zero in [[a, ab], [ab, b]]."""
    e, m = code.e, code.e.math
    difference, twice = b - a, ab + ab
    length = abs(difference) + m.sqrt(difference * difference + twice * twice)
    still = negligible | ~(length > 0.0)
    signed = e.select(difference < 0.0, -twice, twice)
    t = e.select(still, code.const(0.0), signed / e.select(still, code.const(1.0), length))
    c = code.const(1.0) / m.sqrt(t * t + 1.0)
    return t, c, t * c


def rotate(grid: Grid, first: tuple[Index, Index], second: tuple[Index, Index], c: Value, s: Value) -> None:
    x, y = grid[first], grid[second]
    grid[first] = c * x - s * y
    grid[second] = s * x + c * y


@contextmanager
def sweeps(code: Code, *grids: Grid) -> Iterator[tuple[Variable, Variable]]:
    """Write what is repeated until its first variable, set to 0 for each sweep, ends at or below SMALL in every lane.

    The second variable is what the first ended with. The grids are those that change.
    """
    e = code.e
    head, done = e.label("sweep"), e.label("settled")
    for grid in grids:
        grid.flush()
    before = e.frame.block
    e.jump(head)
    e.begin(head)
    number, more = Value(e, e.name(), int64), Value(e, e.name(), int64)
    place = len(e.frame.lines)
    e.frame.lines.append("")
    largest, final = code.variable(0.0), code.variable(0.0)
    yield largest, final
    for grid in grids:
        grid.flush()
    final.value = largest.value
    e.line(f"{more.text} = add i64 {number.text}, 1")
    e.frame.lines[place] = f"  {number.text} = phi i64 [ 0, %{before} ], [ {more.text}, %{e.frame.block} ]"
    again = e.any(largest.value > SMALL[code.kind.bits]) & (more < SWEEPS)
    e.branch(again, head, done)
    e.begin(done)


def identity(code: Code, V: Grid) -> None:
    for i in code.each(0, V.rows):
        for j in code.each(0, V.columns):
            V[i, j] = code.const(0.0)
    for i in code.each(0, V.rows):
        V[i, i] = code.const(1.0)


def pairs(code: Code, n: int, carried: list[Variable]) -> Iterator[tuple[Index, Index]]:
    """Write the body for all pairs p < q."""
    for p in code.each(0, n - 1, carried):
        for q in code.each(p + 1, n, carried):
            yield p, q


def sort(code: Code, keys: Grid, comes_first: Callable[[Value, Value], Value], *rows: Grid) -> None:
    """Sort the keys, n × 1, and with them the rows of other grids, lane by lane: by exchanging neighbours."""
    n = keys.rows
    for turn in code.each(0, n):
        odd = turn % 2 if isinstance(turn, int) else turn & 1
        for half in code.each(0, n // 2):
            i = half * 2 + odd
            if isinstance(i, int):
                if i + 1 < n:
                    exchange(code, keys, comes_first, i, rows)
            else:
                with code.e.when(i < n - 1):
                    exchange(code, keys, comes_first, i, rows)


def exchange(code: Code, keys: Grid, comes_first: Callable[[Value, Value], Value], i: Index, rows: tuple[Grid, ...]) -> None:
    e = code.e
    x, y = keys[i, 0], keys[i + 1, 0]
    wrong = comes_first(y, x)

    def swap() -> None:
        keys[i, 0], keys[i + 1, 0] = e.select(wrong, y, x), e.select(wrong, x, y)
        for grid in rows:
            for j in code.each(0, grid.columns):
                a, b = grid[i, j], grid[i + 1, j]
                grid[i, j], grid[i + 1, j] = e.select(wrong, b, a), e.select(wrong, a, b)

    if code.unrolled:
        swap()
        return
    with e.when(e.any(wrong)):
        swap()
