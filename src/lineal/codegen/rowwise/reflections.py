"""A = Q R by Householder's reflections, row by row, with the signs that LAPACK gives R's diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from lineal.codegen.batched.grids import Code
from lineal.codegen.batched.scaling import power_of_two
from lineal.codegen.engine import engine
from lineal.codegen.kinds import int64
from lineal.codegen.rowwise.kernel import Kernel, Task, parts_of
from lineal.codegen.rowwise.rows import Index, Parts, Rows, product, spread
from lineal.codegen.values import Value

__all__ = ["factored", "memory_of"]

# how many vectors of a row are reflected at once: their sums stay in registers
WIDE = 4


def memory_of(dtype: np.dtype, m: int, n: int, k: int) -> tuple[int, int, int]:
    """Return how many vectors a row of A and one of Q, m × k, take, and how many bytes a thread needs."""
    real, parts = parts_of(dtype)
    lanes = max(engine().target.lanes(real), 2)
    wide, narrow, long = (-(-size * parts // lanes) for size in (n, k, m))
    lengths = m * (spread(wide) + spread(narrow)) + spread(long) * min(m, n)
    return wide, narrow, real.itemsize * (lanes * lengths + min(m, n) * parts)


class Reflectors:
    """The vectors v of reflections 1 - τ v vᴴ, one in each row of V, from its own place on, and their factors τ in memory."""

    def __init__(self, V: Rows, m: Value, factors: Value):
        self.V = V
        self.m = m
        self.factors = Rows(V.e, V.kind, V.parts, factors, V.e.const(0, int64))

    def make(self, A: Rows, k: Value) -> Parts:
        """Write the reflection that makes column k of A zero below the diagonal; return what is then on it."""
        e, V = A.e, self.V
        largest = e.variable(e.const(0.0, A.kind))
        with e.loop(self.m, k, carried=[largest]) as i:
            x = A.number(i, k)
            V.put(k, i, x)
            for each in x:
                largest.value = e.math.fmax(largest.value, abs(each))
        scale = power_of_two(Code(e, A.kind, 1, False), largest.value)
        squares = e.variable(e.const(0.0, A.kind))
        with e.loop(self.m, k + 1, carried=[squares]) as i:
            for each in V.number(k, i):
                squares.value = squares.value + (each * scale) * (each * scale)
        return self.chosen(k, scale, squares.value)

    def chosen(self, k: Value, scale: Value, squares: Value) -> Parts:
        """Write v and τ by the sum of squares below the diagonal, of numbers times `scale`; return the diagonal's number."""
        e, V = self.V.e, self.V
        first = tuple([each * scale for each in V.number(k, k)])
        rest = squares + (first[1] * first[1] if V.parts == 2 else 0.0)
        already = rest == 0.0
        beta = -e.math.copysign(e.math.sqrt(first[0] * first[0] + rest), first[0])
        one, zero = e.const(1.0, V.kind), e.const(0.0, V.kind)
        last = e.select(already, one, beta)
        factor = ((beta - first[0]) / last, *[-each / last for each in first[1:]])
        self.factors.put(0, k, tuple([e.select(already, zero, each) for each in factor]))
        inverse = self.reciprocal((first[0] - beta, *first[1:]), already)
        with e.loop(self.m, k + 1) as i:
            x = tuple([each * scale for each in V.number(k, i)])
            V.put(k, i, product(x, inverse))
        top = V.number(k, k)
        V.put(k, k, (one, zero)[: V.parts])
        return (e.select(already, top[0], beta / scale), *[e.select(already, each, zero) for each in top[1:]])

    def reciprocal(self, x: Parts, already: Value) -> Parts:
        """Return 1 / x of what is of moderate size, or 0."""
        e = self.V.e
        size = x[0] * x[0] + x[1] * x[1] if len(x) == 2 else x[0] * x[0]
        found = (x[0] / size, -x[1] / size) if len(x) == 2 else (e.like(1.0, x[0]) / x[0],)
        return tuple([e.select(already, e.like(0.0, each), each) for each in found])

    def apply(self, k: Value, X: Rows, chunks: tuple[Index, Index], adjoint: bool) -> None:
        """Apply reflection k, or its adjoint, to some vectors of the rows of X."""
        e = X.e
        factor = self.factors.number(0, k)
        factor = (factor[0], -factor[1]) if adjoint and X.parts == 2 else factor
        with e.loop(e.index(chunks[1]) - (WIDE - 1), chunks[0], WIDE) as c:
            self.reflect(k, X, [c + number for number in range(WIDE)], factor)
        with e.loop(chunks[1], c) as single:
            self.reflect(k, X, [single], factor)

    def reflect(self, k: Value, X: Rows, places: Sequence[Value], factor: Parts) -> None:
        """Subtract v (τ vᴴ X) from some vectors of the rows."""
        e, zero = X.e, X.e.const(0.0, X.kind, X.lanes)
        sums = [[e.variable(zero) for _ in range(X.parts)] for _ in places]
        with e.loop(self.m, k, carried=[each for line in sums for each in line]) as i:
            v = [e.splat(each, X.lanes) for each in self.V.number(k, i)]
            for line, c in zip(sums, places):
                x = X.vector(i, c)
                for each, part in zip(line, v):
                    each.value = each.value + part * x
        rows = [X.both(self.scaled(X, [each.value for each in line], factor)) for line in sums]
        with e.loop(self.m, k) as i:
            v = self.V.number(k, i)
            for (y, turned), c in zip(rows, places):
                X.put_vector(i, c, X.less(X.vector(i, c), y, turned, v))

    def scaled(self, X: Rows, sums: Sequence[Value], factor: Parts) -> Value:
        """Return τ vᴴ X, given the sums of X times the real and times the imaginary parts of v."""
        total = sums[0] if X.parts == 1 else sums[0] - X.turned(sums[1])
        return X.times(*X.both(total), factor)


