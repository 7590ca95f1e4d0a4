"""Places in sorted sequences are NumPy's, from the left and from the right, of equal numbers, infinities and NaN."""

import numpy as np
import pytest

from lineal.codegen.searching import RUN, searched

RNG = np.random.default_rng(0)


def given(shape, dtype):
    x = (RNG.normal(size=shape) * 3).round().astype(dtype)
    if np.dtype(dtype).kind == "f":
        x.flat[::11], x.flat[3::13], x.flat[5::17] = np.nan, -np.inf, -0.0
    return x


@pytest.mark.parametrize("dtype", ("float32", "float64", "int64"))
@pytest.mark.parametrize("side", ("left", "right"))
def test_places_in_rows_and_in_one_sequence(dtype, side):
    for n in (1, 2, 7, 100):
        rows, numbers = np.sort(given((3, n), dtype), -1), given((3, 41), dtype)
        expected = [np.searchsorted(*each, side) for each in zip(rows, numbers)]
        assert np.array_equal(searched(rows, numbers, side == "right"), expected)
        many = given(RUN + 5, dtype)
        assert np.array_equal(searched(rows[0], many, side == "right"), np.searchsorted(rows[0], many, side))
