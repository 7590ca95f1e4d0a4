"""The X that makes |A X - B| least, A tall and of full rank, by Householder's reflections; and its derivative."""

from __future__ import annotations

from lineal.codegen.batched.grids import Code, Grid
from lineal.codegen.batched.jacobi import identity
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.batched.norms import frobenius_norm
from lineal.codegen.batched.products import multiply
from lineal.codegen.batched.qr import reflect, reflect_all
from lineal.codegen.batched.triangular import reciprocals, substitute
from lineal.codegen.kinds import Kind

UNROLLED = 4


def lstsq(kind: Kind, m: int, n: int, columns: int) -> Kernel:
    """Return the kernel solve(A, B, X, norm, inverse): A m × n, B m × columns, and |A| and |A⁺| in the Frobenius norm."""

    def write(group: Group) -> None:
        code = group.code
        A, B = group.load(0, code.grid(m, n)), group.load(1, code.grid(m, columns))
        group.store_one(3, frobenius_norm(code, A))
        factors = code.grid(n, 1)
        reflect_all(code, A, factors)
        turn(code, A, factors, B)
        R, X, Y = top(A, n), code.grid(n, columns), code.grid(n, n)
        inverse = reciprocals(code, R).upside_down
        copy(code, B, X)
        substitute(code, R.backwards, X.upside_down, inverse)
        group.store(2, X)
        identity(code, Y)
        substitute(code, R.backwards, Y.upside_down, inverse)
        group.store_one(4, frobenius_norm(code, Y))

    one = Operand(1, kind)
    operands = (Operand(m * n, kind), Operand(m * columns, kind), Operand(n * columns, kind), one, one)
    work = 2 * m * n * (n + columns) + 10 * m * n
    return Kernel(operands, kind, write, unrolled=max(m, columns) <= UNROLLED, work=work)


def pull(kind: Kind, m: int, n: int, columns: int) -> Kernel:
    """Return the kernel pull(A, B, X, G, H, D): H = A⁺ᵀ G and D = (B - A X) Zᵀ - H Xᵀ with Z = A⁺ H."""

    def write(group: Group) -> None:
        code = group.code
        A, B = group.load(0, code.grid(m, n)), group.load(1, code.grid(m, columns))
        X, Z = group.load(2, code.grid(n, columns)), group.load(3, code.grid(n, columns))
        factors, H, D = code.grid(n, 1), code.grid(m, columns), code.grid(m, n)
        reflect_all(code, A, factors)
        R = top(A, n)
        inverse = reciprocals(code, R)
        substitute(code, R.transposed, Z, inverse)
        zeros(code, H)
        copy(code, Z, H)
        turn(code, A, factors, H, back=True)
        group.store(4, H)
        substitute(code, R.backwards, Z.upside_down, inverse.upside_down)
        # the residual is what the reflections leave below
        turn(code, A, factors, B)
        zeros(code, top(B, n))
        turn(code, A, factors, B, back=True)
        multiply(code, B, Z.transposed, D)
        multiply(code, H, X.transposed, D, negative=True, more=D)
        group.store(5, D)

    tall, short = Operand(m * columns, kind), Operand(n * columns, kind)
    operands = (Operand(m * n, kind), tall, short, short, tall, Operand(m * n, kind))
    work = 2 * m * n * (n + 5 * columns) + 10 * m * n
    return Kernel(operands, kind, write, unrolled=max(m, columns) <= UNROLLED, work=work)


def top(A: Grid, rows: int) -> Grid:
    """Return the first rows."""
    return A.view(rows, A.columns, A.first, A.steps)


def turn(code: Code, A: Grid, factors: Grid, B: Grid, *, back: bool = False) -> None:
    """Multiply B by Qᵀ, or by Q if `back`, from the reflections in A."""
    last = factors.rows - 1
    for count in code.each(0, factors.rows):
        k = last - count if back else count
        for column, width in code.tiles(0, B.columns, code.tile):
            reflect(code, A, k, factors[k, 0], B, column, width)


def copy(code: Code, X: Grid, Y: Grid) -> None:
    """Write the rows that both have from X to Y."""
    for i in code.each(0, min(X.rows, Y.rows)):
        for j in code.each(0, X.columns):
            Y[i, j] = X[i, j]


def zeros(code: Code, X: Grid) -> None:
    for i in code.each(0, X.rows):
        for j in code.each(0, X.columns):
            X[i, j] = code.const(0.0)