@cache
def factored(dtype: np.dtype) -> Kernel:
    """Return the kernel qr(A, Q, R), whose sizes are m, n, the columns of Q, the rows of R, and `memory_of`'s two."""
    kind, parts = parts_of(dtype)

    def write(task: Task) -> None:
        e, (m, n, columns, rows, wide, narrow) = task.e, task.sizes
        lanes, k = e.lanes(kind), e.math.minimum(m, n)
        A = Rows(e, kind, parts, task.memory, spread(wide) * lanes)
        Q = Rows(e, kind, parts, e.address(A.base, A.length * m, kind), spread(narrow) * lanes)
        length = spread(e.math.floor_divide(m * parts + (lanes - 1), lanes)) * lanes
        V = Rows(e, kind, parts, e.address(Q.base, Q.length * m, kind), length)
        given = task.of(0, m * n * parts, kind)
        with e.loop(m) as i:
            A.fill(i, 0, wide, e.address(given, i * n * parts, kind), n)
        reflectors = Reflectors(V, m, e.address(V.base, length * k, kind))
        reduce(reflectors, A, k, wide)
        form(reflectors, Q, k, columns, narrow)
        for X, number, count, width in ((Q, 1, m, columns), (A, 2, rows, n)):
            target = task.of(number, count * width * parts, kind)
            with e.loop(count) as i:
                X.copy_out(i, 0, e.address(target, i * width * parts, kind), width)

    return Kernel(3, 6, write)


def reduce(reflectors: Reflectors, A: Rows, k: Value, wide: Value) -> None:
    """Make A upper triangular."""
    e = A.e
    with e.loop(k) as j:
        top = reflectors.make(A, j)
        reflectors.apply(j, A, (e.math.floor_divide((j + 1) * A.parts, A.lanes), wide), True)
        A.put(j, j, top)
        with e.loop(reflectors.m, j + 1) as i:
            A.put(i, j, tuple([e.const(0.0, A.kind)] * A.parts))


def form(reflectors: Reflectors, Q: Rows, k: Value, columns: Value, narrow: Value) -> None:
    """Write the product of the reflections to Q."""
    e, zero = Q.e, Q.e.const(0.0, Q.kind, Q.lanes)
    with e.loop(reflectors.m) as i, e.loop(narrow) as c:
        Q.put_vector(i, c, zero)
    with e.loop(e.math.minimum(reflectors.m, columns)) as i:
        e.store(e.const(1.0, Q.kind), Q.base, Q.place(i, i))
    with e.loop(k) as step:
        j = k - 1 - step
        reflectors.apply(j, Q, (e.math.floor_divide(j * Q.parts, Q.lanes), narrow), False)
