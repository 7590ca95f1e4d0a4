"""How many digits sums, spreads, norms, running results and products keep in float32: eager and compiled against float64.

Numbers are uniform, or all equal (so that rounding always errs to one side), far from zero, huge, or tiny; 10⁷ of them, rows,
columns, gaps. An error of 1 is half a unit in the last place.
"""

import math

import numpy as np
import pytest

import lineal
from lineal.nn import functional as F

HALF_ULP = 2.0**-24


def ways(function):
    """Return the function itself, and compiled (called once, so that the next call is the program's)."""

    def compiled(*xs):
        run = lineal.compile(function)
        run(*xs)
        return run(*xs)

    return {"eager": function, "compiled": compiled}


def error(found, wanted, scale=None):
    """Return the largest error in halves of units in the last place, of each number or of `scale`."""
    found, wanted = np.asarray(found.detach().numpy(), np.float64), np.asarray(wanted, np.float64)
    assert found.shape == wanted.shape
    apart, scale = np.atleast_1d(np.abs(found - wanted)), np.abs(wanted) if scale is None else scale
    return float(np.max(np.divide(apart, scale, out=apart, where=apart != 0), initial=0)) / HALF_ULP


def worst(function, arrays, wanted, scale=None):
    """Return the errors of a function, by the way it is run."""
    tensors = [lineal.from_numpy(each) for each in arrays]
    return {way: error(run(*tensors), wanted, scale) for way, run in ways(function).items()}


def uniform(shape):
    return np.random.default_rng(0).random(shape, np.float32)


def equal(shape):
    return np.full(shape, 0.1, np.float32)


def laid(x, layout):
    """Return the same numbers, lying otherwise."""
    if layout == "columns":
        return np.asfortranarray(x)
    if layout == "gaps":
        return np.repeat(x, 2, 0)[::2]
    return x


SHAPES = {
    "whole": ((300_007,), (0,)),
    "rows": ((3, 100_003), (1,)),
    "columns": ((100_003, 3), (0,)),
    "wide columns": ((1200, 300), (0,)),
    "middle": ((2, 50_021, 3), (1,)),
    "ends": ((120, 30, 120), (0, 2)),
    "small": ((4, 8), (1,)),
    "short": ((300, 70), (0,)),
}

SUMS = {
    "sum": (lambda x, axes: x.sum(axes), np.sum),
    "mean": (lambda x, axes: x.mean(axes), np.mean),
    "nansum": (lambda x, axes: x.nansum(axes), np.sum),
    "sum of products": (lambda x, axes: (x * x).sum(axes), lambda x, axes: (x * x).sum(axes)),
    "norm 1": (lambda x, axes: x.norm(1, axes), lambda x, axes: np.abs(x).sum(axes)),
    "norm 2": (lambda x, axes: x.norm(2, axes), lambda x, axes: np.sqrt((x * x).sum(axes))),
    "norm 3": (lambda x, axes: x.norm(3, axes), lambda x, axes: (np.abs(x) ** 3).sum(axes) ** (1 / 3)),
    "logsumexp": (lambda x, axes: x.logsumexp(axes), lambda x, axes: np.log(np.exp(x).sum(axes))),
}


@pytest.mark.parametrize("numbers", [uniform, equal])
@pytest.mark.parametrize("layout", ["rows", "columns", "gaps"])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums(shape, layout, numbers):
    size, axes = SHAPES[shape]
    x = laid(numbers(size), layout)
    for name, (function, truth) in SUMS.items():
        if layout != "rows" and name not in ("sum", "norm 2"):
            continue
        found = worst(lambda x, function=function: function(x, axes), [x], truth(x.astype(np.float64), axes))
        assert max(found.values()) < 18, (name, found)


@pytest.mark.parametrize("numbers", [uniform, equal])
def test_ten_million(numbers):
    x = numbers(10**7)
    exact = math.fsum(x.tolist())
    wide = x.astype(np.float64)
    cases = [
        (lambda x: x.sum(), exact),
        (lambda x: x.mean(), exact / 10**7),
        (lambda x: x.norm(), math.sqrt(float(wide @ wide))),
        (lambda x: lineal.dot(x, x), float(wide @ wide)),
        (lambda x: x.cumsum(0)[::9973], np.cumsum(wide)[::9973]),
        (lambda x: (x + 1e3).var(), None if numbers is equal else np.var((x + np.float32(1e3)).astype(np.float64), ddof=1)),
    ]
    for place, (function, wanted) in enumerate(cases):
        if wanted is not None:
            found = worst(function, [x], wanted)
            assert max(found.values()) < 10, (place, found)


def test_whole_numbers_are_exact():
    # every partial sum is a whole number that float32 holds
    x = np.ones(1 << 24, np.float32)
    assert {float(run(lineal.from_numpy(x))) for run in ways(lambda x: x.sum()).values()} == {float(1 << 24)}


