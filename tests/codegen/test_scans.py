"""Native scans give what NumPy's give: along rows and columns, from either end, of few and of many numbers."""

import numpy as np
import pytest

from lineal.codegen.scans import scanned

RNG = np.random.default_rng(0)
SHAPES = [((5, 7), 1), ((5, 7), 0), ((3, 700), 1), ((700, 3), 0), ((2, 37, 41), 1), ((1, 1), 0)]
STEPS = {"add": np.add, "multiply": np.multiply, "maximum": np.maximum, "minimum": np.minimum, "logaddexp": np.logaddexp}


def numbers(shape, dtype):
    return RNG.integers(-4, 5, shape) if dtype == "int64" else RNG.normal(size=shape).astype(dtype)


def expected(name, x, axis, back, exclusive):
    """Return NumPy's scan, in float64."""
    wide = x.astype(np.float64) if x.dtype.kind == "f" else x
    y = STEPS[name].accumulate(np.flip(wide, axis) if back else wide, axis=axis)
    if exclusive:
        y = np.roll(y, 1, axis)
        np.moveaxis(y, axis, 0)[0] = STEPS[name].identity
    return np.flip(y, axis) if back else y


@pytest.mark.parametrize("name", ("add", "multiply", "logaddexp"))
@pytest.mark.parametrize("dtype", ("float32", "float64", "int64"))
def test_running_results(name, dtype):
    if (name, dtype) == ("logaddexp", "int64"):
        pytest.skip("of floating numbers alone")
    for shape, axis in SHAPES:
        for back in (False, True):
            for exclusive in (False, True) if name != "logaddexp" else (False,):
                x = numbers(shape, dtype)
                y = scanned(name, (x,), axis, back, exclusive)
                assert y.dtype == x.dtype
                np.testing.assert_allclose(y, expected(name, x, axis, back, exclusive), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ("maximum", "minimum"))
@pytest.mark.parametrize("dtype", ("float32", "int64"))
def test_extremes_and_where_each_was_last(name, dtype):
    for shape, axis in SHAPES:
        x = numbers(shape, dtype)
        if dtype == "float32":
            x.flat[::5], x.flat[3::31] = 0, np.nan
        y, place = scanned(name, (x,), axis)
        np.testing.assert_array_equal(y, STEPS[name].accumulate(x, axis=axis))
        here = np.moveaxis(np.broadcast_to(np.arange(x.shape[axis]), np.moveaxis(x, axis, -1).shape), -1, axis)
        was = np.maximum.accumulate(np.where((x == y) | (x != x), here, 0), axis=axis)
        np.testing.assert_array_equal(place, was)


def test_recurrences_go_step_by_step():
    for shape, axis in SHAPES:
        for back in (False, True):
            b, a = RNG.normal(size=shape), RNG.normal(size=shape)
            y, terms, factors = (np.moveaxis(each, axis, 0) for each in (np.empty(shape), b, a))
            order = range(len(y))[::-1] if back else range(len(y))
            so_far = np.zeros_like(y[0])
            for i in order:
                so_far = y[i] = terms[i] + factors[i] * so_far
            assert np.array_equal(scanned("recurrence", (b, a), axis, back), np.moveaxis(y, 0, axis))


def test_sums_of_short_rows_are_numpys_to_the_last_bit():
    x = RNG.normal(size=(9, 100))
    assert np.array_equal(scanned("add", (x,), 1), np.add.accumulate(x, axis=1))


def test_complex_numbers_have_sums_of_their_parts():
    x = RNG.normal(size=(40, 60)) + 1j * RNG.normal(size=(40, 60))
    for axis in (0, 1):
        np.testing.assert_allclose(scanned("add", (x,), axis), np.cumsum(x, axis), rtol=1e-12)
    assert scanned("multiply", (x,), 0) is None
