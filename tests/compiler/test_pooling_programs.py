"""Pooling and repeating in programs: native, with their gradients, for all that windows can be."""

import math

import numpy as np
import pytest
from harness import Comparison, with_gradients

from lineal.nn import functional as F

POOLS = {
    "max": lambda x: F.max_pool2d(x, 2),
    "max, overlapping and padded": lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True),
    "max, dilated": lambda x: F.max_pool2d(x, 2, 1, 0, 2, return_indices=True),
    "max, beyond the end": lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True, return_indices=True),
    "max, adaptive": lambda x: F.adaptive_max_pool2d(x, (4, 2)),
    "max along one axis": lambda x: F.max_pool1d(x[0], 3, return_indices=True),
    "average": lambda x: F.avg_pool2d(x, 2),
    "average, overlapping": lambda x: F.avg_pool2d(x, (3, 2), (2, 1)),
    "average, adaptive": lambda x: F.adaptive_avg_pool2d(x, (1, 4)),
    "nearest": lambda x: F.interpolate(x, scale_factor=(2, 3)),
}
HOST = {"average, overlapping": {"Resample"}}
"""What is left to the host: the way back of sums that overlap."""


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("name", POOLS)
def test_pooling_is_native(name, odd):
    """Infinities and NaN among the numbers too, where maxima have rules for them."""
    rng, turns = np.random.default_rng(0), []
    for _ in range(3):
        x = rng.normal(size=(2, 3, 8, 8))
        if odd:
            x.flat[::7], x.flat[1::11], x[0, 0] = math.nan, -math.inf, -math.inf
        turns.append(([x], [np.asarray(0.3)]))
    found = Comparison(with_gradients(POOLS[name], True), turns)
    assert found.eager is None and found.distance <= 8
    assert set(found.hosts()) == HOST.get(name, set())
