"""A = Q R by Householder's reflections, with the signs that LAPACK gives R's diagonal."""

from __future__ import annotations

from lineal.codegen.batched.grids import Code, Grid, Index
from lineal.codegen.batched.kernel import Group, Kernel, Operand
from lineal.codegen.batched.products import multiply
from lineal.codegen.batched.scaling import power_of_two
from lineal.codegen.batched.triangular import reciprocals, substitute
from lineal.codegen.kinds import Kind
from lineal.codegen.values import Value

UNROLLED, UNROLLED_PULL = 4, 3


def qr(kind: Kind, m: int, n: int, complete: bool) -> Kernel:
    """Return the kernel qr(A, Q, R): A m × n, Q m × k and R k × n, k being m if `complete`, else min(m, n)."""
    k = m if complete else min(m, n)

    def write(group: Group) -> None:
        code = group.code
        A = group.load(0, code.grid(m, n))
        factors = code.grid(min(m, n), 1)
        reflect_all(code, A, factors)
        Q = code.grid(m, k)
        orthogonal(code, A, factors, Q)
        group.store(1, Q)
        for j in code.each(0, n):
            for i in code.each(j + 1, m):
                A[i, j] = code.const(0.0)
        group.store(2, A)

    operands = (Operand(m * n, kind), Operand(m * k, kind), Operand(k * n, kind))
    return Kernel(operands, kind, write, unrolled=max(m, n) <= UNROLLED, work=4 * m * n * k + 12 * m * n)


def pull(kind: Kind, m: int, n: int) -> Kernel:
    """Return the kernel pull(Q, R, G, H, A), Q m × n: A = (G + Q S) R⁻ᵀ S symmetric, its upper half from H Rᵀ - Qᵀ G."""

    def write(group: Group) -> None:
        code = group.code
        Q, R = group.load(0, code.grid(m, n)), group.load(1, code.grid(n, n))
        G, H = group.load(2, code.grid(m, n)), group.load(3, code.grid(n, n))
        S, A = code.grid(n, n), code.grid(m, n)
        multiply(code, H, R.transposed, S)
        multiply(code, Q.transposed, G, S, negative=True, more=S)
        for i in code.each(1, n):
            for j in code.each(0, i):
                S[i, j] = S[j, i]
        multiply(code, Q, S, A, more=G)
        substitute(code, R.backwards, A.transposed.upside_down, reciprocals(code, R).upside_down)
        group.store(4, A)

    tall, square = Operand(m * n, kind), Operand(n * n, kind)
    work = 3 * m * n * n + n**3 + 10 * (m + n) * n
    return Kernel((tall, square, tall, square, tall), kind, write, unrolled=m <= UNROLLED_PULL, work=work)


def reflect_all(code: Code, A: Grid, factors: Grid) -> None:
    """Write R to A's upper triangle and the reflections' vectors below it; their factors to `factors`."""
    for k in code.each(0, factors.rows):
        factor = reflection(code, A, k)
        factors[k, 0] = factor
        for column, width in code.tiles(k + 1, A.columns, code.tile):
            reflect(code, A, k, factor, A, column, width)


def reflection(code: Code, A: Grid, k: Index) -> Value:
    """Write the reflection 1 - τ v vᵀ that makes column k zero below the diagonal; return τ."""
    e, m = code.e, code.e.math
    largest, squares = code.variable(0.0), code.variable(0.0)
    for i in code.each(k, A.rows, [largest]):
        largest.value = m.fmax(largest.value, abs(A[i, k]))
    scale = power_of_two(code, largest.value)
    for i in code.each(k + 1, A.rows, [squares]):
        x = A[i, k] * scale
        squares.value = squares.value + x * x
    top = A[k, k]
    first, one, zero = top * scale, code.const(1.0), code.const(0.0)
    beta = -m.copysign(m.sqrt(first * first + squares.value), first)
    already = squares.value == 0.0
    factor = e.select(already, zero, (beta - first) / e.select(already, one, beta))
    inverse = scale / e.select(already, one, first - beta)
    A[k, k] = e.select(already, top, beta / scale)
    for i in code.each(k + 1, A.rows):
        A[i, k] = A[i, k] * inverse
    return factor


def reflect(code: Code, A: Grid, k: Index, factor: Value, X: Grid, column: Index, width: int) -> None:
    """Apply reflection k, kept in A, to some columns of X."""
    sums = [code.variable(X[k, column + j]) for j in range(width)]
    for i in code.each(k + 1, A.rows, sums):
        v = A[i, k]
        for j, x in enumerate(sums):
            x.value = x.value + v * X[i, column + j]
    for j, x in enumerate(sums):
        x.value = x.value * factor
        X[k, column + j] = X[k, column + j] - x.value
    for i in code.each(k + 1, A.rows):
        v = A[i, k]
        for j, x in enumerate(sums):
            X[i, column + j] = X[i, column + j] - v * x.value


def orthogonal(code: Code, A: Grid, factors: Grid, Q: Grid) -> None:
    """Write the product of the reflections to Q."""
    for i in code.each(0, Q.rows):
        for j in code.each(0, Q.columns):
            Q[i, j] = code.const(0.0)
    for j in code.each(0, Q.columns):
        Q[j, j] = code.const(1.0)
    last = factors.rows - 1
    for count in code.each(0, factors.rows):
        k = last - count
        for column, width in code.tiles(k, Q.columns, code.tile):
            reflect(code, A, k, factors[k, 0], Q, column, width)