@pytest.mark.parametrize("shape", ["whole", "rows", "columns", "middle", "small"])
def test_running_results(shape):
    size, (axis,) = SHAPES[shape]
    x = equal(size)
    near = (1 + 1e-4 * np.random.default_rng(1).standard_normal(size)).astype(np.float32)
    wide = x.astype(np.float64)
    cases = {
        "cumsum": (lambda x: x.cumsum(axis), x, np.cumsum(wide, axis)),
        "cumsum, backwards": (lambda x: x.flip(axis).cumsum(axis).flip(axis), x, np.flip(np.cumsum(wide, axis), axis)),
        "cumprod": (lambda x: x.cumprod(axis), near, np.cumprod(near.astype(np.float64), axis)),
        "logcumsumexp": (lambda x: x.logcumsumexp(axis), x, np.log(np.cumsum(np.exp(wide), axis))),
    }
    for name, (function, numbers, wanted) in cases.items():
        found = worst(function, [numbers], wanted)
        assert max(found.values()) < 3, (name, found)


def test_integrals():
    x = equal((2, 200_001))
    pieces = x.astype(np.float64)[:, 1:]
    found = worst(lambda x: lineal.cumulative_trapezoid(x), [x], np.cumsum(pieces, 1))
    assert max(found.values()) < 4, found
    found = worst(lambda x: lineal.trapezoid(x), [x], pieces.sum(1))
    assert max(found.values()) < 10, found


SPREADS = {"far from zero": lambda z: 1e6 + z, "huge": lambda z: 1e25 * z, "tiny": lambda z: 1e-30 * z, "plain": lambda z: z}


@pytest.mark.parametrize("kind", SPREADS)
@pytest.mark.parametrize("shape", [(4, 8), (128, 96), (600, 700), (3, 100_003), (20_011, 3)])
def test_spreads(kind, shape):
    x = SPREADS[kind](np.random.default_rng(2).standard_normal(shape)).astype(np.float32)
    wide = x.astype(np.float64)
    for axis in (0, 1):
        for name, function, wanted in (
            ("std", lambda x, axis=axis: x.std(axis), wide.std(axis, ddof=1)),
            ("norm", lambda x, axis=axis: x.norm(2, axis), np.sqrt((wide * wide).sum(axis))),
            ("norm 3", lambda x, axis=axis: x.norm(3, axis), _norm3(wide, axis)),
        ):
            found = worst(function, [x], wanted)
            assert max(found.values()) < 12, (name, axis, found)
    var = x.astype(np.float64).var(1, ddof=1)
    with np.errstate(over="ignore"):
        shown = var.astype(np.float32)
    for way, run in ways(lambda x: lineal.var_mean(x, 1)[0]).items():
        np.testing.assert_allclose(run(lineal.from_numpy(x)).numpy(), shown, rtol=4 * HALF_ULP, atol=1e-44, err_msg=way)


def _norm3(x, axis):
    top = np.abs(x).max(axis)
    return top * ((np.abs(x) / np.expand_dims(top, axis)) ** 3).sum(axis) ** (1 / 3)


def standardised(x, axes, eps=1e-5):
    rest = x - x.mean(axes, keepdims=True)
    return rest / np.sqrt((rest * rest).mean(axes, keepdims=True) + eps)


@pytest.mark.parametrize("kind", SPREADS)
@pytest.mark.parametrize("shape", [(4, 8), (128, 96), (600, 700), (16, 5, 7, 11)])
def test_normalisations(kind, shape):
    x = SPREADS[kind](np.random.default_rng(3).standard_normal(shape)).astype(np.float32)
    wide, others = x.astype(np.float64), tuple(n for n in range(len(shape)) if n != 1)
    wanted = standardised(wide, (len(shape) - 1,))
    found = worst(lambda x: F.layer_norm(x, shape[-1:]), [x], wanted, np.abs(wanted).max())
    assert max(found.values()) < 6, found
    wanted = standardised(wide, others)
    found = worst(lambda x: F.batch_norm(x, None, None, training=True), [x], wanted, np.abs(wanted).max())
    assert max(found.values()) < 6, found


def test_running_statistics():
    x = (1e4 + np.random.default_rng(4).standard_normal((5000, 3))).astype(np.float32)
    for way, run in ways(lambda x, m, v: (F.batch_norm(x, m, v, training=True), m, v)[1:]).items():
        mean, var = lineal.zeros(3), lineal.zeros(3)
        F.batch_norm(lineal.from_numpy(x), mean, var, training=True)
        assert error(mean, 0.1 * x.astype(np.float64).mean(0)) < 4, way
        assert error(var, 0.1 * x.astype(np.float64).var(0, ddof=1)) < 4, way
        run(lineal.from_numpy(x), lineal.zeros(3), lineal.zeros(3))


