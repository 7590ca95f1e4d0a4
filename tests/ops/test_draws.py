"""Random numbers against the uniform ones that the same state gives."""

import math

import numpy as np
import pytest

import lineal


def uniform(count, dtype):
    """Return the uniform numbers of a state, as float64."""
    lineal.manual_seed(3)
    return lineal.rand(count, dtype=dtype).numpy().astype(np.float64)


@pytest.mark.parametrize("dtype", [lineal.float32, lineal.float64])
@pytest.mark.parametrize("p", [0, 1, 0.3, 0.5, 1e-9, 1 - 1e-9, 2.0**-24, 1 - 2.0**-53])
def test_bernoulli_of_a_number_is_that_of_a_tensor(p, dtype):
    u = uniform(1001, dtype)
    lineal.manual_seed(3)
    assert (lineal.empty(1001, dtype=dtype).bernoulli_(p).numpy() == (u < p)).all()
    lineal.manual_seed(3)
    chances = lineal.full((1001,), p, dtype=lineal.float64)
    assert (lineal.empty(1001, dtype=dtype).bernoulli_(chances).numpy() == (u < p)).all()


@pytest.mark.parametrize("count", [7, 20001])
def test_normal_numbers_are_made_of_pairs_of_uniform_ones(count):
    u, v = np.split(uniform(count + 1, lineal.float64), 2)
    lineal.manual_seed(3)
    x = lineal.randn(count, dtype=lineal.float64).numpy()
    radius, angle = np.sqrt(-2 * np.log(1 - u)), v * (2 * math.pi)
    np.testing.assert_allclose(x, np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count], atol=1e-14)
