"""What divide and conquer spends its time in beside products: the roots of a secular equation, a vector of them at a time.

1/ρ + Σᵢ zᵢ² / (dᵢ - λ) = 0 for ascending poles dᵢ has a root between each two poles, and one behind the last. For singular
values poles and roots are squares, d² and σ², whose differences are products (dᵢ - σ)(dᵢ + σ). A root is kept as a pole next to
it, the origin, and its distance from there, the shift, so that its distance from every pole has all digits.

Li (1994), Solving secular equations stably and efficiently, LAPACK Working Note 89: the middle way. Gu and Eisenstat (1994),
SIAM J. Matrix Anal. Appl. 15: the weights z for which the roots that were found are exact, which makes the vectors orthogonal.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Literal, NamedTuple

import numpy as np

from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import Kind, float64, int64, kind_of
from lineal.codegen.native import Native, entered
from lineal.codegen.parallel import WORTH_THREADS, shared
from lineal.codegen.target import host
from lineal.codegen.values import Value, Variable

__all__ = ["Roots", "solved"]

ITERATIONS = 60
TOGETHER = 32
"""How many squares are added up one after the other in the dtype itself."""
TOLERANCE = 8.0
"""How many rounding errors of its terms the sum may be away from zero at a root."""
EPSILON = {32: 2.0**-24, 64: 2.0**-53}


class Equation(NamedTuple):
    """Where the numbers of an equation and of its roots begin, and how many there are."""

    poles: Value
    weights: Value
    origins: Value
    shifts: Value
    count: Value


class Bracket(NamedTuple):
    """A vector of roots: their numbers, the poles they are measured from, how far both poles beside are, and bounds."""

    numbers: Value
    origin: Value
    to_left: Value
    to_right: Value
    low: Variable
    high: Variable

    def kept(self, x: Value) -> Value:
        """Return x, or the middle if it is not inside; NaN is not."""
        e, low, high = x.emitter, self.low.value, self.high.value
        return e.select((x > low) & (x < high), x, (low + high) * 0.5)


class Sums(NamedTuple):
    """The terms of the poles up to a root's and of those behind it, and their derivatives."""

    left: Value
    right: Value
    left_slope: Value
    right_slope: Value


