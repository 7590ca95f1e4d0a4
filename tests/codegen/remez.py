"""How the polynomials of mathlib/tables.py were found; `python -m tests.codegen.remez SIN 5` prints one of degree 5 anew."""

import sys
from collections.abc import Callable
from typing import NamedTuple

import mpmath as mp

DIGITS = 60


class Goal(NamedTuple):
    """A function to approximate on [low, high] such that weight · error is as small as can be everywhere."""

    function: Callable
    weight: Callable
    low: mp.mpf
    high: mp.mpf


def one(x):
    return mp.mpf(1)


def odd(f):
    """Return (f(x) - x) / x³ as a function of z = x²."""

    def series(z):
        with mp.workdps(2 * DIGITS):
            x = mp.sqrt(z)
            return (f(x) - x) / x**3

    return series


def doubled_atanh(first):
    """Return Σ 2 zᵏ / (2k + first): what is left of 2 atanh s after its first terms, in z = s²."""
    return lambda z: mp.nsum(lambda k: 2 * z**k / (2 * k + first), [0, mp.inf]) if z else mp.mpf(2) / first


def erfinv_slope(w):
    """Return erfinv(x) / x for w = -log(1 - x²), by Newton's method for log erfc y."""
    rest = -mp.expm1(mp.log1p(-mp.exp(-w)) / 2)
    y = mp.sqrt(max(w - mp.log(mp.sqrt(mp.pi * max(w, 1))), mp.mpf("0.2")))
    for _ in range(12):
        tail = mp.erfc(y)
        y += mp.log(tail / rest) * tail * mp.sqrt(mp.pi) / 2 * mp.exp(y * y)
    return y / (1 - rest)


def from_ratio(t, middle):
    """Return s of t = (s - middle) / (s + middle)."""
    return middle * (1 + t) / (1 - t)


def erfinv_far(middle):
    """Return erfinv(x) / (x s) as a function of (s - middle) / (s + middle), s = √w."""
    return lambda t: erfinv_slope(from_ratio(t, middle) ** 2) / from_ratio(t, middle)


def bessel(order):
    """Return Iₙ(x) e⁻ˣ √x as a function of 1/x - 1/16."""
    return lambda t: mp.besseli(order, 1 / (t + EIGHTH / 2)) * mp.exp(-1 / (t + EIGHTH / 2)) / mp.sqrt(t + EIGHTH / 2)


def without_zeros(function, *zeros):
    """Return function(x) / Π (x - zero), x = t + `middle`, also right beside the zeros."""

    def quotient(t, middle):
        with mp.workdps(3 * DIGITS):
            x = t + middle
            if min(abs(x - zero) for zero in zeros) < mp.mpf(10) ** -DIGITS:
                x += mp.mpf(10) ** -DIGITS
            return function(x) / mp.fprod(x - zero for zero in zeros)

    return quotient


def erfcx(t):
    x = 4 * (1 + t) / (1 - t)
    return mp.exp(x * x) * mp.erfc(x) * (1 + 2 * x)


def log2_erfc(t):
    return mp.log(mp.erfc(t + 1)) / mp.log(2)


with mp.workdps(3 * DIGITS):
    ZERO = mp.findroot(mp.digamma, mp.mpf("1.4616"))
    lgamma, digamma = without_zeros(mp.loggamma, 1, 2), without_zeros(mp.digamma, ZERO)
