"""A = U Σ Vᵀ by one-sided Jacobi rotations (Hestenes 1958): columns are rotated until all are orthogonal."""

from __future__ import annotations

from lineal.codegen.batched.eigh import turn
from lineal.codegen.batched.grids import Code, Grid, Index
from lineal.codegen.batched.jacobi import EPSILON, SMALL, SWEEPS, identity, pairs, rotation, sort, sweeps
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.batched.scaling import scaled_to_one
from lineal.codegen.kinds import Kind, int32
from lineal.codegen.values import Variable

UNROLLED = 3
# singular values smaller in proportion than this have squares that are not accurate
LEAST = {32: 1.0e-16, 64: 1.0e-140}


def svd(kind: Kind, m: int, n: int) -> Kernel:
    """Return the kernel svd(A, U, S, Vh, info), k = min(m, n): A m × n, U m × k, S descending, Vh k × n.

    `info` is 1 where U would be inaccurate, because a singular value is zero or nearly so, or the method does not settle.
    """
    k = min(m, n)

    def write(group: Group) -> None:
        code = group.code
        # the longer side lies along the columns, which are kept as rows
        A, V = group.load(0, code.grid(m, n)), code.grid(k, k)
        columns = A.transposed if m >= n else A
        scale = scaled_to_one(code, A)
        vectors = V if m >= n else V.transposed
        identity(code, vectors)
        with sweeps(code, A, V) as (largest, final):
            for p, q in pairs(code, k, [largest]):
                make_orthogonal(code, columns, vectors, p, q, largest)
        values, doubtful = code.grid(k, 1), code.variable(code.places(0))
        normalise(code, columns, values, doubtful)
        unsettled = ~(final.value <= SMALL[kind.bits])
        info = code.e.select(unsettled, code.places(1), doubtful.value)
        sort(code, values, lambda x, y: x > y, columns, vectors)
        for i in code.each(0, k):
            values[i, 0] = values[i, 0] / scale
        left, right = (A, V) if m >= n else (V, A)
        group.store(1, left)
        group.store(2, values)
        group.store(3, right)
        group.store_one(4, info)

    operands = (Operand(m * n, kind), Operand(m * k, kind), Operand(k, kind), Operand(k * n, kind), Operand(1, int32))
    return Kernel(operands, kind, write, unrolled=max(m, n) <= UNROLLED, work=SWEEPS // 3 * k * k * (3 * max(m, n) + 20))


def make_orthogonal(code: Code, columns: Grid, vectors: Grid, p: Index, q: Index, largest: Variable) -> None:
    """Rotate the columns p and q of A so that they become orthogonal."""
    e, m = code.e, code.e.math
    a, b, ab = code.variable(0.0), code.variable(0.0), code.variable(0.0)
    for i in code.each(0, columns.columns, [a, b, ab]):
        x, y = columns[p, i], columns[q, i]
        a.value, b.value, ab.value = a.value + x * x, b.value + y * y, ab.value + x * y
    product = m.sqrt(a.value) * m.sqrt(b.value)
    border = EPSILON[code.kind.bits] * columns.columns**0.5
    negligible = abs(ab.value) <= product * border
    t, c, s = rotation(code, a.value, b.value, ab.value, negligible)
    # columns of very different lengths turn by small angles even when they are far from orthogonal
    skew = e.select(abs(ab.value) > product * SMALL[code.kind.bits], code.const(1.0), abs(t))
    largest.value = m.fmax(largest.value, skew)
    turn(code, columns, p, q, c, s)
    turn(code, vectors, p, q, c, s)


def normalise(code: Code, columns: Grid, values: Grid, doubtful: Variable) -> None:
    """Write the columns' lengths, and divide the columns by them; note where a length is nearly zero."""
    e = code.e
    for p in code.each(0, columns.rows, [doubtful]):
        squares = code.variable(0.0)
        for i in code.each(0, columns.columns, [squares]):
            squares.value = squares.value + columns[p, i] * columns[p, i]
        length = e.math.sqrt(squares.value)
        values[p, 0] = length
        doubtful.value = e.select(length > LEAST[code.kind.bits], doubtful.value, code.places(1))
        inverse = code.const(1.0) / length
        for i in code.each(0, columns.columns):
            columns[p, i] = columns[p, i] * inverse
