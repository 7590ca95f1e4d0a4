"""A = V Λ Vᵀ by Jacobi's rotations, all matrices of a group in step."""

from __future__ import annotations

from lineal.codegen.batched.grids import Code, Grid, Index
from lineal.codegen.batched.jacobi import EPSILON, SWEEPS, identity, pairs, rotate, rotation, sort, sweeps
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.batched.scaling import scaled_to_one
from lineal.codegen.kinds import Kind
from lineal.codegen.values import Value, Variable

UNROLLED = 4


def eigh(kind: Kind, n: int, upper: bool) -> Kernel:
    """Return the kernel eigh(A, values, V): values ascending, V's columns the vectors; one triangle of A is read."""

    def write(group: Group) -> None:
        code = group.code
        whole, values, V = group.load(0, code.grid(n, n)), code.grid(n, 1), code.grid(n, n)
        A, vectors = whole.transposed if upper else whole, V.transposed
        scale = scaled_to_one(code, A, lower=True)
        identity(code, vectors)
        with sweeps(code, A, V) as (largest, _):
            for p, q in pairs(code, n, [largest]):
                annihilate(code, A, vectors, p, q, largest)
        for i in code.each(0, n):
            values[i, 0] = A[i, i] / scale
        sort(code, values, lambda x, y: x < y, vectors)
        group.store(1, values)
        group.store(2, V)

    operands = (Operand(n * n, kind), Operand(n, kind), Operand(n * n, kind))
    return Kernel(operands, kind, write, unrolled=n <= UNROLLED, work=SWEEPS // 4 * n * n * (3 * n + 20))


def annihilate(code: Code, A: Grid, vectors: Grid, p: Index, q: Index, largest: Variable) -> None:
    """Make A[q, p] zero by a rotation of p and q; only A's lower triangle is kept."""
    e, n = code.e, A.rows
    a, b, ab = A[p, p], A[q, q], A[q, p]
    # A is scaled: what is below the rounding of its largest number is zero
    t, c, s = rotation(code, a, b, ab, abs(ab) <= EPSILON[code.kind.bits])
    largest.value = e.math.fmax(largest.value, abs(t))
    A[p, p], A[q, q], A[q, p] = a - t * ab, b + t * ab, code.const(0.0)
    for i in code.each(0, p):
        rotate(A, (p, i), (q, i), c, s)
    for i in code.each(p + 1, q):
        rotate(A, (i, p), (q, i), c, s)
    for i in code.each(q + 1, n):
        rotate(A, (i, p), (i, q), c, s)
    turn(code, vectors, p, q, c, s)


def turn(code: Code, rows: Grid, p: Index, q: Index, c: Value, s: Value) -> None:
    """Rotate the rows p and q."""
    for i in code.each(0, rows.columns):
        rotate(rows, (p, i), (q, i), c, s)
