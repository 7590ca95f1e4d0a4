"""Systems of linear equations and inverses by elimination, their derivatives, and what tells their condition."""

from __future__ import annotations

from lineal.codegen.batched.grids import Code, Grid
from lineal.codegen.batched.jacobi import identity
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.batched.limits import Limits
from lineal.codegen.batched.lu import Elimination, build
from lineal.codegen.batched.norms import frobenius_norm, largest_sum
from lineal.codegen.batched.products import multiply
from lineal.codegen.batched.triangular import substitute
from lineal.codegen.kinds import Kind, int32
from lineal.codegen.values import Value


def solve(kind: Kind, n: int, columns: int, transposed: tuple[bool, bool]) -> Kernel:
    """Return the kernel solve(A, B, X, info), B and X n × columns; `transposed`: A, or B and X, lie transposed in memory."""

    def write(group: Group, A: Grid) -> None:
        X = group.load(1, group.code.grid(*((columns, n) if transposed[1] else (n, columns))))
        steps = Elimination(group.code, A, X.transposed if transposed[1] else X)
        finish(group, steps, X, 2)
        group.store_one(3, steps.info.value)

    side = Operand(n * columns, kind)
    return build(kind, n, (side, side, Operand(1, int32)), write, n * n * columns, transposed=transposed[0])


def solve_probed(kind: Kind, n: int, columns: int, probes: int, limits: Limits, transposed: tuple[bool, bool]) -> Kernel:
    """Return the kernel solve(A, B, V, X, info, notes): `solve`, with notes of 1 for what is suspicious, 2 for growth."""

    def write(group: Group, A: Grid) -> None:
        code = group.code
        X = group.load(1, code.grid(*((columns, n) if transposed[1] else (n, columns))))
        W = group.load(2, code.grid(n, probes))
        norm = frobenius_norm(code, A)
        steps = Elimination(code, A, X.transposed if transposed[1] else X, W)
        finish(group, steps, X, 3)
        substitute(code, A.backwards, W.upside_down, steps.inverse.upside_down)
        size = frobenius_norm(code, W)
        product = norm * size
        sound = (product <= limits.product) & (size <= limits.size) & (norm < float("inf"))
        smallest, top = column_range(code, X.transposed if transposed[1] else X)
        sound = sound & (smallest >= limits.tiny) & (top < float("inf"))
        notes = code.e.select(sound, code.places(0), code.places(1))
        if limits.growth:
            V = group.load(2, code.grid(n, probes))
            A.values.clear()
            group.load(0, A)
            error = largest_residual(code, A, W, V)
            notes = code.e.select(product * limits.growth < error, code.places(2), notes)
        group.store_one(4, steps.info.value)
        group.store_one(5, notes)

    side, place = Operand(n * columns, kind), Operand(1, int32)
    operands = (side, Operand(n * probes, kind, shared=True), side, place, place)
    return build(kind, n, operands, write, n * n * (columns + probes), transposed=transposed[0])


def column_range(code: Code, X: Grid) -> tuple[Value, Value]:
    """Return the largest absolute values of the columns: the least and the greatest of them; NaN if there is one."""
    least, greatest = code.variable(float("inf")), code.variable(0.0)
    for j in code.each(0, X.columns, [least, greatest]):
        top = code.variable(0.0)
        for i in code.each(0, X.rows, [top]):
            top.value = code.e.math.maximum(top.value, abs(X[i, j]))
        least.value = code.e.math.minimum(least.value, top.value)
        greatest.value = code.e.math.maximum(greatest.value, top.value)
    return least.value, greatest.value


def largest_residual(code: Code, A: Grid, W: Grid, V: Grid) -> Value:
    """Return the largest element of |A W - V|; NaN if there is one."""
    largest = code.variable(0.0)
    for i in code.each(0, A.rows, [largest]):
        sums = [code.variable(V[i, j]) for j in range(W.columns)]
        for k in code.each(0, A.columns, sums):
            left = A[i, k]
            for j, x in enumerate(sums):
                x.value = x.value - left * W[k, j]
        for x in sums:
            largest.value = code.e.math.maximum(largest.value, abs(x.value))
    return largest.value


def solve_pull(kind: Kind, n: int, columns: int, transposed: tuple[bool, bool, bool]) -> Kernel:
    """Return the kernel pull(A, G, X, H, D, info): H = A⁻ᵀ G and D = -H Xᵀ; G, X and H are n × columns.

    `transposed`: A and D lie transposed in memory, G and H do, X does.
    """

    def write(group: Group, A: Grid) -> None:
        code = group.code
        G, X = (code.grid(*((columns, n) if turn else (n, columns))) for turn in transposed[1:])
        H = group.load(1, G).transposed if transposed[1] else group.load(1, G)
        steps = Elimination(code, A, H)
        finish(group, steps, G, 3)
        right = group.load(2, X) if transposed[2] else group.load(2, X).transposed
        D = code.grid(n, n)
        multiply(code, H, right, D.transposed if transposed[0] else D, negative=True)
        group.store(4, D)
        group.store_one(5, steps.info.value)

    side = Operand(n * columns, kind)
    operands = (side, side, side, Operand(n * n, kind), Operand(1, int32))
    return build(kind, n, operands, write, 2 * n * n * columns, transposed=not transposed[0])


def inverse(kind: Kind, n: int) -> Kernel:
    """Return the kernel invert(A, Y, info)."""

    def write(group: Group, A: Grid) -> None:
        code = group.code
        X = code.grid(n, n)
        identity(code, X)
        steps = Elimination(code, A, X)
        finish(group, steps, X, 1)
        group.store_one(2, steps.info.value)

    return build(kind, n, (Operand(n * n, kind), Operand(1, int32)), write, n * n * n)


def condition(kind: Kind, n: int) -> Kernel:
    """Return the kernel condition(A, norm, inverse): |A|₁ and |A⁻¹|₁, infinite where a pivot is zero."""

    def write(group: Group, A: Grid) -> None:
        code = group.code
        group.store_one(1, largest_sum(code, A.transposed))
        X = code.grid(n, n)
        identity(code, X)
        steps = Elimination(code, A, X)
        steps.run()
        substitute(code, A.backwards, X.upside_down, steps.inverse.upside_down)
        size = largest_sum(code, X.transposed)
        group.store_one(2, code.e.select(steps.info.value == 0, size, code.const(float("inf"))))

    return build(kind, n, (Operand(1, kind), Operand(1, kind)), write, n * n * n)


def finish(group: Group, steps: Elimination, X: Grid, number: int) -> None:
    """Eliminate, substitute backwards, and store the solution."""
    steps.run()
    substitute(group.code, steps.A.backwards, steps.sides[0].upside_down, steps.inverse.upside_down)
    group.store(number, X)
