"""Every function of mathlib against mpmath: at most so many units in the last place, and NumPy's values at the specials."""

import math

import mpmath
import numpy as np
import pytest
import scipy.special

from .harness import KINDS, LEVELS, elementwise, ulps

POINTS = 800


def spread(low, high, near=()):
    """Return points between low and high, denser at 0, and around the points `near`."""

    def points(rng):
        even = rng.uniform(low, high, POINTS)
        size = 10.0 ** rng.uniform(-12, 0, POINTS // 2) * max(abs(low), abs(high))
        small = size if low >= 0 else -size if high <= 0 else size * rng.choice([-1, 1], size.size)
        around = [p * (1 + rng.uniform(-1e-3, 1e-3, 60)) for p in near]
        every = np.concatenate([even, small, *around])
        return every[(every >= low) & (every <= high)]

    return points


def decades(low, high):
    return lambda rng: 10.0 ** rng.uniform(low, high, POINTS)


# name, where, budget float32, budget float64; ranges end where results are normal numbers of float32, more in WIDE
CASES = [
    ("exp", spread(-87, 88), 1, 1),
    ("exp2", spread(-126, 127), 1, 1),
    ("expm1", spread(-40, 88, [0.35, -0.35, 1]), 2, 2),
    ("log", decades(-37, 38), 1, 1),
    ("log2", decades(-37, 38), 1.5, 1.5),
    ("log10", decades(-37, 38), 1.5, 1.5),
    ("log1p", spread(-0.9999, 50), 1.5, 1.5),
    ("log", spread(0.5, 2), 1, 1),
    ("log2", spread(0.5, 2), 1.5, 1.5),
    ("log10", spread(0.5, 2), 2, 2),
    ("sin", spread(-1e3, 1e3), 2, 2),
    ("sin", spread(-9e4, 9e4), 2, 2),
    ("cos", spread(-1e3, 1e3), 2, 2),
    ("tan", spread(-1e3, 1e3), 2, 2),
    ("sin", decades(5, 30), 1.5, 1.5),
    ("asin", spread(-1, 1, [0.5, 1]), 1.5, 1.5),
    ("acos", spread(-1, 1, [0.5, 1]), 1.5, 1.5),
    ("atan", spread(-30, 30, [0.4142, 1, 2.4142]), 2, 2),
    ("sinh", spread(-88, 88, [1]), 2, 2),
    ("cosh", spread(-88, 88), 2, 2),
    ("tanh", spread(-12, 12, [0.625]), 2, 1.5),
    ("sigmoid", spread(-80, 80), 2, 2),
    ("asinh", spread(-1e5, 1e5), 1, 3),
    ("acosh", lambda rng: 1 + 10.0 ** rng.uniform(-6, 8, POINTS), 1, 3),
    ("atanh", spread(-0.9999, 0.9999), 1, 3),
    ("erf", spread(-4, 4, [1]), 2, 2),
    ("erfc", spread(-3, 9, [0.5, 1]), 1.5, 3),
    ("erfcx", spread(-9, 60, [0.5, 28]), 1.5, 3),
    ("erfinv", spread(-0.999, 0.999, [0.5]), 1, 3),
    ("erfinv", lambda rng: 1 - 10.0 ** rng.uniform(-7, -1, 300), 1, 3),
    ("ndtr", spread(-12, 9, [-0.7]), 1.5, 4),
    ("log_ndtr", spread(-60, 12, [-1]), 1.5, 4),
    ("ndtri", lambda rng: 10.0 ** rng.uniform(-37, 0, 300), 1, 4),
    ("ndtri", lambda rng: rng.random(200), 1, 3),
    ("digamma", spread(0.01, 90, [1.46163214, 1, 2, 10]), 1, 4),
    ("trigamma", spread(-9, 90, [1, 2, 10]), 1, 4),
    ("lgamma", spread(0.01, 90, [1, 2, 3, 10]), 1, 4),
    ("lgamma", spread(-6, 0, [-2.457, -2.7476, -3.1436]), 1, 4),
    ("i0", spread(-88, 88, [8]), 1, 4),
    ("i1", spread(-88, 88, [8]), 1, 4),
    ("i0e", spread(-300, 300, [8]), 1, 4),
    ("i1e", spread(-300, 300, [8]), 1, 4),
    ("cbrt", spread(-90, 90), 1, 4),
    ("rsqrt", decades(-30, 30), 1.5, 1.5),
]
REFERENCE = {
    "exp2": lambda x: mpmath.power(2, x),
    "log2": lambda x: mpmath.log(x, 2),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "lgamma": mpmath.loggamma,
    "digamma": mpmath.digamma,
    "trigamma": lambda x: mpmath.psi(1, x),
    "erfcx": lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
    "ndtr": lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "log_ndtr": lambda x: mpmath.log1p(-mpmath.ncdf(-x)) if x > 0 else mpmath.log(mpmath.erfc(-x / mpmath.sqrt(2)) / 2),
    "ndtri": lambda p: quantile(p),
    "i0": lambda x: mpmath.besseli(0, x),
    "i1": lambda x: mpmath.besseli(1, x),
    "i0e": lambda x: mpmath.besseli(0, x) * mpmath.exp(-abs(x)),
    "i1e": lambda x: mpmath.besseli(1, x) * mpmath.exp(-abs(x)),
}


def quantile(p):
    """Return where the normal distribution has the probability p, by Newton's method for its logarithm."""
    x = mpmath.mpf(float(scipy.special.ndtri(float(p))))
    for _ in range(3):
        tail = mpmath.erfc(-x / mpmath.sqrt(2)) / 2
        x -= mpmath.log(tail / p) * tail / mpmath.npdf(x)
    return x


def exact(name, *columns):
    function = REFERENCE.get(name) or getattr(mpmath, name)
    with mpmath.workdps(30):
        return [mpmath.re(function(*[mpmath.mpf(float(v)) for v in row])) for row in zip(*columns)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_unary_functions_are_as_exact_as_their_budget(case, dtype):
    name, points, single, double = case
    x = points(np.random.default_rng(0)).astype(dtype)
    y = elementwise(lambda m, x: getattr(m, name)(x), KINDS[dtype])(x)
    error = ulps(y, exact(name, x), dtype)
    worst = int(error.argmax())
    assert error[worst] <= (single if dtype == "float32" else double), f"{error[worst]:.2f} ulp at {x[worst]!r}"


def pairs(name, rng, dtype):
    if name == "power":
        x = 10.0 ** rng.uniform(-5, 5, POINTS)
        return x, rng.uniform(-7, 7, POINTS) if dtype == "float32" else rng.uniform(-60, 60, POINTS)
    size = 10.0 ** rng.uniform(-6, 6, (2, POINTS))
    return tuple(size * rng.choice([-1, 1], size.shape))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["power", "atan2", "hypot"])
def test_binary_functions_are_as_exact_as_their_budget(name, dtype):
    a, b = (v.astype(dtype) for v in pairs(name, np.random.default_rng(1), dtype))
    y = elementwise(lambda m, a, b: getattr(m, name)(a, b), KINDS[dtype], 2)(a, b)
    error = ulps(y, exact(name, a, b), dtype)
    assert error.max() <= 2, f"{error.max():.2f} ulp at {a[error.argmax()]!r}, {b[error.argmax()]!r}"


NUMPY = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "atan2": "arctan2",
}  # fmt: skip


