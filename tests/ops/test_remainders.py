"""Remainders and whole quotients of floating numbers, exact for many numbers as for few."""

from __future__ import annotations

import numpy as np
import pytest

import lineal as torch


def numbers(dtype: type, spread: int) -> tuple[np.ndarray, np.ndarray]:
    """Return dividends and divisors: far apart, multiples of each other and their neighbours, and all that is special."""
    rng, limits, n = np.random.default_rng(6), np.finfo(dtype), 1000
    a, b = ((rng.standard_normal(n) * 10.0 ** rng.integers(-spread, spread + 1, n)).astype(dtype) for _ in range(2))
    multiple = (b * rng.integers(-9, 9, n)).astype(dtype)
    ends = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1, -3, 0.1, limits.max, limits.tiny, limits.smallest_subnormal], dtype)
    left, right = (each.ravel() for each in np.meshgrid(ends, ends))
    near = [multiple, np.nextafter(multiple, dtype(0)), np.nextafter(multiple, dtype(np.inf))]
    return np.concatenate([a, *near, left]), np.concatenate([b, b, b, b, right])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name, spread", [(n, k) for n in ("fmod", "remainder", "floor_divide") for k in (1, 8, 30)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_division_with_remainder_of_many_numbers_is_exact(name, spread, dtype):
    a, b = numbers(dtype, spread)
    wanted, y = getattr(np, name)(a, b), getattr(torch, name)(torch.tensor(a), torch.tensor(b)).numpy()
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(np.signbit(y[y == y]), np.signbit(wanted[y == y]))