class Secular:
    """Writes the functions for one kind of number; `squared`: poles and roots stand for their squares."""

    def __init__(self, e: Emitter, kind: Kind, squared: bool):
        self.e, self.kind, self.squared, self.lanes = e, kind, squared, e.lanes(kind)

    def between(self, x: Value, y: Value) -> Value:
        """Return the distance of poles, or of their squares."""
        return (x - y) * (x + y) if self.squared else x - y

    def number(self, base: Value, i: Value) -> Value:
        """Return a number in every lane."""
        return self.e.splat(self.e.load(base, self.kind, i), self.lanes)

    def some(self, base: Value, i: Value) -> Value:
        return self.e.load(base, self.kind, i, self.lanes)

    def constant(self, number: float) -> Value:
        return self.e.const(number, self.kind, self.lanes)

    def numbers(self, first: Value) -> Value:
        return self.e.splat(first, self.lanes) + self.e.iota(int64, self.lanes)

    def vector_by_vector(self, name: str, equation: Equation, others: list[Value], body: Callable[..., None]) -> None:
        """Write body(first, equation, *others) for all vectors of roots, or of poles, split over the threads."""

        def job(start: Value, stop: Value, *captured: Value) -> None:
            with self.e.loop(stop, start, self.lanes) as first:
                body(first, Equation(*captured[:5]), *captured[5:])

        worth = equation.count * equation.count >= WORTH_THREADS
        shared(self.e, name, equation.count, [*equation, *others], job, grain=self.lanes, worth=worth)

    # roots

    def root(self, j: Value, equation: Equation, scalars: Value) -> None:
        """Write the finding of the roots from number j on; `scalars` are 1/ρ and how far the last may be from its pole."""
        e, zero, last = self.e, self.constant(0.0), self.numbers(j) == equation.count - 1
        inverse, left, right = self.number(scalars, e.index(0)), self.some(equation.poles, j), self.some(equation.poles, j + 1)
        gap = e.select(last, self.number(scalars, e.index(1)), self.between(right, left))
        half = gap * 0.5
        sums = self.sums(j, equation, left, half)
        middle = inverse + sums.left + sums.right
        nearer = (middle > 0.0) | last
        ends = e.select(nearer, zero, -gap), e.select(nearer, gap, zero)
        low = e.variable(e.select(middle > 0.0, ends[0], e.select(last, half, -half)))
        high = e.variable(e.select((middle > 0.0) & nearer, half, ends[1]))
        bracket = Bracket(self.numbers(j), e.select(nearer, left, right), *ends, low, high)
        z, y = self.some(equation.weights, j), e.select(last, zero, self.some(equation.weights, j + 1))
        z, y = z * z, y * y
        rest = middle + (z - y) / half
        first = self.quadratic(rest * (ends[0] + ends[1]) + z + y, z * ends[1] + y * ends[0], rest)
        e.store(bracket.origin, equation.origins, j)
        e.store(self.iterated(j, equation, bracket, inverse, bracket.kept(first)), equation.shifts, j)

    def quadratic(self, a: Value, b: Value, c: Value) -> Value:
        """Return the root of c x² - a x + b = 0 that lies between the poles, without cancellation."""
        e = self.e
        root = e.math.sqrt(abs(a * a - b * c * 4.0))
        return e.select(a > 0.0, (b + b) / (a + root), (a - root) / (c + c))

    def iterated(self, j: Value, equation: Equation, bracket: Bracket, inverse: Value, first: Value) -> Value:
        """Write Li's middle way, safeguarded by bisection, until all lanes have come to an end; return the shifts."""
        e, tolerance, low, high = self.e, EPSILON[self.kind.bits], bracket.low, bracket.high
        active, before = e.variable(bracket.numbers < equation.count), e.variable(self.constant(float("inf")))
        shift = e.variable(first)
        carried = [active, before, shift, low, high]
        with e.loop(ITERATIONS, carried=carried), e.when(e.any(active.value), carried=carried):
            x = shift.value
            sums = self.sums(j, equation, bracket.origin, x)
            f = inverse + sums.left + sums.right
            rounding = (inverse - sums.left + sums.right) * (tolerance * TOLERANCE)
            low.value = e.select(active.value & (f < 0.0), x, low.value)
            high.value = e.select(active.value & (f > 0.0), x, high.value)
            new = bracket.kept(x + self.step(f, sums, bracket.to_left - x, bracket.to_right - x))
            # where the model does not help, halving does
            new = e.select(abs(f) > before.value * 0.5, (low.value + high.value) * 0.5, new)
            going = active.value & (abs(f) > rounding)
            shift.value = e.select(going, new, x)
            active.value = going & (abs(new - x) > abs(new) * tolerance)
            before.value = abs(f)
        return shift.value

    def step(self, f: Value, sums: Sums, to_left: Value, to_right: Value) -> Value:
        """Return the step η to the root of c + s/(Δ - η) + S/(Δ' - η) of the sums' values and slopes; Δ, Δ' to the poles."""
        both = to_left * to_right
        a = (to_left + to_right) * f - both * (sums.left_slope + sums.right_slope)
        return self.quadratic(a, both * f, f - to_left * sums.left_slope - to_right * sums.right_slope)

    def sums(self, j: Value, equation: Equation, origin: Value, shift: Value) -> Sums:
        """Write the sums for the roots from j on: over poles before the first's, behind the last's, and those in between."""
        e, zero, numbers, count = self.e, self.constant(0.0), self.numbers(j), equation.count
        totals = [e.variable(zero) for _ in range(4)]

        def term(i: Value) -> tuple[Value, Value]:
            z = self.number(equation.weights, i)
            w = z / (self.between(self.number(equation.poles, i), origin) - shift)
            return z * w, w * w

        middle = e.math.minimum(j + self.lanes, count)
        for side, start, stop in ((0, e.index(0), j), (1, middle, count)):
            with e.loop(stop, start, carried=totals) as i:
                for total, value in zip(totals[side::2], term(i)):
                    total.value = total.value + value
        with e.loop(middle, j, carried=totals) as i:
            before = numbers >= i
            for left, right, value in zip(totals[::2], totals[1::2], term(i)):
                left.value = left.value + e.select(before, value, zero)
                right.value = right.value + e.select(before, zero, value)
        return Sums(totals[0].value, totals[1].value, totals[2].value, totals[3].value)

    # vectors

    def weight(self, i: Value, equation: Equation, revised: Value) -> None:
        """Write the weights, from number i on, for which the roots are exact: zᵢ² = Πⱼ (λⱼ - dᵢ) / Πⱼ≠ᵢ (dⱼ - dᵢ)."""
        e, d, one, numbers = self.e, self.some(equation.poles, i), self.constant(1.0), self.numbers(i)
        product = e.variable(e.cast(one, float64))
        with e.loop(equation.count, carried=[product]) as j:
            away = self.between(d, self.number(equation.origins, j)) - self.number(equation.shifts, j)
            apart = e.select(numbers == j, one, self.between(d, self.number(equation.poles, j)))
            product.value = product.value * (e.cast(away, float64) / e.cast(apart, float64))
        size = e.cast(e.math.sqrt(abs(product.value)), self.kind)
        e.store(e.math.copysign(size, self.some(equation.weights, i)), revised, i)

    def columns(self, j: Value, equation: Equation, order: Value, out: Value, left: bool) -> None:
        """Write the vectors from number j on, of norm 1, in row g what belongs to the pole i = order[g]."""
        e, zero, count = self.e, self.constant(0.0), equation.count
        origin, shift, mask = (
            self.some(equation.origins, j),
            self.some(equation.shifts, j),
            e.first_lanes(count - j, self.lanes),
        )
        total = e.variable(e.cast(zero, float64))
        with e.loop(count, 0, TOGETHER, carried=[total]) as first:
            some = e.variable(zero)
            with e.loop(e.math.minimum(first + TOGETHER, count), first, carried=[some]) as g:
                x = self.component(e.load(order, int64, g), equation, origin, shift, left)
                e.store(x, out, g * count + j, mask=mask)
                some.value = some.value + x * x
            total.value = total.value + e.cast(some.value, float64)
        scale = self.constant(1.0) / e.cast(e.math.sqrt(total.value), self.kind)
        with e.loop(count) as g:
            at = g * count + j
            e.store(e.load(out, self.kind, at, self.lanes, mask=mask) * scale, out, at, mask=mask)

    def component(self, i: Value, equation: Equation, origin: Value, shift: Value, left: bool) -> Value:
        """Return v = zᵢ / (dᵢ - λⱼ) of some vectors; of left singular vectors dᵢ v, and -1 for the first pole, which is 0."""
        pole = self.number(equation.poles, i)
        x = self.number(equation.weights, i) / (self.between(pole, origin) - shift)
        return self.e.select(i == 0, self.constant(-1.0), pole * x) if left else x