def test_gradients_of_normalisations():
    rng = np.random.default_rng(5)
    for shape in ((4, 8), (128, 96), (600, 700)):
        x, g = (1e3 + rng.standard_normal(shape)).astype(np.float32), rng.standard_normal(shape).astype(np.float32)

        def slope(x, g):
            x = x.detach().requires_grad_()
            return lineal.autograd.grad((F.layer_norm(x, x.shape[-1:]) * g).sum(), x)[0]

        rest = x.astype(np.float64) - x.astype(np.float64).mean(1, keepdims=True)
        r = 1 / np.sqrt((rest * rest).mean(1, keepdims=True) + 1e-5)
        unit = rest * r
        wanted = r * (g - g.mean(1, keepdims=True, dtype=np.float64) - unit * (g * unit).mean(1, keepdims=True))
        found = worst(slope, [x, g], wanted, np.abs(wanted).max())
        assert max(found.values()) < 40, found


@pytest.mark.parametrize("scale", [1.0, 1e25, 1e-30])
def test_correlations_lengths_and_angles(scale):
    z = np.random.default_rng(6).standard_normal((5, 3000)).astype(np.float32)
    x = (scale * z).astype(np.float32)
    found = worst(lambda x: lineal.corrcoef(x), [x], np.corrcoef(z.astype(np.float64)), 1)
    assert max(found.values()) < 10, found
    if scale > 1e-10:
        wide = x.astype(np.float64)
        length = np.sqrt((wide * wide).sum(1, keepdims=True))
        found = worst(lambda x: F.normalize(x), [x], wide / length)
        assert max(found.values()) < 6, found
        angles = (wide / length * (wide / length)[::-1]).sum(1)
        found = worst(lambda x, y: F.cosine_similarity(x, y), [x, np.ascontiguousarray(x[::-1])], angles, 1)
        assert max(found.values()) < 6, found


def test_covariances_far_from_zero():
    x = (1e5 + np.random.default_rng(7).standard_normal((4, 5000))).astype(np.float32)
    wanted = np.cov(x.astype(np.float64))
    found = worst(lambda x: lineal.cov(x), [x], wanted, 1)
    assert max(found.values()) < 20, found
    often = lineal.ones(5000, dtype=lineal.int64)
    assert error(lineal.cov(lineal.from_numpy(x), fweights=often), wanted, 1) < 20


PLACES = {
    "scatter_add": lambda i, s: lineal.zeros(3).scatter_add(0, i, s),
    "index_add": lambda i, s: lineal.zeros(3).index_add(0, i, s),
    "index_put": lambda i, s: lineal.zeros(3).index_put((i,), s, accumulate=True),
    "bincount": lambda i, s: lineal.bincount(i, s, 3),
    "rows": lambda i, s: lineal.zeros(3, 2).index_add(0, i, s.unsqueeze(1).expand(-1, 2))[:, 0],
}


@pytest.mark.parametrize("name", PLACES)
def test_many_into_one_place(name):
    n = 400_000
    places = np.arange(n) % 2
    source = equal(n)
    wanted = np.bincount(places, source.astype(np.float64), 3)
    for way, run in ways(PLACES[name]).items():
        found = run(lineal.from_numpy(places), lineal.from_numpy(source))
        assert error(found[:2], wanted[:2]) < 4, way


def test_gradients_that_are_sums():
    n = 200_000
    source, index = equal((n, 3)), np.zeros(n, np.int64)
    total = source.astype(np.float64).sum(0)

    def slope(function):
        def run(s, i):
            w = lineal.ones(2, 3).requires_grad_()
            return lineal.autograd.grad((function(w, i) * s).sum(), w)[0][0]

        return run

    for function in (lambda w, i: F.embedding(i, w), lambda w, i: w[i], lambda w, i: w[:1]):
        found = worst(slope(function), [source, index], total)
        assert max(found.values()) < 12, found


@pytest.mark.parametrize("k", [1000, 100_000])
def test_long_products(k):
    a, b = equal((4, k)), equal((k, 5))
    wanted = a.astype(np.float64) @ b.astype(np.float64)
    for function in (lambda a, b: a @ b, lambda a, b: lineal.einsum("ik,kj->ij", a, b), lambda a, b: a[:1] @ b):
        run = ways(function)["compiled"]
        found = error(
            run(lineal.from_numpy(a), lineal.from_numpy(b)), wanted[: function(*map(lineal.from_numpy, (a, b))).shape[0]]
        )
        assert found < 80 + k / 50, found