def digamma(x):
    return np.where(x == 0, np.copysign(np.inf, -x), scipy.special.digamma(x))


def lgamma(x):
    return np.inf if abs(x) > 1e305 or (x <= 0 and x == np.floor(x)) else math.lgamma(x)


SCIPY = {
    "erf": scipy.special.erf,
    "erfinv": lambda x: np.copysign(scipy.special.erfinv(x), x),
    "digamma": digamma,
    "erfc": scipy.special.erfc,
    "lgamma": np.vectorize(lambda x: x if np.isnan(x) else lgamma(x), otypes="d"),
    "sigmoid": scipy.special.expit,
    "trigamma": lambda x: np.where(x == -np.inf, np.nan, scipy.special.polygamma(1, x)),
} | {name: getattr(scipy.special, name) for name in "erfcx ndtr log_ndtr ndtri i0 i0e i1 i1e".split()}


def numpy_function(name):
    if name == "rsqrt":
        return lambda x: 1 / np.sqrt(x)
    return SCIPY.get(name) or getattr(np, NUMPY.get(name, name))


def specials(dtype):
    info = np.finfo(dtype)
    positive = [0.0, info.smallest_subnormal, info.tiny / 8, info.tiny, 1e-30, 0.5, 1, 2, 3, 1e30, info.max, np.inf]
    return np.array([*positive, *[-v for v in positive], np.nan], dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_specials_agree_with_numpy(name, dtype):
    x = specials(dtype)
    y = elementwise(lambda m, x: getattr(m, name)(x), KINDS[dtype])(x)
    with np.errstate(all="ignore"):
        expected = numpy_function(name)(x).astype(dtype)
    np.testing.assert_allclose(y, expected, rtol=32 * np.finfo(dtype).eps, atol=float(np.finfo(dtype).smallest_subnormal))
    same = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(y)[same], np.signbit(expected)[same], err_msg=str(x[same]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["power", "atan2", "hypot", "logaddexp", "logaddexp2", "copysign", "fmod", "remainder"])
def test_specials_of_two_numbers_agree_with_numpy(name, dtype):
    a, b = (v.ravel().copy() for v in np.meshgrid(specials(dtype), specials(dtype)))
    y = elementwise(lambda m, a, b: getattr(m, name)(a, b), KINDS[dtype], 2)(a, b)
    with np.errstate(all="ignore"):
        expected = numpy_function(name)(a, b)
    tiny = float(np.finfo(dtype).smallest_subnormal)
    wrong = ~(np.isclose(y, expected, rtol=16 * np.finfo(dtype).eps, atol=tiny, equal_nan=True))
    wrong |= (np.signbit(y) != np.signbit(expected)) & ~np.isnan(expected)
    assert not wrong.any(), [(a[n], b[n], y[n], expected[n]) for n in np.flatnonzero(wrong)[:8]]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_vector_length_computes_the_same_functions(dtype, level):
    x = np.random.default_rng(2).uniform(-5, 5, 203).astype(dtype)
    for name in sorted({case[0] for case in CASES}):
        y = elementwise(lambda m, x, name=name: getattr(m, name)(x), KINDS[dtype], level=level)(x)
        with np.errstate(all="ignore"):
            expected = numpy_function(name)(x.astype(np.float64)).astype(dtype)
        np.testing.assert_allclose(
            y,
            expected,
            rtol=(100 if any(word in name for word in ("erfc", "digamma", "ndtr")) else 6) * np.finfo(dtype).eps,
            atol=4e-15 if "gamma" in name else 0,
            err_msg=f"{name} at {level}",
        )


def test_often_used_functions_become_functions():
    x = np.linspace(0.1, 1, 50, dtype=np.float32)
    y = elementwise(lambda m, x: m.exp(x) + m.exp(2 * x) + m.exp(3 * x) + m.exp(4 * x), KINDS["float32"])(x)
    np.testing.assert_allclose(y, sum(np.exp(n * x) for n in range(1, 5)), rtol=1e-6)