class Roots(NamedTuple):
    """The roots of a secular equation, and weights for which they are exact; the last numbers of the arrays mean nothing."""

    poles: np.ndarray
    weights: np.ndarray
    origins: np.ndarray
    shifts: np.ndarray
    squared: bool

    @property
    def values(self) -> np.ndarray:
        """The eigenvalues or singular values, and some numbers without a meaning."""
        if not self.squared:
            return self.origins + self.shifts
        with np.errstate(invalid="ignore"):
            return self.origins + self.shifts / (self.origins + np.sqrt(self.origins * self.origins + self.shifts))

    def vectors(self, order: np.ndarray, side: Literal["left", "right"] = "right") -> np.ndarray:
        """Return the (right, or left singular) vectors as columns, whose rows are in the order of these poles (int64)."""
        count = len(order)
        out = np.empty((count, count), self.poles.dtype)
        run = compiled(out.dtype, self.squared, side)
        run([self.poles, self.weights, self.origins, self.shifts, order, out], run.table(count * count, count))
        return out


@lru_cache(16)
def compiled(dtype: np.dtype, squared: bool, name: Literal["roots", "right", "left"]) -> Native:
    """Return one of the functions: roots(…, scalars, revised), or right(…, order, out), after the arrays of an equation."""
    e = Emitter(host())
    writer = Secular(e, kind_of(dtype), squared)
    with entered(e, name, 6) as ((poles, weights, origins, shifts, first, second), table):
        equation = Equation(poles, weights, origins, shifts, e.load(table, int64))
        if name == "roots":
            writer.vector_by_vector("root", equation, [first], writer.root)
            writer.vector_by_vector("weight", equation, [second], writer.weight)
        else:
            writer.vector_by_vector("columns", equation, [first, second], partial(writer.columns, left=name == "left"))
    return Native(e, name)


def solved(poles: np.ndarray, weights: np.ndarray, rho: float, squared: bool = False) -> Roots:
    """Return the roots of 1/ρ + Σ zᵢ²/(dᵢ - λ), ρ > 0, for poles that ascend and weights that are not zero."""
    count, dtype = len(poles), poles.dtype
    d, z, origins, shifts, revised = np.zeros((5, count + 2 * host().lanes(kind_of(dtype))), dtype)
    d[:count], d[count:], z[:count] = poles, poles[-1], weights
    scalars = np.array([1 / rho, rho * float(np.dot(weights, weights)) * (1 + 8 * np.finfo(dtype).eps)], dtype)
    run = compiled(dtype, squared, "roots")
    run([d, z, origins, shifts, scalars, revised], run.table(count * count, count))
    return Roots(d, revised, origins, shifts, squared)