def test_half_precisions_are_summed_in_more_digits():
    for dtype in (lineal.float16, lineal.bfloat16):
        x = lineal.full((60_000, 3), 0.1).to(dtype)
        eps = lineal.finfo(dtype).eps
        for found in (x.mean(0), x.mean(), x.sum(0) / 60_000, x.norm(2, 0) / 60_000**0.5):
            assert float((found.double() - x[0, 0].double()).abs().max()) <= eps * 0.1


def test_complex_sums():
    x = (uniform((50_000, 3)) + 1j * equal((50_000, 3))).astype(np.complex64)
    found = lineal.from_numpy(x).sum(0).numpy()
    wanted = x.astype(np.complex128).sum(0)
    assert np.abs(found - wanted).max() / np.abs(wanted).max() < 8 * HALF_ULP


def test_repeated_numbers_are_multiplied():
    x = lineal.from_numpy(equal((1, 3)))
    assert error(x.expand(1_000_000, 3).sum(0), np.full(3, float(np.float32(0.1)) * 1e6)) < 2
    assert error(x.expand(1_000_000, 3).sum(1, keepdim=True)[:5], np.full((5, 1), 3 * float(np.float32(0.1)))) < 3


def test_sums_do_not_depend_on_the_number_of_threads():
    x = lineal.from_numpy(np.random.default_rng(8).standard_normal((3000, 1100)).astype(np.float32))
    rows = lineal.arange(3000) % 7
    functions = [lambda x: x.sum(), lambda x: x.sum(0), lambda x: x.sum(1), lambda x: x.var(0), lambda x: x.cumsum(0)]
    functions += [
        lambda x: x.new_zeros(7, 1100).index_add(0, rows, x),
        lambda x: x.scatter_add(0, rows[:, None].expand(x.shape), x),
    ]
    before, found = lineal.get_num_threads(), []
    try:
        for count in (1, 2):
            lineal.set_num_threads(count)
            found.append([run(x).numpy().tobytes() for function in functions for run in ways(function).values()])
    finally:
        lineal.set_num_threads(before)
    assert found[0] == found[1]


def test_eager_and_compiled_agree():
    rng = np.random.default_rng(9)
    for shape in ((7, 33), (500, 64), (700, 900)):
        x = rng.random(shape, np.float32)
        for function in (
            lambda x: x.sum(0),
            lambda x: x.var(1),
            lambda x: x.std(0),
            lambda x: x.softmax(0),
            lambda x: x.cumsum(1),
        ):
            one, two = (run(lineal.from_numpy(x)).numpy() for run in ways(function).values())
            np.testing.assert_allclose(one, two, rtol=12 * HALF_ULP)


@pytest.mark.parametrize("x", [[1e200, 2e200], [1e-200, 3e-200], [0.0, 0.0], [math.inf, 1.0], [3.0, 4.0]])
def test_norms_of_any_scale(x):
    rows = lineal.tensor([x, x], dtype=lineal.float64)
    for p in (1.5, 2, 3):
        wanted = max(x) * sum((each / max(x)) ** p for each in x) ** (1 / p) if 0 < max(x) < math.inf else max(x)
        for way, run in ways(lambda x, p=p: x.norm(p, 1)).items():
            np.testing.assert_allclose(run(rows).numpy(), [wanted, wanted], rtol=1e-12, err_msg=f"{way} {p}")


@pytest.mark.parametrize("value", [0.1, 1e6 + 0.25, 1e25, 1e-30, 3.0])
def test_equal_numbers_have_no_spread(value):
    for shape in ((4, 8), (128, 96), (3, 100_003), (2000, 70)):
        x = lineal.full(shape, value)
        for axis in (0, 1):
            for way, run in ways(lambda x, axis=axis: x.std(axis)).items():
                assert not run(x).numpy().any(), (way, shape, axis)


def test_squares_beyond_the_range_beside_others():
    x = np.random.default_rng(10).standard_normal((40, 300)).astype(np.float32)
    x[3], x[5], x[7], x[:, 9] = 1e25 * x[3], 1e-30 * x[5], 0, 1e-30
    x[11, 4], x[13, 4] = math.inf, math.nan
    wide = x.astype(np.float64)
    for axis in (0, 1):
        wanted = np.sqrt((wide * wide).sum(axis))
        for run in ways(lambda x, axis=axis: x.norm(2, axis)).values():
            np.testing.assert_allclose(run(lineal.from_numpy(x)).numpy(), wanted.astype(np.float32), rtol=3e-7)
        function = lambda x, axis=axis: (x.mul_(2), x.norm(2, axis))[1]
        for run in (function, lineal.compile(function)):
            for _ in range(2):
                found = run(lineal.from_numpy(x.copy())).numpy() / 2
                np.testing.assert_allclose(found, wanted.astype(np.float32), rtol=3e-7)
