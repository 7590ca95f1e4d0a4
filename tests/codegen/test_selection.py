"""The few largest and smallest numbers of rows, and where they are, as a stable sort has them."""

import numpy as np
import pytest

from lineal.codegen.selection import leading

RNG = np.random.default_rng(0)


def numbers(shape, dtype):
    if np.dtype(dtype).kind != "f":
        return RNG.integers(0 if dtype == "uint8" else -5, 6, shape).astype(dtype)
    x = RNG.normal(size=shape).astype(dtype)
    x.flat[::7], x.flat[::5], x.flat[3::11], x.flat[2::9] = np.nan, 0.0, -0.0, -np.inf
    return x


@pytest.mark.parametrize("dtype", ("float32", "float64", "int64", "uint8"))
def test_the_few_are_those_of_a_stable_sort(dtype):
    for shape in ((5,), (3, 40), (2, 3, 257)):
        x = numbers(shape, dtype)
        rank = np.unique(x, return_inverse=True, equal_nan=True)[1].reshape(shape)
        for count in (1, 3, min(16, shape[-1])):
            for largest in (True, False):
                expected = np.argsort(-rank if largest else rank, axis=-1, kind="stable")[..., :count]
                assert np.array_equal(leading(x, count, largest), expected), (shape, count, largest)