with mp.workdps(DIGITS):
    LN2, QUARTER, NEAR = mp.log(2) / 2 * mp.mpf("1.005"), (mp.pi / 4 * mp.mpf("1.003")) ** 2, mp.mpf("1e-9")
    ROOT, LOG2, HALF, EIGHTH = mp.sqrt(mp.mpf(2)), mp.log(2), mp.mpf("0.5001"), mp.mpf(1) / 8
    GOALS = {
        "EXP": Goal(lambda r: (mp.expm1(r) - r) / r**2, lambda r: r * r / abs(mp.expm1(r)), -LN2 * mp.mpf("1.0007"), LN2),
        "LOG": Goal(lambda f: (mp.log1p(f) - f + f * f / 2) / f**3, lambda f: abs(f**3 / mp.log1p(f)), 1 / ROOT - 1, ROOT - 1),
        "ATANH": Goal(doubled_atanh(3), lambda z: z, NEAR, mp.mpf("0.02945")),
        "ATANH5": Goal(doubled_atanh(5), lambda z: z * z, NEAR, mp.mpf("0.02945")),
        "SIN": Goal(odd(mp.sin), lambda z: z, NEAR, QUARTER),
        "COS": Goal(lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, lambda z: z * z, NEAR, QUARTER),
        "TANH": Goal(odd(mp.tanh), lambda z: z, NEAR, mp.mpf("0.4")),
        "SINH": Goal(odd(mp.sinh), lambda z: z, NEAR, mp.mpf(1)),
        "ATAN": Goal(odd(mp.atan), lambda z: z, NEAR, mp.mpf("0.1718")),
        "ASIN": Goal(odd(mp.asin), lambda z: z, NEAR, mp.mpf("0.2501")),
        "ERF": Goal(lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, one, NEAR, mp.mpf(1)),
        "ERFC_LOG2": Goal(log2_erfc, lambda t: LOG2 * mp.erfc(t + 1) / mp.erf(t + 1), mp.mpf(0), mp.mpf(3)),
        "EXP2_SHORT": Goal(lambda x: 2**x, lambda x: 2**-x, -HALF, HALF),
        "ERFCX": Goal(erfcx, one, -mp.mpf(7) / 9, mp.mpf(3) / 4),
        "ERFINV": Goal(lambda t: erfinv_slope(t + mp.mpf("3.125")), one, -mp.mpf("3.12499"), mp.mpf("3.1251")),
        "ERFINV_FAR": Goal(erfinv_far(5), one, -mp.mpf("0.33336"), mp.mpf("0.0991")),
        "ERFINV_TINY": Goal(erfinv_far(14), one, -mp.mpf("0.3937"), mp.mpf("0.3254")),
        "LGAMMA": Goal(lambda t: lgamma(t, 2), lambda t: 1 / lgamma(t, 2), -mp.mpf("1.0001"), mp.mpf("1.0001")),
        "DIGAMMA": Goal(lambda t: digamma(t, mp.mpf("1.5")), one, -HALF, HALF),
        "I0": Goal(
            lambda z: (mp.besseli(0, 2 * mp.sqrt(z)) - 1) / z, lambda z: z / mp.besseli(0, 2 * mp.sqrt(z)), NEAR, mp.mpf(16)
        ),
        "I1": Goal(
            lambda z: (mp.besseli(1, 2 * mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
            lambda z: z * mp.sqrt(z) / mp.besseli(1, 2 * mp.sqrt(z)),
            NEAR,
            mp.mpf(16),
        ),
        "I0_FAR": Goal(bessel(0), lambda t: mp.mpf("2.5"), NEAR - EIGHTH / 2, EIGHTH / 2),
        "I1_FAR": Goal(bessel(1), lambda t: mp.mpf("2.6"), NEAR - EIGHTH / 2, EIGHTH / 2),
    }


def nodes(goal, count):
    """Return Chebyshev's points of the interval."""
    middle, half = (goal.low + goal.high) / 2, (goal.high - goal.low) / 2
    return [middle - half * mp.cos(mp.pi * (mp.mpf(n) + 0.5) / count) for n in range(count)]


def levelled(goal, points, degree):
    """Return the polynomial whose weighted error has the same size and alternating signs at the points."""
    matrix, right = mp.matrix(degree + 2), mp.matrix(degree + 2, 1)
    for row, x in enumerate(points):
        for column in range(degree + 1):
            matrix[row, column] = x**column
        matrix[row, degree + 1] = (-1) ** row / goal.weight(x)
        right[row] = goal.function(x)
    return list(mp.lu_solve(matrix, right))[:-1]


def error(goal, terms, x):
    value = mp.mpf(0)
    for term in reversed(terms):
        value = value * x + term
    return (value - goal.function(x)) * goal.weight(x)


def extremes(errors, count):
    """Return where the errors are largest between their changes of sign; `count` of those places, or fewer."""
    runs = [[0]]
    for n in range(1, len(errors)):
        if (errors[n] > 0) == (errors[n - 1] > 0):
            runs[-1].append(n)
        else:
            runs.append([n])
    places = [max(run, key=lambda n: abs(errors[n])) for run in runs]
    while len(places) > count:
        places.pop(0 if abs(errors[places[0]]) < abs(errors[places[-1]]) else -1)
    return places


def best(goal, degree, grid=600, rounds=8):
    """Return the largest weighted error of the best polynomial of a degree, and the polynomial."""
    with mp.workdps(DIGITS + 30):
        points, dense, found = nodes(goal, degree + 2), nodes(goal, grid), []
        for _ in range(rounds):
            terms = levelled(goal, points, degree)
            errors = [error(goal, terms, x) for x in dense]
            found.append((max(map(abs, errors)), terms))
            places = extremes(errors, degree + 2)
            if len(places) < degree + 2:
                break
            points = [dense[n] for n in places]
        return min(found, key=lambda pair: pair[0])


if __name__ == "__main__":
    size, polynomial = best(GOALS[sys.argv[1]], int(sys.argv[2]))
    print(f"2^{mp.nstr(mp.log(size, 2), 5)}", [float(c) for c in polynomial])
